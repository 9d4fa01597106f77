"""What a log tells against today's evidence."""

from __future__ import annotations

from datetime import date

import pytest

from pytest_ladder.core.entries import Entry, RungEntry, Verdict
from pytest_ladder.core.rungs import Kind, RungSpec
from pytest_ladder.session.concluding.history import history, overlap, own_systems
from tests.builders import evalset
from tests.unit.test_session_evidence import entry

TODAY = date(2026, 1, 2)
PROMPT, RAG = RungSpec("prompt", Kind.PROMPT), RungSpec("rag", Kind.RAG)


def told(*log: Entry, now: RungEntry | None = None, rungs: tuple[RungSpec, ...] = (PROMPT,)) -> tuple[str, ...]:
    now = now or entry()
    return history([*log, now], {now.rung: now}, rungs, now.cases, TODAY)


def test_a_log_of_one_version_tells_nothing():
    assert told(entry(), entry(answers="b", fingerprint="g")) == ()


@pytest.mark.parametrize(
    ("old", "line"),
    [
        (entry(cases=12), "an eval set of 10 cases that had 12 before"),
        (entry(contract="d", verdict=Verdict.MET), "prompt that met other cases or thresholds before"),
        (entry(fingerprint="g", verdict=Verdict.MET), "prompt that met them in another version before"),
        (entry(rung_kind=Kind.RAG), "prompt that was of the kind rag before"),
        (entry(at="2026-02-01T00:00:00Z", answers="b"), "a log of 2026-02-01 on a clock of 2026-01-02"),
    ],
)
def test_what_stood_there_before_is_told(old: RungEntry, line: str):
    assert told(old) == (line,)


@pytest.mark.parametrize(
    "old", [entry(cases=8), entry(cases=12, reason="hold-out, look 1"), entry(at="2026-01-03T00:00:00Z", answers="b")]
)
def test_growth_a_look_at_the_holdout_and_another_time_zone_are_nothing(old: RungEntry):
    assert told(old) == ()


def test_a_rung_that_meets_today_is_not_told_to_have_met():
    assert told(entry(verdict=Verdict.MET, fingerprint="g"), now=entry(verdict=Verdict.MET)) == ()


def test_the_answers_of_a_cheaper_kind_are_told_of_the_dearer_one_alone():
    rag = entry(rung="rag", rung_kind=Kind.RAG)

    assert told(entry(), now=rag, rungs=(PROMPT, RAG)) == ("rag that answers every case as prompt does",)
    assert told(rag, rungs=(PROMPT, RAG)) == ()


def test_a_system_of_the_test_shows_in_the_fingerprint():
    one, other = entry(fingerprint="f"), entry(rung="rag", fingerprint="g")
    current = {"prompt": one, "rag": other}

    assert own_systems(current, {"prompt": "f", "rag": "g"}) == ()
    assert own_systems(current, {"prompt": "f", "rag": "h"}) == ("rag answered by a system that the test gave",)


def test_cases_of_the_holdout_in_the_eval_set_are_counted_by_their_input():
    assert overlap(evalset(3), None) == ""
    assert overlap(evalset(3), evalset(5)) == "a hold-out set of which 3 of 5 cases are in the eval set"
