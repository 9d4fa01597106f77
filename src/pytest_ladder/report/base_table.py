"""A ladder against a git ref as a table: what moved, the worst first; what did not is counted."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from pytest_ladder.core.base_summary import BaseSummary, Flips
from pytest_ladder.core.differences import Difference
from pytest_ladder.report import numbers
from pytest_ladder.report.base import lost, rung_of, says, unmoved
from pytest_ladder.report.columns import Column, Piece
from pytest_ladder.report.comparison import difference
from pytest_ladder.report.text import one_line

_ORDER = (Difference.WORSE, Difference.BETTER, Difference.NO_DIFFERENCE, Difference.TOO_FEW)
_WORDS = {
    Difference.WORSE: "worse, within min_effect", Difference.BETTER: "better",
    Difference.NO_DIFFERENCE: "no difference shown", Difference.TOO_FEW: "no conclusion",
}  # fmt: skip


def moved(base: BaseSummary) -> tuple[Flips, ...]:
    """Of rungs that moved, what changed or has no pair of scores: regressions, then by their verdict."""
    rungs = unmoved(base)
    others = (flips for verdict in _ORDER for flips in base.those(verdict))
    return tuple(flips for flips in (*base.regressions, *others) if flips.pair not in rungs and says(flips))


def columns_of_base(shown: Sequence[Flips]) -> tuple[Column, ...]:
    """Lay out some comparisons, a row each."""
    return (
        _column("rung", shown, lambda flips: rung_of(flips.pair)),
        _column("metric", shown, lambda flips: flips.metric),
        _column("slice", shown, lambda flips: flips.found.slice),
        _column("before", shown, lambda flips: numbers.score(flips.found.before), right=True),
        _column("after", shown, lambda flips: numbers.score(flips.found.after), right=True),
        _column("difference", shown, lambda flips: difference(flips.found)),
        _column("cases", shown, _cases),
        Column(("verdict",), tuple((_verdict(flips),) for flips in shown)),
    )


def lost_of(shown: Sequence[Flips], before: Sequence[Flips] = ()) -> Iterator[str]:
    """The cases that were lost in regressions, each in a line; slices whose cases are all named before are left out.

    Args:
        shown: The comparisons.
        before: Those whose lost cases are told elsewhere.
    """
    told: dict[tuple[str, str, str], set[str]] = {}
    for place, flips in enumerate((*before, *shown)):
        known = told.setdefault((*flips.pair, flips.metric), set())
        if flips.found.regression and not known.issuperset(flips.found.lost):
            known.update(flips.found.lost)
            if place >= len(before):
                yield f"{flips.place} {lost(flips)}"


def unmoved_lines(base: BaseSummary) -> Iterator[str]:
    """The rungs in which no case changed, and how many comparisons of the others say as little."""
    rungs = unmoved(base)
    if rungs:
        yield f"unchanged: {', '.join(rungs.values())}"
    if others := sum(not says(flips) for flips in base.flips if flips.pair not in rungs):
        yield f"no case changed in {numbers.plural(others, 'further comparison' if rungs else 'comparison')}"


def _column(head: str, shown: Sequence[Flips], tell: Callable[[Flips], str], *, right: bool = False) -> Column:
    return Column((head,), tuple((Piece(one_line(tell(flips))),) for flips in shown), right)


def _cases(flips: Flips) -> str:
    found = flips.found
    return f"{numbers.count(found.losses)} lost, {numbers.count(found.wins)} won of {numbers.count(found.n)}"


def _verdict(flips: Flips) -> Piece:
    found = flips.found
    if not found.n:
        return Piece("no pair of scores")
    word = "regression" if found.regression else _WORDS[found.verdict]
    p = "" if found.verdict is Difference.TOO_FEW else f", p {numbers.p_value(found.adjusted)}"
    return Piece(f"{word}{p}", "bold red" if found.regression else "")
