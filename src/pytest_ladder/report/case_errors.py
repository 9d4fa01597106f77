"""Why the cases of a rung are in error, each reason once."""

from __future__ import annotations

import re
from collections.abc import Iterator

from pytest_ladder.core.evaluation import Evaluation
from pytest_ladder.core.ladder import Ladder
from pytest_ladder.core.results import CaseResult
from pytest_ladder.core.scores import Unscored

MOST_REASONS = 5
MOST_CASES = 3
_VARYING = re.compile(r"(?P<place>\.py:\d+)|'[^']*'|\"[^\"]*\"|0x[0-9a-fA-F]+|\b(?=[0-9a-f]*\d)[0-9a-f]{7,}\b|\d+")
"""What differs between two messages that say the same: quoted values, addresses, digests, numbers; not a line."""


def case_errors(ladder: Ladder, evaluation: Evaluation) -> str:
    """Tell of a rung's cases in error: the commonest reasons, with the cases that show them, and what to do."""
    count, all_ = evaluation.errors, len(evaluation.cases)
    unjudged = sum(any(map(case.unjudged, ladder.deciding(case.case))) for case in evaluation.cases)
    lost = f", {unjudged} without a verdict of their judge" if unjudged else ""
    lines = [f"{ladder.where}: rung {evaluation.rung}: {count} of {all_} cases in error{lost}."]
    groups: dict[str, dict[str, str]] = {}
    for case in evaluation.cases:
        for told in _reasons(case, ladder):
            groups.setdefault(_pattern(told, case.case.id), {}).setdefault(case.case.id, told)
    for cases in sorted(groups.values(), key=lambda cases: -len(cases))[:MOST_REASONS]:
        ids = [*cases]
        more = f" and {len(ids) - MOST_CASES} more" if len(ids) > MOST_CASES else ""
        lines.append(f"  {', '.join(ids[:MOST_CASES])}{more}: {cases[ids[0]]}")
    if len(groups) > MOST_REASONS:
        lines.append(f"  and {len(groups) - MOST_REASONS} other reasons")
    return "\n".join([*lines, f"  {_mend(evaluation)}"])


def _reasons(case: CaseResult, ladder: Ladder) -> Iterator[str]:
    if case.error is not None:
        yield case.error.message if ladder.show == "text" else case.error.kind
        return
    deciding = ladder.deciding(case.case)
    for metric, outcome in case.scores.items():
        if metric in deciding and isinstance(outcome, Unscored):
            yield f"unscored by {metric}: {outcome.reason}" if ladder.show == "text" else f"unscored by {metric}"


def _pattern(told: str, case_id: str) -> str:
    """What a message says apart from the case that it is about."""
    named = re.sub(rf"(?<!\w){re.escape(case_id)}(?!\w)", "…", told)
    return _VARYING.sub(lambda found: found["place"] or "…", named)


def _mend(evaluation: Evaluation) -> str:
    if all(case.error is None for case in evaluation.cases):
        if not evaluation.errors:
            return "Mend the judge, or what it is asked; the next run asks it again where it gave no reply."
        return "Mend the scorer: nothing is asked again."
    if not any(case.answers for case in evaluation.cases):
        return "Nothing was answered; the next run asks again."
    return "What was answered is on record; the next run asks only for the rest."
