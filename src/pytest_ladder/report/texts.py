"""Words that several reports share."""

from __future__ import annotations

from collections.abc import Mapping

from pytest_ladder.core.summary import LadderSummary, Miss
from pytest_ladder.report import numbers

MOST_REASON = 400
"""Screen cells of the reason why a case has no score."""


def failure_words(diagnosis: Mapping[str, int]) -> str:
    """Failure kinds with their counts, the most frequent first."""
    ranked = sorted(diagnosis.items(), key=lambda item: (-item[1], item[0]))
    return ", ".join(f"{kind} {numbers.count(number)}" for kind, number in ranked)


def gate_title(ladder: LadderSummary) -> tuple[str, str]:
    """The gate's answer in one line and its colour; empty where it was not asked."""
    if ladder.refusals:
        reasons = numbers.plural(len(ladder.refusals), "reason")
        if ladder.requested:
            return f"fine-tuning refused: {reasons}", "red"
        return f"fine-tuning is not justified yet: {reasons}", "yellow"
    return ("fine-tuning allowed: nothing stands in its way", "green") if ladder.allowed else ("", "")


def texts_of(miss: Miss, show: str) -> dict[str, str]:
    """The texts of a failed case by their names; of the case itself none where privacy shows ids only."""
    texts = {} if show == "ids" else {"input": miss.input, "expected": miss.expected, "answer": miss.answer}
    return {name: text for name, text in {**texts, "note": miss.note or None}.items() if text is not None}
