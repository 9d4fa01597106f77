"""What the table of a rung `decompose` must agree with: its own strategy."""

from __future__ import annotations

from collections.abc import Sequence

from pytest_ladder.core.rungs import Kind, RungSpec
from pytest_ladder.core.strategies import misplaced
from pytest_ladder.store.toml_file import Document


def check_strategies(document: Document, rungs: Sequence[RungSpec]) -> None:
    """Note the keys that a rung's strategy does not read; with a `system` of one's own a rung has none."""
    for rung in rungs:
        if rung.kind is Kind.DECOMPOSE and rung.system is None:
            for key, fault, expected in misplaced(rung.options):
                document.report(("rungs", rung.id, key), fault, expected=expected)
