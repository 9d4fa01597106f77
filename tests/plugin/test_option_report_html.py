"""`--ladder-report=PATH.html`: every failing case with the answers of every rung, gathered on the controller."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from pytest_ladder.session.summaries import summary
from tests.pages import Page
from tests.plugin.bench import Bench

REPORT = "--ladder-report=report.html"


def page(bench: Bench) -> Page:
    return Page((bench.pytester.path / "report.html").read_text(encoding="utf-8"))


def cases(read: Page, number: int = 0) -> dict[str, dict[str, Any]]:
    """Case id -> rung -> kind and answer, as the page's script reads them."""
    data = read.data(number)
    return {
        row[0]: {
            rung: (data["kinds"][one[0]] if one[0] >= 0 else "right", data["texts"][one[2]] if one[2] >= 0 else None)
            for rung, one in zip(data["rungs"], row[4], strict=True)
            if one
        }
        for row in data["cases"]
    }


def test_every_failing_case_is_there_with_the_answers_of_all_rungs(bench: Bench):
    ran = bench.make().run(REPORT)

    assert ran.status == 0
    ran.has("report: report.html")
    read = page(bench)
    assert read.faults == []
    found = cases(read)
    assert list(found) == [f"c{n}" for n in range(4, 10)]
    assert found["c7"] == {"prompt": ("unknown", "no idea of 7"), "few_shot": ("right", "answer 7")}
    assert "Decision few_shot" in read.text


def test_a_label_is_the_kind_of_a_failure(bench: Bench):
    bench.make({"prompt": 4})
    label = {"case": "c5", "rung": "prompt", "kind": "form", "by": "a", "at": "2026-01-01T00:00:00Z"}
    bench.write("labels.jsonl", json.dumps(label) + "\n")

    assert bench.run(REPORT).status == 1
    found = cases(page(bench))
    assert found["c5"]["prompt"][0] == "form"
    assert found["c6"]["prompt"][0] == "unknown"


def test_a_case_in_error_is_told_apart(bench: Bench):
    bench.make({"prompt": 10}, tables="[decision]\nmax_error_rate = 0.5")
    bench.write("prompt.py", "def answer(case):\n    if case.id == 'c3':\n        raise ValueError('the oven')\n"
                             "    return 'answer ' + case.input.split()[-1]\n")  # fmt: skip

    bench.run(REPORT)

    read = page(bench)
    assert cases(read) == {"c3": {"prompt": ("error", None)}}
    assert any("the oven" in str(text) for text in read.data()["texts"])


def test_the_evidence_is_that_of_the_log(bench: Bench):
    bench.make().run(REPORT)

    text = page(bench).text
    for entry in bench.log:
        assert entry["id"] in text


def test_a_second_run_writes_the_same_bytes_but_for_its_time(bench: Bench):
    def written() -> str:
        text = (bench.pytester.path / "report.html").read_text(encoding="utf-8")
        return re.sub(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", "TIME", text)

    bench.make().run()
    bench.run(REPORT)
    first = written()
    bench.run(REPORT)
    assert written() == first
    bench.run(REPORT, "-n", "2")
    assert written() == first


def test_workers_make_no_difference_to_the_cases(bench: Bench):
    bench.make()
    Bench(bench.pytester, "other").make({"prompt": 3, "few_shot": 10})

    bench.run("-n", "2", REPORT)

    read = page(bench)
    assert [e.text for e in read.all("h1")] == ["other", "support"]
    assert list(cases(read, 0)) == [f"c{n}" for n in range(3, 10)]
    assert list(cases(read, 1)) == [f"c{n}" for n in range(4, 10)]


def test_rungs_of_the_log_are_shown_with_their_cases(bench: Bench):
    bench.make().run()

    bench.run("--ladder-rung=few_shot", REPORT)

    assert cases(page(bench))["c9"] == {"prompt": ("unknown", "no idea of 9"), "few_shot": ("right", "answer 9")}


def test_nothing_is_gathered_where_no_report_shows_it(bench: Bench, monkeypatch: pytest.MonkeyPatch):
    def gathered(*_: object) -> None:
        raise AssertionError("gathered")

    monkeypatch.setattr(summary, "details_of", gathered)

    assert bench.make().run("--ladder-report=report.md").status == 0


def test_under_ids_no_text_of_a_case_or_an_answer_is_in_the_file(bench: Bench):
    secrets = ("Mrs Pennyfeather", "the blue folder", "I would say Smith", "extra trouble", "noted secret")
    bench.make({"prompt": 0, "few_shot": 0}, tables='[privacy]\nshow = "ids"')
    case = {"id": "c0", "input": "Who is Mrs Pennyfeather?", "expected": "the blue folder"}
    bench.cases([case, {**case, "id": "c1", "input": "Mrs Pennyfeather?"}])
    bench.edit("ladder.toml", "exact_match", "scorers.py:score")
    bench.write("scorers.py", "from pytest_ladder import Score\n\n\ndef score(case, answer):\n"
                              "    return Score(0.0, 'noted secret')\n")  # fmt: skip
    bench.write("prompt.py", "def answer(case):\n    return 'I would say Smith'\n")
    bench.write("few_shot.py", "def answer(case):\n    raise ValueError(f'extra trouble with {case.input}')\n")

    bench.run(REPORT)

    read = page(bench)
    assert [secret for secret in secrets if secret in read.source] == []
    assert cases(read)["c0"]["prompt"] == ("unknown", None)
    assert "system" in read.data()["texts"]


def test_answers_that_are_kept_elsewhere_are_not_shown(bench: Bench):
    bench.make({"prompt": 4}, tables='[recordings]\nstore = "local"').run()
    for path in (bench.folder / "recordings").rglob("*.jsonl"):
        path.unlink()

    bench.run("--ladder-record=none", REPORT)

    read = page(bench)
    assert cases(read)["c7"] == {"prompt": ("unknown", None)}
    assert "answers not verifiable here: prompt" in read.text


def test_a_smoke_run_and_an_empty_one_write_a_page(bench: Bench):
    bench.make()

    assert bench.run("--ladder-limit=2", REPORT).status == 0
    assert "smoke run" in page(bench).text
    bench.pytester.makepyfile(test_other="def test_other(): pass")
    bench.run(REPORT, "test_other.py")
    assert "No ladder was run." in page(bench).text
