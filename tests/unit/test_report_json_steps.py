"""The report for machines: how the answers of its worst cases came about, within a bound."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from pytest_ladder.core.answers import Answer
from pytest_ladder.core.case_summary import CaseSummary, Details, RungCase
from pytest_ladder.core.summary import LadderSummary, Miss
from pytest_ladder.report.json_report import render_json, report_json_schema
from pytest_ladder.report.steps_json import steps_json
from tests.summaries import FEW_SHOT, LADDER, run
from tests.tracing import AGENT, DECOMPOSED, GUARDED, OWN


def ladder_of(cases: dict[str, Sequence[Answer]], **parts: Any) -> LadderSummary:
    """The sample, whose rung `few_shot` fails some cases with these answers."""
    known = tuple(
        CaseSummary(
            name, (), {"few_shot": RungCase({"answer": 0.0}, True, "facts", "x", "", tuple(answers))}, "?", "!",
            ("KB-2210",),
        )
        for name, answers in cases.items()
    )  # fmt: skip
    row = replace(FEW_SHOT, misses=tuple(Miss(name, "answer", 0.0, "?", "!", "x") for name in (*cases, "c-gone")))
    return replace(LADDER, rows=(row,), details=Details(known), **parts)


def told(ladder: LadderSummary) -> dict[str, Any]:
    """Case -> its steps in the report, which fits its schema."""
    report = json.loads(render_json(run(ladder)))
    Draft202012Validator(report_json_schema()).validate(report)
    return {miss["case"]: miss["steps"] for miss in report["ladders"][0]["rungs"][0]["worst_cases"]}


def test_each_step_says_what_was_asked_what_came_of_it_and_what_was_found():
    ((way,), gone) = told(ladder_of({"c-1": [DECOMPOSED]})).values()

    assert gone is None
    assert (way["answers"], way["left_out"]) == (1, 0)
    assert [(step["part"], step["name"]) for step in way["steps"][:3]] == [
        ("", "plan"), ("1", "search"), ("1", "answer")
    ]  # fmt: skip
    assert way["steps"][3] == {
        "name": "search", "part": "2", "asked": "What is the warranty of The Vista lamp?", "result": "", "note": "",
        "tone": "", "documents_left_out": 0, "characters_left_out": 0,
        "documents": [{"id": "KB-2210", "score": "12.7", "evidence": True},
                      {"id": "KB-9395", "score": "10.3", "evidence": False}],
    }  # fmt: skip
    assert way["steps"][4]["result"] == "24 months [KB-2210]"


def test_refused_and_failed_calls_are_told_by_their_tone():
    ((way,), _) = told(ladder_of({"c-1": [AGENT]})).values()

    assert [step["tone"] for step in way["steps"]][:3] == ["", "refused", "failed"]


def test_repeats_that_came_about_alike_are_told_once():
    (ways, _) = told(ladder_of({"c-1": [GUARDED, OWN, GUARDED]})).values()

    assert [way["answers"] for way in ways] == [2, 1]


def test_answers_of_which_nothing_is_on_record_differ_from_those_that_are_not_here():
    assert told(ladder_of({"c-bare": [Answer("x")], "c-elsewhere": []})) == {
        "c-bare": [], "c-elsewhere": None, "c-gone": None,
    }  # fmt: skip


def test_under_ids_there_are_none():
    assert {*told(ladder_of({"c-1": [DECOMPOSED, AGENT]}, show="ids")).values()} == {None}
    assert {*told(replace(ladder_of({"c-1": [DECOMPOSED]}), details=None)).values()} == {None}


def test_long_texts_and_many_steps_and_documents_are_cut_and_counted():
    search = {"step": "search", "query": "q" * 5_000, "found": [f"d{n}" for n in range(50)]}
    ((way,), _) = told(ladder_of({"c-1": [Answer("x", steps=(search,) * 100)]})).values()

    assert (len(way["steps"]), way["left_out"]) == (60, 41)
    first = way["steps"][0]
    assert (len(first["asked"]), first["characters_left_out"]) == (4_000, 1_000)
    assert (len(first["documents"]), first["documents_left_out"]) == (20, 30)


@pytest.mark.parametrize(("room", "signs", "cases"), [(100_000, 4_000, 4), (10_000, 1_000, 4), (4_000, 250, 4),
                                                     (700, 250, 1), (10, 0, 0)])  # fmt: skip
def test_where_all_steps_take_more_than_their_room_each_is_cut_shorter_and_then_the_last_are_left_out(
    room: int, signs: int, cases: int
):
    long = {f"c-{n}": [Answer("x", steps=({"step": "verify", "said": f"{n}" * 5_000},))] for n in range(4)}

    found = steps_json(ladder_of(long), room)

    assert list(found) == [("few_shot", f"c-{n}") for n in range(cases)]
    assert {len(ways[0]["steps"][0]["result"]) for ways in found.values()} == ({signs} if cases else set())
    assert len(json.dumps([*found.values()])) <= room + 10
