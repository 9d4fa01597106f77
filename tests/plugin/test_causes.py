"""The kinds of failures that a run tells without anybody having labelled them."""

from __future__ import annotations

import json

from tests.plugin.bench import Bench, case
from tests.plugin.test_option_report_html import REPORT, cases, page

STEPS = [{"input": "which?", "expected": "it"}, {"input": "what of it?", "expected": "that"}]
MODEL = "def reply(messages):\n    return 'I do not know.'\n"
HEAD = 'model = "models.py:reply"\nmodel_options = {}'
BUILT_IN = {
    "prompt": 'prompt = "p.md"',
    "rag": 'prompt = "g.md"\ncorpus = "kb.jsonl"\ntop_k = 1',
}
TUNE = ("--ladder-fine-tune",)


def built_in(bench: Bench, *rungs: str, cases: int = 10, tables: str = "") -> Bench:
    """Rungs with built-in systems on a model that knows nothing, and an index that finds the wrong document."""
    bench.make({}, head=HEAD, tables=tables)
    bench.write("models.py", MODEL)
    bench.write("p.md", "{{ input }}")
    bench.write("g.md", "{{ context }} {{ input }}")
    rows = [("right", "an answer"), ("wrong", "question question")]
    bench.write("kb.jsonl", "".join(json.dumps({"id": id_, "text": text}) + "\n" for id_, text in rows))
    bench.cases(case(number, evidence=["right"]) for number in range(cases))
    declare(bench, *rungs)
    return bench


def declare(bench: Bench, *rungs: str) -> None:
    text = bench.toml.read_text(encoding="utf-8")
    bench.write("ladder.toml", text + "".join(f"[rungs.{rung}]\n{BUILT_IN[rung]}\n" for rung in rungs))


def test_what_was_not_shown_not_found_and_not_found_in_one_step_are_told_apart(bench: Bench):
    built_in(bench, "prompt", tables='[gate]\nrequired = ["prompt", "rag", "advanced_rag", "decompose"]')
    ran = bench.run()
    assert "failures: facts 10" in ran.flat
    assert "next declare [rungs.rag]: most failures are of kind facts" in ran.flat

    declare(bench, "rag")
    ran = bench.run()
    assert "rag failures: retrieval 10" in ran.flat
    assert [entry.get("diagnosis") for entry in bench.log if entry.get("rung") == "rag"] == [{"retrieval": 10}]

    bench.cases(case(number, evidence=["right", "wrong"], steps=STEPS) for number in range(10))
    assert "rag failures: reasoning 10" in bench.run().flat


def test_of_redundant_evidence_one_document_is_enough(bench: Bench):
    built_in(bench, "rag")
    pool = [f"right {number}" for number in range(130)]
    rows = [*((id_, "question of the kind") for id_ in pool), *((f"wrong {number}", "zebra") for number in range(400))]
    bench.write("kb.jsonl", "".join(json.dumps({"id": id_, "text": text}) + "\n" for id_, text in rows))
    found, missed = ({"evidence": pool}, {"evidence": [f"{id_}x" for id_ in pool]})
    bench.cases(case(number, **(found if number < 7 else missed)) for number in range(10))

    assert "rag failures: unknown 7, retrieval 3" in bench.run().flat


def test_a_case_says_how_much_of_its_evidence_an_answer_needs(bench: Bench):
    built_in(bench, "rag")
    both = {"evidence": ["wrong", "right"]}
    bench.cases(case(number, **both, **({"evidence_needed": 1} if number < 4 else {})) for number in range(10))

    assert "rag failures: retrieval 6, unknown 4" in bench.run().flat


def test_more_evidence_cannot_be_needed_than_there_is(bench: Bench):
    built_in(bench, "rag")
    bench.cases([case(1, evidence=["wrong", "right"], evidence_needed=3)])

    ran = bench.run()

    assert ran.status == 4
    told = "cases.jsonl:1: wrong 'evidence_needed', got 3; expected a whole number from 1 to 2, of its `evidence`"
    assert told in ran.flat


def test_a_routers_failures_are_those_of_the_rung_that_answered(bench: Bench):
    built_in(bench, "prompt")
    bench.write("ladder.toml", bench.toml.read_text(encoding="utf-8") + '[rungs.routed]\nkind = "decompose"\n' + ROUTER)

    assert "routed failures: facts 10" in bench.run("--ladder-climb=all").flat


ROUTER = 'router = [{ to = "prompt" }]\n'


def test_a_declared_rung_that_was_left_out_is_recommended_with_its_reason(bench: Bench):
    built_in(bench, "prompt", "rag")

    told = bench.run("--ladder-rung=prompt").flat

    assert "run `pytest --ladder --ladder-rung=rag`: most failures are of kind facts" in told


def test_a_label_goes_before_what_the_record_shows(bench: Bench):
    built_in(bench, "prompt")
    given = {"rung": "prompt", "by": "ada", "at": "2026-01-02"}
    lines = [given | {"case": "c1", "kind": "form"}, given | {"case": "c2", "kind": "unknown"}]
    bench.write("labels.jsonl", "".join(json.dumps(line) + "\n" for line in lines))

    assert "failures: facts 8, form 1, unknown 1" in bench.run().flat


def test_a_plugin_goes_before_it_too(bench: Bench):
    built_in(bench, "prompt")
    hook = "def pytest_ladder_classify_failure(case, result):\n    return 'form' if case.id == 'c7' else None\n"
    (bench.pytester.path / "conftest.py").write_text(hook, encoding="utf-8")

    assert "failures: facts 9, form 1" in bench.run().flat


def test_of_a_system_of_the_users_own_that_names_no_document_nothing_is_told(bench: Bench):
    bench.make({"prompt": 4})
    bench.cases(case(number, evidence=["right"]) for number in range(10))

    assert "failures: unknown 6" in bench.run().flat


def test_nor_where_the_test_gave_the_system(bench: Bench):
    built_in(bench, "prompt")
    own = "import pytest\n\n\ndef mine(case):\n    return 'no'\n\n\n"
    bench.write(f"test_{bench.name}.py", own + "@pytest.mark.ladder\ndef test_support(rung):\n    rung.check(mine)\n")

    assert "failures: unknown 10" in bench.run().flat


def test_the_record_alone_exempts_no_rung_from_the_gate(bench: Bench):
    built_in(bench, "prompt", cases=80, tables='[gate]\nrequired = ["prompt", "few_shot", "decompose"]')
    toml = bench.toml.read_text(encoding="utf-8")
    bench.write("ladder.toml", toml + '[rungs.fine_tune]\nprompt = "p.md"\nbase = "models.py:reply"\n')
    bench.run()

    told = bench.run(*TUNE).flat

    assert "failures: facts 80" in told
    assert "not_recorded: few_shot" in told
    assert "not_recorded: decompose" in told
    assert "0 of the 80 failures of prompt are known to be of form, 0 are unknown" in told


def test_the_page_has_the_kind_of_each_case(bench: Bench):
    built_in(bench, "prompt", "rag")

    bench.run(REPORT)

    found = cases(page(bench)).values()
    assert {(rungs["prompt"][0], rungs["rag"][0]) for rungs in found} == {("facts", "retrieval")}
