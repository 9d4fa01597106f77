"""What can be wrong with an answer that no model need be asked about."""

from __future__ import annotations

from pytest_ladder.core.answers import Answer
from pytest_ladder.core.hybrids import said, stands_back
from pytest_ladder.core.scorers.grounding import ReadsAbstention, cited_ids

EMPTY, INVALID, NOT_ACCEPTED, UNCITED = "empty", "invalid", "not_accepted", "uncited"
_ABSTAINS = ReadsAbstention()
STOPPED = ("content_filter", "length")
"""Finish reasons of an answer that was stopped before its end."""


def fault_of_form(answer: Answer) -> str:
    """Why an answer cannot be used as it is, in a word; empty where it can.

    It was stopped, does not fit its schema, was not accepted by the rung that gave it, or says nothing at all. One that
    escalates or abstains is meant so.
    """
    if stands_back(answer):
        return ""
    if answer.finish_reason in STOPPED:
        return answer.finish_reason
    if said(answer).get("valid") is False:
        return INVALID
    if said(answer).get("accepted") is False:
        return NOT_ACCEPTED
    blank = not answer.text.strip() and answer.parsed is None and not answer.tool_calls
    return EMPTY if blank else ""


def fault_of_citation(answer: Answer) -> str:
    """Why an answer's sources do not do: it cites none, or what was not retrieved; empty where they do.

    Ids stand in brackets, several parted by commas or semicolons. An answer that says it does not know need cite none.
    """
    if _ABSTAINS.says_so(answer.text):
        return ""
    retrieved = frozenset(answer.retrieved)
    cited = cited_ids(answer.text, [retrieved])
    return "" if cited and retrieved.issuperset(cited) else UNCITED
