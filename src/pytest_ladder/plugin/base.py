"""`--ladder-base`: the ref is found before anything runs, and every ladder is held against it at the end."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from pytest_ladder.core.summary import LadderSummary
from pytest_ladder.errors import LadderError
from pytest_ladder.session.base.comparison import Failure, Judged, gone_failure, gone_line, judge
from pytest_ladder.session.base_tree import Base
from pytest_ladder.session.concluding.finish import Outcome
from pytest_ladder.session.settings import Settings
from pytest_ladder.store.gitref import open_tree


def open_base(settings: Settings, rootdir: Path) -> Base | None:
    """Find the commit that a run is compared with; None without `--ladder-base`.

    Raises:
        pytest.UsageError: there is no such ref, or git cannot be asked.
    """
    if settings.base is None:
        return None
    try:
        return Base(open_tree(settings.base, rootdir))
    except LadderError as error:
        raise pytest.UsageError(str(error)) from None


@dataclass
class BaseReport:
    """What the controller knows of the base."""

    base: Base | None
    found: dict[Path, Judged] = field(default_factory=dict)
    """Ladder -> how it compares."""
    gone: tuple[str, ...] = ()
    """One line for each ladder that is gone."""

    @property
    def header(self) -> list[str]:
        """What the header of the run says."""
        return [f"base={self.base.tree.shown}"] if self.base else []

    def judge(self, path: Path, outcome: Outcome, *, smoke: bool) -> tuple[Failure, ...]:
        """Hold a ladder against the base; what fails the build for it."""
        if self.base is None:
            return ()
        self.found[path] = judge(self.base, outcome, smoke=smoke)
        return self.found[path].failures

    def within(self, path: Path, summary: LadderSummary) -> LadderSummary:
        """What a run tells of a ladder, with how it compares."""
        judged = self.found.get(path)
        if judged is None:
            return summary
        failures = [failure.text.partition("\n")[0] for failure in judged.failures]
        step = summary.recommendation
        if lever := judged.summary.lost_lever:
            step = f"mend {lever}: it met the target at {judged.summary.ref}. Or else: {step}"
        elif failures and step:
            step = f"mend what fails; then {step}"
        return replace(
            summary, base=judged.summary, failures=(*summary.failures, *failures), recommendation=step
        )  # fmt: skip

    def lost(self) -> Iterator[tuple[Path, Failure]]:
        """Look for ladders that are gone; what fails the build for them."""
        if self.base is None:
            return
        gone = self.base.gone()
        self.gone = tuple(gone_line(self.base, one) for one in gone)
        for one in gone:
            if one.refused:
                yield self.base.tree.top / one.path, gone_failure(self.base, one)
