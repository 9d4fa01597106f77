"""The words for a ladder against a git ref, the same in every report."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from pytest_ladder.core.base_summary import SHOWN, BaseSummary, Flips
from pytest_ladder.core.canonical import Json
from pytest_ladder.core.differences import Difference
from pytest_ladder.core.policy import Change, Direction
from pytest_ladder.report import numbers
from pytest_ladder.report.comparison import difference, listed


@dataclass(frozen=True, slots=True)
class Line:
    """One thing to tell."""

    label: str
    text: str
    style: str = ""


def heading(base: BaseSummary) -> str:
    """What the ladder is compared with, and how sure the bounds of the differences are."""
    moved = any(flips.found.differing for flips in base.flips)
    bounds = f"; in brackets one-sided bounds at {numbers.percent(base.confidence)}" if moved else ""
    return f"compared with {base.shown}{bounds}"


def lines(base: BaseSummary) -> Iterator[Line]:
    """All there is to tell, the worst first."""
    yield from history(base)
    for flips in base.regressions:
        yield Line("regression", told(flips), "red")
        yield Line("", lost(flips))
    for flips in base.those(Difference.WORSE):
        yield Line("worse", f"{told(flips)}; within min_effect", "yellow")
    for flips in base.those(Difference.BETTER):
        yield Line("better", told(flips), "green")
    yield from _quiet(base)
    yield from rules(base)


def history(base: BaseSummary) -> Iterator[Line]:
    """What of the log is gone or changed."""
    if base.rewritten:
        yield Line("altered", base.rewritten, "red")


def rules(base: BaseSummary) -> Iterator[Line]:
    """What became of the rules, and what else is worth knowing."""
    for change in base.changes:
        yield Line(str(change.direction), change.text, _style(change, base.refused))
    for note in base.notes:
        yield Line("note", note)


def _quiet(base: BaseSummary) -> Iterator[Line]:
    """What shows neither gain nor loss: unchanged rungs, no conclusion, no difference."""
    unchanged = unmoved(base)
    if unchanged:
        yield Line("unchanged", ", ".join(unchanged.values()))
    for verdict, label in ((Difference.NO_DIFFERENCE, "no difference"), (Difference.TOO_FEW, "no conclusion")):
        for pair in dict.fromkeys(flips.pair for flips in base.flips if flips.pair not in unchanged):
            places = [_briefly(flips) for flips in base.those(verdict) if flips.pair == pair and says(flips)]
            if places:
                yield Line(label, f"{rung_of(pair)}: {', '.join(places)}")


def unmoved(base: BaseSummary) -> dict[tuple[str, str], str]:
    """The rungs of which cases were compared and none changed, each with its name and how many they are."""
    pairs = dict.fromkeys(flips.pair for flips in base.flips if flips.found.n)
    return {pair: _pair(pair, base) for pair in pairs if not _moved(base, pair)}


def says(flips: Flips) -> bool:
    """Whether a slice has a case that changed, or cannot be compared at all."""
    return bool(flips.found.differing) or not flips.found.n


def _briefly(flips: Flips) -> str:
    place = f"{flips.metric}[{flips.found.slice}]"
    return f"{place} {difference(flips.found)}" if flips.found.n else f"{place} without a pair of scores"


def rung_of(pair: tuple[str, str]) -> str:
    """The rung that is compared with itself, or both."""
    return pair[0] if pair[0] == pair[1] else f"{pair[0]} -> {pair[1]}"


def _moved(base: BaseSummary, pair: tuple[str, str]) -> bool:
    return any(flips.found.differing for flips in base.flips if flips.pair == pair)


def _pair(pair: tuple[str, str], base: BaseSummary) -> str:
    most = max(flips.found.n for flips in base.flips if flips.pair == pair)
    return f"{rung_of(pair)} ({numbers.plural(most, 'case')} shared)"


def told(flips: Flips) -> str:
    """One comparison in a line: both scores, the difference with its bounds, the counts, the p-value."""
    found = flips.found
    scores = f"{numbers.score(found.before)} to {numbers.score(found.after)}, {difference(found)}"
    counts = f"{found.wins} won, {found.ties} tied, {found.losses} lost of {found.n}"
    p = found.adjusted_gain if found.verdict is Difference.BETTER else found.adjusted_loss
    tested = f"; p {numbers.p_value(p)}" if found.differing and found.verdict is not Difference.TOO_FEW else ""
    return f"{flips.place}: {scores}; {counts}{tested}"


def lost(flips: Flips) -> str:
    """The ids of the cases that were lost, the largest loss first."""
    return f"lost: {listed(flips.found.lost, SHOWN)}"


def _style(change: Change, refused: bool) -> str:
    if change.direction is not Direction.LAXER:
        return ""
    return "red" if refused else "yellow"


def base_json(base: BaseSummary | None) -> Json:
    """The comparison as JSON; None where none was asked for."""
    if base is None:
        return None
    return {
        "ref": base.ref, "commit": base.commit, "confidence": base.confidence, "policy_refused": base.refused,
        "rewritten": base.rewritten, "notes": list(base.notes),
        "comparisons": [_flips_json(flips) for flips in base.flips],
        "policy": [{"change": change.text, "direction": str(change.direction)} for change in base.changes],
    }  # fmt: skip


def _flips_json(flips: Flips) -> Json:
    found = flips.found
    return {
        "before": flips.before, "now": flips.now, "metric": flips.metric, "slice": found.slice, "n": found.n,
        "wins": found.wins, "ties": found.ties, "losses": found.losses, "difference": found.difference,
        "low": found.low, "high": found.high, "p_gain": found.adjusted_gain, "p_loss": found.adjusted_loss,
        "verdict": str(found.verdict), "regression": found.regression, "won": list(found.won[:SHOWN]),
        "lost": list(found.lost[:SHOWN]),
    }  # fmt: skip
