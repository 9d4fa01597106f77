"""Why a case failed: the kinds that a diagnosis counts and a label names."""

from __future__ import annotations

from enum import StrEnum


class FailureKind(StrEnum):
    """The primary reason of a failure."""

    FACTS = "facts"
    """Knowledge is missing or stale."""
    RETRIEVAL = "retrieval"
    """The right document was not retrieved."""
    CONTEXT = "context"
    """The evidence was there, but noisy, buried or contradictory."""
    REASONING = "reasoning"
    """Several steps, and not all of them taken."""
    TOOL_USE = "tool_use"
    """A tool was not called, got wrong arguments, or failed."""
    FORM = "form"
    """Schema, layout, label conventions, tone, length, refusal boundary."""
    ABSTENTION = "abstention"
    """It should have abstained or escalated."""
    ECONOMY = "economy"
    """The quality is there; only cost or latency is missed."""
    UNKNOWN = "unknown"
    """Not established; it justifies no rung."""
