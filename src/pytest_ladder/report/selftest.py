"""The words and columns of a self-test: the same in every report."""

from __future__ import annotations

from collections.abc import Iterator

from pytest_ladder.core.canonical import Json
from pytest_ladder.core.entries import Verdict
from pytest_ladder.core.health import Note, Trait
from pytest_ladder.core.selftest import SelfTest, Stability
from pytest_ladder.core.selftested import SelfTested
from pytest_ladder.core.summary import State
from pytest_ladder.report import numbers
from pytest_ladder.report.columns import Cell, Column, Columns, Piece
from pytest_ladder.report.figures import STATE_WORDS
from pytest_ladder.report.text import one_line

HEADING = "self-test: how far these verdicts can be trusted"
NOTHING = (
    "no rung has an answer to every case on record: there is nothing to judge. Run `pytest --ladder` first; a rung "
    "that ended early has none to the rest"
)
_SHOWN = 4
"""How many cases a note lists."""
_SHAKY = 0.2
"""From this share of flips on a verdict is shown in yellow: one other eval set in five would overturn it."""


def columns_of_selftest(found: SelfTested, *, unicode: bool) -> Columns:
    """Lay the test out: a row a threshold; what belongs to the whole rung stands in its first row."""
    rows = [(rung, test, check, check is test.checks[0]) for rung, test in found.rungs.items() for check in test.checks]
    heads = [(rung, test) if first else ("", None) for rung, test, _, first in rows]
    checks = [check for _, _, check, _ in rows]
    sign = "≥" if unicode else ">="
    asked = [f"{check.metric}[{check.slice}] {sign} {numbers.threshold(check.threshold)}" for check in checks]
    repeated = any(test.aa_pairs for test in found.rungs.values())
    aa = [Column(("A/A", "flips"), tuple((Piece(_aa(test)),) for _, test in heads), right=True)] if repeated else []
    return Columns(
        rung=Column(("rung",), tuple((Piece(one_line(rung, unicode=unicode), "bold"),) for rung, _ in heads)),
        state=Column(("verdict",), tuple(_verdict(test) for _, test in heads)),
        figures=(
            Column(("flips",), tuple(_flips(test.flips if test else None) for _, test in heads), right=True), *aa,
            Column(("threshold",), tuple((Piece(one_line(text, unicode=unicode)),) for text in asked)),
            Column(("n",), tuple((Piece(numbers.count(check.n)),) for check in checks), right=True),
            Column(("", "flips"), tuple(_flips(check.flips) for check in checks), right=True),
            Column(
                ("least", "gain"), tuple((Piece(numbers.difference(check.detectable, 2)),) for check in checks),
                right=True,
            ),
        ),
        limits=(), usage=(),
    )  # fmt: skip


def _verdict(test: SelfTest | None) -> Cell:
    if test is None:
        return (Piece(""),)
    style = {Verdict.MET: "green", Verdict.SHORT: "yellow", Verdict.INCONCLUSIVE: "yellow"}.get(test.verdict, "")
    return (Piece(STATE_WORDS[State(str(test.verdict))], style),)


def _flips(share: float | None) -> Cell:
    if share is None:
        return (Piece(""),)
    return (Piece(numbers.percent(share), "yellow" if share >= _SHAKY else ""),)


def _aa(test: SelfTest | None) -> str:
    if test is None:
        return ""
    return f"{test.aa_flips} of {test.aa_pairs}" if test.aa_pairs else numbers.MISSING


def selftest_lines(found: SelfTested) -> Iterator[tuple[str, str, bool]]:
    """What the table says and what stands beside it: label, text, and whether it calls for a change."""
    if found.rungs:
        rung, test = max(found.rungs.items(), key=lambda item: item[1].flips)
        yield "flips", _flips_words(rung, test), False
        if any(check.mean in (0.0, 1.0) for test in found.rungs.values() for check in test.checks):
            yield (
                "0 %",
                "says nothing where every case scores the same: draws cannot differ. The bounds tell more",
                False,
            )
        yield (
            "least gain",
            "the smallest gain over the rung that a comparison on so many cases would show (power 80 %)",
            False,
        )
    if any(test.aa_pairs for test in found.rungs.values()):
        yield "A/A", "pairs of repeats, each judged alone, whose verdicts differ: nothing but chance does", False
    else:
        yield from [("A/A", "not seen with one answer a case: set `repeats = 2` or more", False)] if found.rungs else []
    if not found.rungs:
        yield "nothing", NOTHING, True
    for rung, why in found.left_out.items() if found.rungs else ():
        yield rung, f"left out: {why}", False
    for note in found.health:
        yield "eval set", note_words(note), note.warns


def _flips_words(rung: str, test: SelfTest) -> str:
    return (
        f"on another eval set of this size the verdict of {rung} would differ in {numbers.percent(test.flips)} of "
        f"{test.resamples} draws"
    )


def note_words(note: Note) -> str:
    """A note on the eval set, with the first of its cases; a small slice is named, not listed."""
    if not note.cases or note.trait is Trait.SMALL_SLICE:
        return note.text
    more = f" and {len(note.cases) - _SHOWN} more" if len(note.cases) > _SHOWN else ""
    return f"{note.text} ({', '.join(note.cases[:_SHOWN])}{more})"


def selftest_json(found: SelfTested | None) -> Json:
    """A self-test as JSON; None where none was asked for."""
    if found is None:
        return None
    return {
        "rungs": [_rung_json(rung, test) for rung, test in found.rungs.items()],
        "left_out": dict(found.left_out),
        "evalset": [
            {"trait": str(note.trait), "text": note.text, "slice": note.slice, "warns": note.warns,
             "cases": list(note.cases)}
            for note in found.health
        ],
    }  # fmt: skip


def _rung_json(rung: str, test: SelfTest) -> Json:
    return {
        "id": rung, "verdict": str(test.verdict), "flips": test.flips, "resamples": test.resamples,
        "repeats": test.repeats, "aa_pairs": test.aa_pairs, "aa_flips": test.aa_flips,
        "checks": [_check_json(check) for check in test.checks],
    }  # fmt: skip


def _check_json(check: Stability) -> Json:
    return {
        "metric": check.metric, "slice": check.slice, "n": check.n, "threshold": check.threshold, "mean": check.mean,
        "verdict": str(check.verdict), "flips": check.flips, "detectable": check.detectable,
    }  # fmt: skip


def selftest_schema() -> Json:
    """The JSON Schema of what `selftest_json` writes."""
    text, count, share = {"type": "string"}, {"type": "integer", "minimum": 0}, {"type": "number", "minimum": 0}
    verdict = {"enum": [str(verdict) for verdict in Verdict]}
    flips = {**share, "maximum": 1, "description": "Share of the eval sets drawn that give another verdict."}
    check = _object(
        metric=text, slice=text, n=count, threshold={"type": "number"}, mean=share, verdict=verdict, flips=flips,
        detectable={"type": ["number", "null"], "description": "Smallest gain shown with 80 % power; null for none."},
    )  # fmt: skip
    rung = _object(
        id=text, verdict=verdict, flips=flips, resamples=count, repeats=count,
        aa_pairs={**count, "description": "Pairs of repeats, each judged alone."}, aa_flips=count, checks=_list(check),
    )  # fmt: skip
    note = _object(
        trait={"enum": [str(trait) for trait in Trait]}, text=text, slice=text, warns={"type": "boolean"},
        cases=_list(text),
    )  # fmt: skip
    why = {"type": "object", "additionalProperties": text, "description": "Rung to why it could not be tested."}
    return _object(rungs=_list(rung), left_out=why, evalset=_list(note))


def _object(**properties: Json) -> Json:
    return {"type": "object", "additionalProperties": False, "required": list(properties), "properties": properties}


def _list(item: Json) -> Json:
    return {"type": "array", "items": item}
