"""The report for machines, and its published schema."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator, ValidationError

from pytest_ladder.report.json_report import dump, render_json, report_json_schema
from tests.summaries import LADDER, MISSES, RAG, REFUSALS, RunSummary, run

PUBLISHED = Path(__file__).parents[2] / "docs" / "reference" / "report.schema.json"


def validate(summary: RunSummary) -> dict:
    report = json.loads(render_json(summary))
    Draft202012Validator(report_json_schema()).validate(report)
    return report


def test_the_published_schema_is_the_one_in_the_code():
    assert json.loads(PUBLISHED.read_text(encoding="utf-8")) == report_json_schema()


def test_the_schema_is_a_schema():
    Draft202012Validator.check_schema(report_json_schema())


@pytest.mark.parametrize(
    "summary",
    [run(), run(requested=True, refusals=REFUSALS), run(selected=None, rows=()), replace(run(), ladders=())],
    ids=["selected", "refused", "no rungs", "no ladders"],
)
def test_a_report_fits_the_schema(summary: RunSummary):
    validate(summary)


def test_the_schema_notices_a_key_that_it_does_not_know():
    report = {**json.loads(render_json(run())), "surprise": 1}

    with pytest.raises(ValidationError, match="surprise"):
        Draft202012Validator(report_json_schema()).validate(report)


def test_the_report_says_what_the_run_said():
    report = validate(run(requested=True, refusals=REFUSALS))
    ladder = report["ladders"][0]

    assert (report["schema"], report["version"], ladder["selected"]) == (1, "0.1.0", "rag")
    assert [rung["state"] for rung in ladder["rungs"]] == ["short", "short", "selected", "not needed"]
    assert ladder["rungs"][2]["entry"] == json.loads(json.dumps(RAG.entry.as_dict()))
    assert ladder["gate"]["refusals"][0]["code"] == "met"
    assert ladder["rungs"][1]["worst_cases"][0]["answer"] == MISSES[0].answer


@pytest.mark.parametrize(
    ("figure", "told"), [(2.2345e-8, 2.23e-8), (0.00012345678, 0.000123), (0.12345678, 0.123457), (0.0, 0.0)]
)
def test_figures_have_six_decimals_or_where_they_are_small_three_digits(figure: float, told: float):
    assert json.loads(dump(figure)) == told


def test_figures_that_are_not_finite_are_null():
    report = validate(run(rows=(replace(RAG, recall=math.nan),)))

    assert report["ladders"][0]["rungs"][0]["recall"] is None


def test_keys_are_sorted_and_the_text_is_the_same_each_time():
    text = render_json(run())

    assert text == json.dumps(json.loads(text), indent=2, sort_keys=True, ensure_ascii=False) + "\n"
    assert text == render_json(run())


def test_ids_alone_are_written_where_privacy_says_so():
    text = render_json(run(replace(LADDER, show="ids")))

    assert "c-017" in text
    assert "Tuesday" not in text
    validate(run(replace(LADDER, show="ids")))


def test_half_a_surrogate_pair_does_no_harm():
    assert "a?b" in render_json(run(decided="a\ud800b"))
