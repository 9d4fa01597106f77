"""What each rung brought over the best cheaper one, for a terminal."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from pytest_ladder.core.differences import Difference
from pytest_ladder.core.gains import Gain
from pytest_ladder.core.summary import LadderSummary, RungRow
from pytest_ladder.report.comparison import flips_of, gain_words
from pytest_ladder.report.page import INDENT, Page, Remark

if TYPE_CHECKING:
    from rich.console import RenderableType

SHOWN = 10
"""How many ids of won and of lost cases are listed."""


def gain_remark(row: RungRow) -> Iterator[Remark]:
    """A rung's gain in one line; nothing where there is none to compare with."""
    if row.gain is not None:
        yield Remark(row.id, gain_words(row.gain), _style(row.gain))


def _style(gain: Gain) -> str:
    """Losses catch the eye; what is as one would have it does not."""
    verdicts = {found.verdict for comparison in gain.metrics.values() for found in comparison.slices.values()}
    return "yellow" if Difference.WORSE in verdicts or gain.plateau else "dim"


def gain_flips(page: Page, ladder: LadderSummary) -> Iterator[RenderableType]:
    """The cases that each rung lost and won against the best cheaper one, and the slices where losses gather."""
    for row in ladder.rows:
        if row.gain is None:
            continue
        told = [
            Remark(f"{metric} {label}", text, label_style="dim")
            for metric, found in row.gain.metrics.items()
            for label, text in flips_of(found, SHOWN)
        ]
        if told:
            yield ""
            yield page.indented(f"{row.id} against {row.gain.over}", style="bold")
            yield page.labelled(told, by=INDENT * 2)
