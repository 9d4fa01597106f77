"""The fixture `tuned_model`: a request for fine-tuning, behind the gate."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_ladder.core.rungs import Kind
from pytest_ladder.plugin.context import Context
from pytest_ladder.plugin.handles import LlmHandle
from pytest_ladder.session.concluding.climb import NOT_BUILT, Climb


def tuned(context: Context, path: Path) -> LlmHandle:
    """The client of a ladder's tuned model; the test fails where the gate refuses."""
    run = context.run(path)
    climb = context.climbs.setdefault(path, Climb(run, ()))
    climb.requested = True
    refusals = climb.refusals()
    if refusals:
        reasons = "\n".join(f"  {refusal.code}: {refusal.reason}. {refusal.mend}" for refusal in refusals)
        pytest.fail(f"{run.ladder.where}: fine-tuning refused\n{reasons}", pytrace=False)
    rungs = run.ladder.kinds(Kind.FINE_TUNE)
    if not rungs or not rungs[0].options.get("adapter"):
        pytest.fail(NOT_BUILT.format(rung=rungs[0].id if rungs else "fine_tune"), pytrace=False)
    return LlmHandle(run.client(rungs[0]), run.shared.loop)
