"""What a run says of its own certainty: shared error, clusters, tries."""

from __future__ import annotations

from tests.plugin.bench import Bench, case

CONFIDENT = '[decision]\nrule = "confident"\n'


def figure(bench: Bench, rung: str) -> dict[str, float]:
    entry = next(entry for entry in bench.log if entry.get("rung") == rung)
    return dict(entry["scores"]["answer"]["all"])


def test_a_further_rung_is_graded_into_the_shares_without_asking(bench: Bench):
    bench.make({"prompt": 20, "few_shot": 100}, cases=100, tables=CONFIDENT)
    bench.run()
    bench.asked()
    before = figure(bench, "few_shot")
    bench.system("rag", 100)
    text = bench.toml.read_text(encoding="utf-8")
    bench.toml.write_text(f'{text}\n[rungs.rag]\nsystem = "rag.py:answer"\n', encoding="utf-8")

    read_only = bench.run("--ladder-record=none")
    ran = bench.run("-v")

    assert read_only.status == 1
    assert "log out of date" in read_only.text
    assert ran.outcomes() == {"prompt": "SHORT", "few_shot": "SELECTED", "rag": "NOT NEEDED"}
    assert bench.asked() == []
    assert bench.log[-2]["scores"]["answer"]["all"]["low"] < before["low"]


def test_cases_that_go_together_are_worth_fewer(bench: Bench):
    cases = [case(number, metadata={"doc": number // 4}) for number in range(60)]
    bench.make({"prompt": 56, "few_shot": 60}, cases=60, thresholds="answer = { all = 0.8 }", tables=CONFIDENT)
    bench.cases(cases)
    bench.run()
    alone = figure(bench, "prompt")
    bench.log_path.unlink()
    bench.edit("ladder.toml", 'rule = "confident"', 'rule = "confident"\ncluster = "doc"')

    ran = bench.run("-v")

    assert ran.status == 4, "15 documents cannot show 0.8 for one of two rungs"
    assert "n = 15 cannot confirm 0.8 at 97.5 %" in ran.flat

    bench.edit("ladder.toml", "all = 0.8", "all = 0.7")
    assert bench.run("-v").outcomes() == {"prompt": "UNDECIDED", "few_shot": "SELECTED"}
    assert figure(bench, "prompt")["low"] < alone["low"]
    assert figure(bench, "prompt")["n"] == 60


def test_versions_tried_on_one_eval_set_are_counted(bench: Bench):
    bench.make({"prompt": 4, "few_shot": 10})
    bench.run()
    assert "versions on this eval set" not in bench.run().text
    bench.system("prompt", 5)
    bench.run()
    bench.system("prompt", 6)

    ran = bench.run("--ladder-report=report.md")

    assert "tried    prompt in 3 versions on this eval set" in ran.text
    bench.write("prompt.py", "def answer(case):\n    raise ValueError('broken')\n")
    assert "prompt in 3 versions" in bench.run().text, "an error is no version"
    bench.system("prompt", 6)
    assert "prompt in 3 versions" in (bench.pytester.path / "report.md").read_text(encoding="utf-8")
    bench.cases([case(number) for number in range(11)])
    bench.system("few_shot", 11)
    assert "versions on this eval set" not in bench.run().text, "new cases, new count"


def test_an_undecided_rung_stands_apart_in_junit_and_log(bench: Bench):
    bench.make({"prompt": 56, "few_shot": 60}, cases=60, tables=CONFIDENT)

    bench.run("--junitxml=junit.xml")

    junit = (bench.pytester.path / "junit.xml").read_text(encoding="utf-8")
    assert '<property name="ladder.verdict" value="inconclusive"' in junit
    assert "answer[all] 0.933 not clearly above 0.90; to decide it: about 257 more cases for answer[all]" in junit
    assert bench.log[0]["verdict"] == "inconclusive"
