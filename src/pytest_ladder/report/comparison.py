"""Comparisons in words and columns: the same wherever two systems stand against each other."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from pytest_ladder.core.cases import ALL
from pytest_ladder.core.differences import Comparison, Difference, SliceComparison
from pytest_ladder.core.gains import Gain
from pytest_ladder.core.power import detectable
from pytest_ladder.report import numbers
from pytest_ladder.report.columns import Cell, Column, Columns, Piece
from pytest_ladder.report.text import one_line

WORDS = {
    Difference.BETTER: "better", Difference.WORSE: "worse", Difference.NO_DIFFERENCE: "no difference shown",
    Difference.TOO_FEW: "too few pairs: no conclusion",
}  # fmt: skip
"""What a reader sees for each verdict."""
STYLES = {Difference.BETTER: "green", Difference.WORSE: "red", Difference.NO_DIFFERENCE: "", Difference.TOO_FEW: "dim"}


def difference(found: SliceComparison) -> str:
    """A difference with its bounds: `+0.729 [+0.68, +0.77]`."""
    return f"{numbers.difference(found.difference)} {numbers.reach(found.low, found.high)}".rstrip()


AGAINST = {
    Difference.BETTER: "better than {}", Difference.WORSE: "worse than {}",
    Difference.NO_DIFFERENCE: "no difference from {} shown", Difference.TOO_FEW: "too few pairs against {}",
}  # fmt: skip
PLATEAU = "plateau over {}"


def gain_words(gain: Gain) -> str:
    """What a rung brought over the best cheaper one, in one line: the whole set, and the slices that got worse."""
    told: dict[str, list[str]] = {}
    for metric, found in gain.metrics.items():
        whole = found.slices[ALL]
        word = PLATEAU if ALL in gain.plateaus(metric) else AGAINST[whole.verdict]
        told.setdefault(word, []).append(f"{metric} {difference(whole)}")
    first, *others = ((word, ", ".join(figures)) for word, figures in told.items())
    parts = [f"{first[0].format(gain.over)}: {first[1]}", *(f"{_alone(word)}: {figures}" for word, figures in others)]
    worse = ", ".join(f"{metric}[{name}]" for metric, name in gain.slices(Difference.WORSE))
    return "; ".join([*parts, *([f"worse in {worse}"] if worse else [])])


def _alone(word: str) -> str:
    """The word without the rung, which was named before: `better`, `no difference shown`, `plateau`."""
    return " ".join(part for part in word.split() if part not in ("{}", "than", "from", "against", "over"))


def flips_of(comparison: Comparison, most: int | None = None) -> Iterator[tuple[str, str]]:
    """What to look at: slices in which losses gather, and the cases lost and won on the whole set, by id."""
    if comparison.gathering:
        told = (f"{name} (p {numbers.p_value(p)})" for name, p in comparison.gathering.items())
        yield "losses gather in", ", ".join(told)
    whole = comparison.slices[ALL]
    for word, ids in (("lost", whole.lost), ("won", whole.won)):
        if ids and most != 0:
            yield f"{word} {numbers.count(len(ids))}", listed(ids, most)


def listed(ids: Sequence[str], most: int | None) -> str:
    """Ids of cases, as many as were asked for."""
    shown = ids if most is None else ids[:most]
    more = f" and {numbers.count(len(ids) - len(shown))} more" if len(shown) < len(ids) else ""
    return ", ".join(shown) + more


def columns_of_comparison(
    comparison: Comparison, names: tuple[str, str], *, unicode: bool, effect: bool = False
) -> Columns:
    """Lay out one metric: a row a slice, the verdict, the figures, and what they rest on.

    Args:
        comparison: What is shown.
        names: Of the rung before and of the one after.
        unicode: Whether the reader takes more than ASCII.
        effect: Whether to show the effect size too.
    """
    sizes = [numbers.difference(row.effect_size, 2) for row in comparison.slices.values()]
    rows = tuple(comparison.slices.values())
    before, after = (one_line(name, unicode=unicode) for name in names)
    return Columns(
        rung=Column(("slice",), tuple((Piece(one_line(row.slice, unicode=unicode), "bold"),) for row in rows)),
        state=Column(("verdict",), tuple(_verdict(row) for row in rows)),
        figures=(
            _column(("n",), [numbers.count(row.n) for row in rows], right=True),
            _column((before,), [numbers.score(row.before) for row in rows], right=True),
            _column((after,), [numbers.score(row.after) for row in rows], right=True),
            Column(("difference",), tuple(_difference(row) for row in rows)),
        ),
        limits=(),
        usage=(
            _column(("won",), [numbers.count(row.wins) for row in rows], right=True),
            _column(("tied",), [numbers.count(row.ties) for row in rows], right=True),
            _column(("lost",), [numbers.count(row.losses) for row in rows], right=True),
            _column(("p",), [_p(row) for row in rows], right=True),
            *([_column(("effect size",), sizes, right=True)] if effect else []),
            _column(("could show",), [could_show(row, comparison) for row in rows], right=True),
        ),
    )  # fmt: skip


def _verdict(row: SliceComparison) -> Cell:
    first, colon, rest = WORDS[row.verdict].partition(": ")
    style = "bold red" if row.regression else STYLES[row.verdict]
    return (Piece(f"{first}{colon}".rstrip(), style), *((Piece(rest, style),) if rest else ()))


def _difference(row: SliceComparison) -> Cell:
    reach = numbers.reach(row.low, row.high)
    return (Piece(numbers.difference(row.difference), STYLES[row.verdict]), *((Piece(reach, "dim"),) if reach else ()))


def _column(header: tuple[str, ...], texts: Sequence[str], *, right: bool = False) -> Column:
    return Column(header, tuple((Piece(text),) for text in texts), right)


def _p(row: SliceComparison) -> str:
    shown = row.differing and row.verdict is not Difference.TOO_FEW
    return numbers.p_value(row.adjusted) if shown else numbers.MISSING


def could_show(row: SliceComparison, comparison: Comparison) -> str:
    """The smallest difference that so many pairs would have shown."""
    return numbers.score(detectable(row, comparison.confidence))
