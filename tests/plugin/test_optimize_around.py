"""What stands around a search: judges, redactors, failing answers, referring rungs, and `ladder verify`."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from pytest_ladder.cli.main import main
from tests.plugin.bench import Bench
from tests.plugin.judging import METRIC, PROMPT
from tests.plugin.test_optimize import COLOURS, RIGHT, SEARCH, asks, found, jsonl, make
from tests.repository import Repository

JUDGE = """\
from pathlib import Path


def verdict(messages):
    with Path(__file__).with_name("judged.txt").open("a", encoding="utf-8") as file:
        file.write("judged\\n")
    expected, answer = messages[-1]["content"].split("<")[1:]
    return {"text": "yes" if expected.split(">")[0] == answer.split(">")[0] else "no", "cost_usd": 0.01}
"""


def test_a_judged_metric_can_be_searched_for(bench: Bench):
    make(bench, f'{SEARCH}\nobjective = "quality"', tables=METRIC)
    bench.write("judge.py", JUDGE)
    bench.write("judge.md", PROMPT)
    ran = bench.run()
    assert ran.status == 0, ran.text
    assert "dev 0.000 to 1.000" in ran.flat
    asked = (bench.folder / "judged.txt").read_text(encoding="utf-8")
    first = found(bench).read_bytes()
    found(bench).unlink()
    assert bench.run().status == 0
    assert found(bench).read_bytes() == first
    assert (bench.folder / "judged.txt").read_text(encoding="utf-8") == asked


def test_what_a_teacher_says_is_scrubbed_before_it_is_scored_and_shown(bench: Bench):
    make(bench, f'{SEARCH}\nteacher = "models.py:teach"', tables='[privacy]\nredact = ["hide.py:hide"]')
    bench.write("hide.py", "def hide(text):\n    return text.replace(' of Ada', '')\n")
    bench.edit("models.py", 'return CODES[colour].upper() if colour != "gold" else "no idea"', (
        'return CODES[colour].upper() + " of Ada"'
    ))  # fmt: skip
    assert bench.run().status == 0
    assert "Ada" not in found(bench).read_text(encoding="utf-8")
    assert all("of Ada" not in p.read_text(encoding="utf-8") for p in (bench.folder / "recordings").rglob("*.jsonl"))


def test_a_prompt_whose_answers_fail_is_left_out_and_the_run_says_so(bench: Bench):
    make(bench)
    bench.edit("models.py", "    shown = [", (
        '    if len(messages) > 9:\n        raise ValueError("too long a prompt")\n    shown = ['
    ))  # fmt: skip
    ran = bench.run()
    assert "the search left out" in ran.flat
    assert "too long a prompt" in ran.flat
    assert found(bench).read_text(encoding="utf-8").count("\nuser:") <= 4


def test_a_search_whose_beginning_fails_stops_and_goes_on_in_the_next_run(bench: Bench):
    make(bench)
    bench.edit("models.py", "    shown = [", (
        '    if (Path(__file__).parent / "down").exists() and "dev 3" in messages[-1]["content"]:\n'
        '        raise ConnectionError("no route")\n    shown = ['
    ))  # fmt: skip
    down = bench.write("down", "")
    ran = bench.run()
    assert ran.status == 1
    assert "the search is not finished" in ran.flat
    assert "no route" in ran.flat
    assert not (bench.folder / "optimized").exists()
    made = len(bench.asked())
    down.unlink()
    assert bench.run().status == 0
    again = [line for line in bench.asked() if " dev " in line]
    assert len(again) + made > len(set(again))


def test_a_rung_that_routes_to_it_waits_for_the_search(bench: Bench):
    make(bench)
    text = (bench.folder / "ladder.toml").read_text(encoding="utf-8")
    bench.write("start2.md", "user:\n{{ input }}\n")
    bench.write("ladder.toml", text + (
        '[rungs.routed]\nkind = "decompose"\nrouter = [{ to = "optimize" }]\n'
    ))  # fmt: skip
    ran = bench.run("--ladder-rung=routed")
    assert ran.status == 0, ran.text
    assert bench.verdicts[0] == "routed met"
    name = f"optimized/optimize/{found(bench).name}"
    assert name in bench.log[0]["artifacts"]


def test_half_of_dev_that_is_shown_shares_no_question_with_the_half_that_scores(bench: Bench):
    make(bench, SEARCH.replace('examples = "pool.jsonl"\n', ""))
    twice = [{**line, "id": f"again-{line['id']}"} for line in asks(16, "dev")]
    bench.write("dev.jsonl", jsonl([*asks(16, "dev"), *twice]))
    bench.run()
    scored = {line.removeprefix("model ") for line in bench.asked() if " dev " in line}
    shown = {line for line in found(bench).read_text(encoding="utf-8").splitlines() if " dev " in line}
    assert scored
    assert not scored & shown


def test_a_metric_that_can_score_no_dev_case_says_so(bench: Bench):
    make(bench)
    bench.write("dev.jsonl", jsonl({"id": f"d{n}", "input": f"{COLOURS[n % 4]} dev {n}"} for n in range(8)))
    ran = bench.run()
    assert ran.status == 1
    assert "evals/support/dev.jsonl: no answer can be scored by `answer`" in ran.flat


def test_verify_names_the_prompt_that_is_missing(bench: Bench, capsys):
    make(bench)
    bench.run()
    assert main(["verify", str(bench.folder)]) == 0
    name = found(bench).name
    found(bench).unlink()
    capsys.readouterr()
    assert main(["verify", str(bench.folder)]) == 1
    assert (
        f"optimized/optimize/{name}, is missing. Run `pytest --ladder --ladder-rung=optimize`"
        in capsys.readouterr().err
    )


def test_expected_answers_that_are_no_texts_are_shown_as_json(bench: Bench):
    make(bench, SEARCH.replace("demos = 6", "demos = 2"))
    bench.edit("ladder.toml", 'scorer = "exact_match"', 'scorer = "json_fields"')
    rows = [{**row, "expected": {"code": RIGHT[row["input"].split()[0]]}} for row in asks(12, "pool")]
    bench.write("pool.jsonl", jsonl({k: v for k, v in row.items() if k != "id"} for row in rows))
    bench.write("dev.jsonl", jsonl({**row, "expected": {"code": row["expected"]}} for row in asks(8, "dev")))
    bench.write("cases.jsonl", jsonl({**row, "expected": {"code": row["expected"]}} for row in asks(4, "case")))
    bench.edit("models.py", 'return {"text": code.upper() if "SHOUT" in system else code,', (
        'import json\n    code = json.dumps({"code": code.upper()}) if shown else code\n    return {"text": code,'
    ))  # fmt: skip
    bench.run()
    text = found(bench).read_text(encoding="utf-8")
    assert '{"code": "' in text
    assert json.loads(next(line for line in text.splitlines() if line.startswith("{")))["code"] in RIGHT.values()


def test_answers_that_must_fit_a_schema_are_searched_with_their_repairs_counted(bench: Bench):
    make(
        bench,
        SEARCH.replace('instructions = ["shout.md"]\n', 'output = "schema.json"\n').replace("demos = 6", "demos = 1"),
    )
    bench.edit("ladder.toml", 'scorer = "exact_match"', 'scorer = "json_fields"')
    bench.write("schema.json", json.dumps({"type": "object", "required": ["code"]}))
    for name, what, many in (("pool.jsonl", "pool", 12), ("dev.jsonl", "dev", 8), ("cases.jsonl", "case", 4)):
        rows = [{**row, "expected": {"code": "OTTER"}} for row in asks(many, what, ["red"])]
        bench.write(name, jsonl({k: v for k, v in row.items() if k != "id" or what != "pool"} for row in rows))
    bench.edit("models.py", 'return {"text": code.upper() if "SHOUT" in system else code,', (
        "again = 'cannot be used' in messages[-1]['content']\n"
        "    text = '{\"code\": \"OTTER\"}' if len(messages) > 4 or again else 'no'\n"
        '    return {"text": text,'
    ))  # fmt: skip
    ran = bench.run()
    assert ran.status == 0, ran.text
    told = found(bench).read_text(encoding="utf-8")
    used = int(told.partition("used: ")[2].partition(" calls")[0])
    kept = (bench.folder / "recordings/optimize/calls.jsonl").read_text(encoding="utf-8").splitlines()
    assert used == sum(len(json.loads(line)["calls"]) for line in kept) <= 300
    assert "cannot be used" in "".join(bench.asked())
    assert "found: 1.000" in told


def test_against_a_base_the_prompt_that_was_found_there_counts(bench: Bench):
    make(bench)
    assert bench.run().status == 0
    repository = Repository.make(bench.pytester.path)
    repository.branch()
    spoilt = found(bench).read_text(encoding="utf-8").replace("SHOUT", "Whisper").replace("version: 1", "version: 2")
    found(bench).write_text(spoilt, encoding="utf-8")
    bench.run()
    repository.commit()
    ran = bench.run("--ladder-base=main", "--ladder-record=none")
    assert ran.status == 1
    assert "compared with main" in ran.flat
    assert "optimize" in ran.flat.partition("compared with main")[2]
    assert "regression" in ran.flat


@pytest.mark.parametrize("number", [0, 1])
def test_the_tables_of_the_page_are_read_and_the_first_one_runs(bench: Bench, number: int):
    page = (Path(__file__).parents[2] / "docs/how-to/optimise-prompts.md").read_text(encoding="utf-8")
    block = re.findall(r"(?ms)^```toml\n(.*?)^```", page)[number]
    make(bench)
    for name in ("answer", "answer_terse"):
        bench.write(f"prompts/{name}.md", (bench.folder / "start.md").read_text(encoding="utf-8"))
    bench.write("prompts/answer_stepwise.md", (bench.folder / "shout.md").read_text(encoding="utf-8"))
    bench.write("past-answers.jsonl", (bench.folder / "pool.jsonl").read_text(encoding="utf-8"))
    head, _, _ = (bench.folder / "ladder.toml").read_text(encoding="utf-8").partition("[rungs.optimize]")
    top, _, rung = block.partition("[rungs.optimize]")
    assert top.strip() in head
    bench.write("ladder.toml", f"{head}[rungs.optimize]{rung}")
    if number == 0:
        ran = bench.run()
        assert ran.status == 0, ran.text
        assert "instruction: evals/support/prompts/answer_stepwise.md" in found(bench).read_text(encoding="utf-8")
    else:
        assert main(["status", str(bench.folder)]) == 0
