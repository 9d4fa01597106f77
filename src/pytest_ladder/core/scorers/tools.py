"""A scorer of tool calls: those that were made against those that were expected."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pytest_ladder.core.canonical import Json, canonical
from pytest_ladder.core.scorers.options import choice
from pytest_ladder.core.scores import Outcome, Score, Scored, Unscored


@dataclass(frozen=True, kw_only=True)
class ToolCalls:
    """How the calls of an answer compare with the case's `tools`; a case without them expects no call.

    Calls are matched by name, each at most once; with `arguments` a call counts only if its arguments are the
    expected ones. An expected call without arguments is matched by any.
    """

    measure: str = choice("f1", "precision", "recall")
    """`precision`: of the calls made, those expected. `recall`: of those expected, those made. `f1`: of both.

    Of no calls made, and of none expected, all are right."""
    arguments: bool = False
    """Whether the arguments must be the expected ones."""
    ordered: bool = False
    """Whether the expected calls must have been made in their order; others may stand between them."""

    def __call__(self, scored: Scored, /) -> Outcome:
        """Compare the calls; the note names the first that is missing or too many."""
        expected, made = _calls(scored.case.tools), _calls(scored.answer.tool_calls)
        if isinstance(expected, Unscored) or isinstance(made, Unscored):
            return expected if isinstance(expected, Unscored) else Score(0.0, "a call that was made has no name")
        if not expected and not made:
            return Score(1.0)
        matched = self._in_order(expected, made) if self.ordered else self._matched(expected, made)
        whole = {"precision": len(made), "recall": len(expected)}.get(self.measure, (len(made) + len(expected)) / 2)
        return Score(matched / whole if whole else float(not matched), self._note(expected, made))

    def _fits(self, wanted: Mapping[str, Json], call: Mapping[str, Json]) -> bool:
        if wanted["name"] != call["name"]:
            return False
        return not self.arguments or "arguments" not in wanted or _same(wanted["arguments"], call.get("arguments"))

    def _matched(self, expected: Sequence[Mapping[str, Json]], made: Sequence[Mapping[str, Json]]) -> int:
        """The most pairs that fit, each call in one: calls that name their arguments choose first."""
        left, found = list(made), 0
        for wanted in sorted(expected, key=lambda call: "arguments" not in call):
            at = next((place for place, call in enumerate(left) if self._fits(wanted, call)), None)
            if at is not None:
                left.pop(at)
                found += 1
        return found

    def _in_order(self, expected: Sequence[Mapping[str, Json]], made: Sequence[Mapping[str, Json]]) -> int:
        """The length of the longest common subsequence."""
        row = [0] * (len(made) + 1)
        for wanted in expected:
            before = row
            row = [0]
            for at, call in enumerate(made):
                row.append(before[at] + 1 if self._fits(wanted, call) else max(before[at + 1], row[at]))
        return row[-1]

    def _note(self, expected: Sequence[Mapping[str, Json]], made: Sequence[Mapping[str, Json]]) -> str:
        wanted, called = (Counter(str(call["name"]) for call in calls) for calls in (expected, made))
        for what, names in (("not called", wanted - called), ("called without need", called - wanted)):
            if names:
                return f"{what}: {', '.join(sorted(names))}"
        return ""


def _calls(found: Sequence[Json]) -> list[Mapping[str, Json]] | Unscored:
    if any(not isinstance(call, Mapping) or not isinstance(call.get("name"), str) for call in found):
        return Unscored("an expected tool call has no name")
    return list(found)


def _same(wanted: Json, given: Json) -> bool:
    return canonical(wanted) == canonical(given)
