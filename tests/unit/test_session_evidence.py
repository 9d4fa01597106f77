"""What of a log still stands."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pytest_ladder.core.answers import Answer, Record, answers_digest
from pytest_ladder.core.canonical import digest
from pytest_ladder.core.cases import EvalSet
from pytest_ladder.core.entries import DecisionEntry, Entry, RungEntry, Verdict
from pytest_ladder.core.rungs import Kind
from pytest_ladder.errors import InvalidFile
from pytest_ladder.session.evidence import (
    Known,
    altered,
    backed,
    doubts,
    effort,
    measured_at,
    outdated,
    rung_entries,
    said,
)
from pytest_ladder.store.recordings import Recordings, recorded_inputs, recordings_path
from tests.builders import case, evalset

PRINT = digest("f")
TEN = evalset(10)


def entry(**parts: Any) -> RungEntry:
    """A sealed entry of the rung `prompt`, measured in January."""
    at = parts.pop("at", "2026-01-01T00:00:00Z")
    known: dict[str, Any] = {
        "ladder": "support", "rung": "prompt", "rung_kind": Kind.PROMPT, "evalset": "e", "contract": "c",
        "fingerprint": PRINT, "answers": "a", "cases": 10, "repeats": 1, "scores": {}, "verdict": Verdict.SHORT,
    }  # fmt: skip
    return RungEntry(**{**known, **parts}).sealed(at)


def decision(selected: str | None, *rests_on: RungEntry) -> DecisionEntry:
    return DecisionEntry("support", selected, tuple(e.id for e in rests_on), "r", "w").sealed("2026-01-01T00:00:01Z")


# --- which entries ---------------------------------------------------------------------------------------------------


def test_a_rungs_entries_are_its_own_the_newest_last_whatever_the_order_of_lines():
    old, new = entry(at="2026-01-01T00:00:00Z"), entry(at="2026-02-01T00:00:00Z")
    log = [new, decision(None, old), entry(rung="rag"), old]

    assert rung_entries(log, "prompt") == [old, new]


def test_of_several_that_say_the_same_the_newest_stands():
    old, new = entry(), entry(at="2026-02-01T00:00:00Z")

    assert said([old, new], entry(at="2026-03-01T00:00:00Z", latency={"p50": 9.0})) == new
    assert said([old, new], entry(verdict=Verdict.MET)) is None


def test_answers_are_as_old_as_their_last_measurement_whatever_the_grading():
    entries = [entry(), entry(at="2026-02-01T00:00:00Z"), entry(answers="b", at="2026-03-01T00:00:00Z")]

    assert measured_at(entries, entry(contract="another")) == "2026-02-01T00:00:00Z"
    assert measured_at(entries, entry(fingerprint=digest("g"))) == ""


# --- why none is current ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("parts", "why"),
    [
        ({"evalset": "x"}, "the eval set changed since it was measured"),
        ({"contract": "x"}, "the grading contract changed since it was measured"),
        ({"fingerprint": "x"}, "the rung itself changed since it was measured"),
        ({"evalset": "x", "contract": "x"}, "the eval set and the grading contract changed since it was measured"),
        ({}, "its answers are not in the recordings"),
    ],
)
def test_what_changed_is_named(parts: dict[str, str], why: str):
    assert outdated([entry(**parts)], ("e", "c", PRINT)) == why


def test_the_nearest_entry_is_what_is_compared_with():
    entries = [entry(evalset="x", contract="x", fingerprint="x"), entry(contract="x")]

    assert outdated(entries, ("e", "c", PRINT)) == "the grading contract changed since it was measured"


def test_figures_that_do_not_follow_from_the_answers_are_told_as_such():
    today = entry(verdict=Verdict.MET)

    assert outdated([entry()], ("e", "c", PRINT), today) == "its figures are not those that the recorded answers give"


def test_a_rung_without_entries_is_not_outdated():
    assert outdated([], ("e", "c", PRINT)) == ""


# --- what was changed by hand ----------------------------------------------------------------------------------------


def test_the_answers_of_a_standing_entry_are_unaltered():
    assert altered([entry()], entry(scores={"x": {}}, contract="another")) == ""


def test_other_answers_under_the_same_fingerprint_and_eval_set_were_altered():
    assert altered([entry()], entry(answers="b")) == "the recorded answers are not those that the log digests"


@pytest.mark.parametrize("parts", [{"evalset": "x"}, {"fingerprint": "x"}, {"errors": 1}, {"repeats": 2}])
def test_an_entry_for_something_else_or_with_errors_vouches_for_nothing(parts: dict[str, Any]):
    assert altered([entry(**parts)], entry(answers="b")) == ""


def test_any_standing_entry_may_vouch():
    assert altered([entry(answers="b"), entry()], entry()) == ""


def test_a_new_number_of_repeats_is_no_change_by_hand():
    assert altered([entry(repeats=2)], entry(answers="b")) == ""


@pytest.mark.parametrize(("limit", "what"), [("cost_per_case", "costs"), ("latency_p95", "times")])
def test_a_figure_that_has_a_limit_must_be_what_an_entry_says(limit: str, what: str):
    standing = entry(limits={limit: 0.5})

    told = f"the {what} of the recorded answers are not those in the log"
    assert altered([standing], entry(limits={limit: 0.4})) == told
    assert altered([standing], entry(limits={limit: 0.5 + 1e-7})) == ""


def test_another_model_name_was_altered():
    told = altered([entry(model_returned=("m-1",))], entry(model_returned=("m-2",)))

    assert told == "the models of the recorded answers are not those in the log"


# --- what cannot be true ---------------------------------------------------------------------------------------------


def test_a_log_that_was_only_added_to_raises_no_doubt():
    first = entry()
    second = entry(rung="rag", rung_kind=Kind.RAG, verdict=Verdict.MET, after=(first.id,))
    log: list[Entry] = [first, decision(None, first), second, decision("rag", first, second)]

    assert doubts(log) == ()
    assert doubts(log[::-1]) == ()


def test_an_entry_that_another_builds_on_and_that_is_gone_is_missed():
    first = entry()
    second = entry(rung="rag", after=(first.id,))

    (told,) = doubts([second])

    assert told.startswith("the entry of rag (")
    assert first.id[7:19] in told


def test_a_decision_whose_entries_are_gone_is_doubted():
    (told,) = doubts([decision(None, entry())])

    assert told.startswith("the decision (")


@pytest.mark.parametrize(
    ("verdict", "selected"), [(Verdict.MET, None), (Verdict.SHORT, "prompt"), (Verdict.MET, "rag")]
)
def test_a_decision_must_be_what_its_entries_say(verdict: Verdict, selected: str | None):
    first = entry(verdict=verdict)

    (told,) = doubts([first, decision(selected, first)])

    assert "is not what its entries say" in told


def looked(verdict: Verdict, **parts: Any) -> RungEntry:
    return entry(evalset="h", reason="hold-out, look 1", verdict=verdict, **parts)


@pytest.mark.parametrize(
    ("said", "selected", "sound"),
    [
        (Verdict.MET, "prompt", True),
        (Verdict.MET, None, False),
        (Verdict.SHORT, None, True),
        (Verdict.INCONCLUSIVE, None, True),
        (Verdict.SHORT, "prompt", False),
        (Verdict.INCONCLUSIVE, "prompt", False),
        (Verdict.ERROR, "prompt", False),
    ],
)
def test_a_decision_must_be_what_the_looks_it_rests_on_say(said: Verdict, selected: str | None, sound: bool):
    met, look = entry(verdict=Verdict.MET), looked(said)

    found = doubts([met, look, decision(selected, met, look)], confirming="c")

    assert (found == ()) is sound


def test_a_look_at_a_rung_that_is_short_makes_it_no_lever():
    short, look = entry(), looked(Verdict.MET)

    assert doubts([short, look, decision(None, short, look)]) == ()
    assert len(doubts([short, look, decision("prompt", short, look)])) == 1


def test_under_a_contract_that_asks_for_a_look_a_decision_without_one_is_doubted():
    met, look = entry(verdict=Verdict.MET), looked(Verdict.MET, rung="rag")
    log: list[Entry] = [met, look, decision("prompt", met), decision("prompt", met, look)]

    assert doubts(log) == ()
    assert doubts(log, confirming="another") == ()
    assert ["rests on no look" in told for told in doubts(log, confirming="c")] == [True, True]


# --- effort ----------------------------------------------------------------------------------------------------------


def recorded(folder: Path, name: str, texts: dict[int, str], cases: EvalSet = TEN, **parts: Any) -> RungEntry:
    """A version on record: case number -> answer; its entry."""
    fingerprint = digest(name)
    recordings = Recordings(folder, "prompt", fingerprint, folder)
    made = [
        Record(cases[number].id, cases[number].input_digest, 0, fingerprint, Answer(text))
        for number, text in texts.items()
    ]
    for record in made:
        recordings.add(record)
    return entry(fingerprint=fingerprint, answers=answers_digest(made), cases=len(made), **parts)


def alike(text: str, n: int = 10) -> dict[int, str]:
    return dict.fromkeys(range(n), text)


def efforts(folder: Path, *log: RungEntry, cases: EvalSet = TEN) -> int:
    return effort(log, folder, cases, folder).get(Kind.PROMPT, 0)


def test_versions_that_answer_differently_count_each(tmp_path: Path):
    log = [recorded(tmp_path, name, alike(name)) for name in "abc"]

    assert efforts(tmp_path, *log) == 3


def test_versions_that_answer_alike_count_once(tmp_path: Path):
    assert efforts(tmp_path, *(recorded(tmp_path, name, alike("same")) for name in "ab")) == 1


def test_the_same_version_counts_once_however_often_it_was_graded(tmp_path: Path):
    one = recorded(tmp_path, "a", alike("a"))

    assert efforts(tmp_path, one, replace(one, contract="another")) == 1


@pytest.mark.parametrize(("answered", "counts"), [(8, 1), (7, 0)])
def test_a_version_counts_that_answered_four_fifths_of_todays_inputs(tmp_path: Path, answered: int, counts: int):
    assert efforts(tmp_path, recorded(tmp_path, "a", alike("a", answered))) == counts


def test_cases_with_the_same_input_count_as_one(tmp_path: Path):
    doubled = EvalSet((*TEN, *(case(f"again {c.id}", input=c.input) for c in TEN)))

    assert efforts(tmp_path, recorded(tmp_path, "a", alike("a")), cases=doubled) == 1


def test_an_entry_whose_answers_are_not_on_record_is_no_effort(tmp_path: Path):
    one = recorded(tmp_path, "a", alike("a"))

    assert efforts(tmp_path, replace(one, answers="sha256:other")) == 0
    assert efforts(tmp_path, replace(one, rung="rag")) == 0
    recordings_path(tmp_path, "prompt", one.fingerprint).unlink()
    assert efforts(tmp_path, one) == 0


def test_files_that_are_as_they_were_are_not_read_a_second_time(tmp_path: Path):
    log, known = [recorded(tmp_path, name, alike(name)) for name in "ab"], Known()
    for version in log:
        path = recordings_path(tmp_path, "prompt", version.fingerprint)
        assert effort(log, tmp_path, TEN, tmp_path, known=known) == {Kind.PROMPT: 2}
        at = path.stat()
        path.write_bytes(b" " * at.st_size)
        os.utime(path, ns=(at.st_atime_ns, at.st_mtime_ns))

    assert effort(log, tmp_path, TEN, tmp_path, known=known) == {Kind.PROMPT: 2}
    os.utime(path, ns=(at.st_atime_ns, at.st_mtime_ns + 1))
    assert effort(log, tmp_path, TEN, tmp_path, known=known) == {Kind.PROMPT: 1}
    assert effort(log, tmp_path, TEN, tmp_path) == {}


def test_a_version_that_covers_too_few_inputs_is_looked_at_again_for_it_may_have_become_certain(tmp_path: Path):
    log, known = [recorded(tmp_path, "a", alike("a", 5))], Known()

    for certain in (False, True):
        counted = effort(log, tmp_path, TEN, tmp_path, certain=lambda *_, said=certain: said, known=known)
        assert counted == ({Kind.PROMPT: 1} if certain else {})


def test_effort_goes_by_kind(tmp_path: Path):
    one = recorded(tmp_path, "a", alike("a"))
    other = replace(recorded(tmp_path, "b", alike("b")), rung_kind=Kind.RAG)

    assert effort([one, other], tmp_path, TEN, tmp_path) == {Kind.PROMPT: 1, Kind.RAG: 1}


def test_recordings_that_cannot_be_read_are_named(tmp_path: Path):
    one = recorded(tmp_path, "a", alike("a"))
    recordings_path(tmp_path, "prompt", one.fingerprint).write_text("{}\n", encoding="utf-8")

    with pytest.raises(InvalidFile, match=r"recordings/prompt/\w+\.jsonl:1: the key 'schema' is missing"):
        efforts(tmp_path, one)


def test_an_entry_is_backed_by_its_own_cases_among_more(tmp_path: Path):
    """The eval set grew, and the same version answered the new cases too."""
    first = recorded(tmp_path, "a", alike("a", 8))
    recorded(tmp_path, "a", {8: "later", 9: "later"})
    answers = recorded_inputs(recordings_path(tmp_path, "prompt", first.fingerprint))

    assert backed(first, answers, TEN)
    assert backed(first, answers, evalset(8))
    assert not backed(replace(first, cases=9), answers, TEN)
