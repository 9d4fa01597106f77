"""What the ladders of one process share: the run's options, its bounds, and what plugins add."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from pytest_ladder.backends.models import is_hosted
from pytest_ladder.core.extensions import Extensions, NoExtensions
from pytest_ladder.engine.limits import AdaptiveLimit
from pytest_ladder.engine.loop import LoopThread
from pytest_ladder.engine.meter import Meter
from pytest_ladder.engine.retry import Pace
from pytest_ladder.session.base_tree import Base
from pytest_ladder.session.settings import Settings


@dataclass
class Shared:
    """What the ladders of one process share."""

    settings: Settings
    rootdir: Path
    loop: LoopThread = field(default_factory=LoopThread)
    meter: Meter = field(default_factory=Meter)
    announce: Callable[[str], None] = lambda _: None
    """Tells the user a line at once."""
    paces: dict[str, Pace] = field(default_factory=dict)
    """Hosted model -> how fast it is asked, by all ladders together."""

    extensions: Extensions = field(default_factory=NoExtensions)
    """What plugins add."""
    base: Base | None = None
    """The commit that the run is compared with; None where it is compared with none."""

    def pace(self, model: str | None) -> Pace | None:
        """The pace of a hosted model; None for another one, which is asked at once."""
        if model is None or not is_hosted(model):
            return None
        return self.paces.setdefault(model, Pace(AdaptiveLimit(self.settings.concurrency)))
