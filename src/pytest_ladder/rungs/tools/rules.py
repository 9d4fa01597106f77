"""Rules and limits for an agent's tools: which call is not made, whatever the model asks for, and which must be."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from pytest_ladder.core.canonical import Json
from pytest_ladder.core.cases import Question
from pytest_ladder.core.names import mend
from pytest_ladder.core.ports import Tool
from pytest_ladder.core.rungs import RungSpec
from pytest_ladder.core.structured import Schema
from pytest_ladder.errors import InvalidFile, message
from pytest_ladder.rungs import options
from pytest_ladder.rungs.retrieval.filtering import common

KEY = "tool_rules"


@dataclass(frozen=True)
class Limits:
    """The bounds of one answer."""

    max_steps: int = 8
    """Replies in which the model may ask for calls."""
    max_tool_calls: int = 16
    """Calls that are made."""
    max_cost_usd: float | None = None
    """What its model calls may cost before the last one; None for no bound."""
    max_result: int = 8000
    """Characters of a result that the model is shown and the trace keeps."""


@dataclass
class Made:
    """The calls of one answer so far."""

    executed: Counter[str] = field(default_factory=Counter)
    """Tool -> calls that were made, those that failed too."""
    succeeded: set[str] = field(default_factory=set)
    """Tools of which a call gave a result."""


@dataclass(frozen=True)
class Rule:
    """What holds for one tool."""

    name: str
    when: Mapping[str, Json] = field(default_factory=dict)
    """Metadata that a case must have for the tool to be offered."""
    after: tuple[str, ...] = ()
    """Tools that must have succeeded first."""
    at_most: int | None = None
    """Calls of one answer."""
    required: bool | Mapping[str, Json] = False
    """Whether it must be called before an answer is given, or the metadata of the cases of which that holds."""
    arguments: Schema | None = None
    """What its arguments must fit besides the types of its parameters."""

    def offered(self, question: Question) -> bool:
        """Whether the tool is there at all for this case."""
        return _has(question, self.when)

    def needed(self, question: Question) -> bool:
        """Whether the tool must be called for this case."""
        asked = self.required if isinstance(self.required, bool) else _has(question, self.required)
        return asked and self.offered(question)

    def broken(self, arguments: Mapping[str, Json], made: Made) -> tuple[str, str]:
        """The key of the rule that a call would break, and what to tell the model; both empty where it breaks none."""
        if missing := [name for name in self.after if name not in made.succeeded]:
            return "after", f"{self.name} may be called only after {' and '.join(missing)} has succeeded"
        if self.at_most is not None and made.executed[self.name] >= self.at_most:
            return "at_most", f"{self.name} has been called {made.executed[self.name]} of {self.at_most} times"
        if self.arguments is not None and (fault := self.arguments.fault(dict(arguments))):
            return "arguments", f"{self.name} may not be called with these arguments: {fault}"
        return "", ""

    def told(self, question: Question) -> Iterator[str]:
        """The rule as the model reads it, in sentences."""
        if self.after:
            yield f"Only after {' and '.join(self.after)} has succeeded."
        if self.at_most is not None:
            yield f"At most {self.at_most} call{'' if self.at_most == 1 else 's'}."
        if self.arguments is not None:
            yield f"Its arguments must fit {json.dumps(self.arguments.value, ensure_ascii=False)}."
        if self.needed(question):
            yield "It must be called before you answer."


def read_rules(spec: RungSpec, tools: Sequence[Tool]) -> dict[str, Rule]:
    """Tool -> its rule, an empty one where the rung's `tool_rules` say nothing of it.

    Raises:
        InvalidFile: a rule for, or after, a tool that is not there, rules that wait for each other, or arguments that
            are no JSON Schema.
    """
    known = {tool.name: tool for tool in tools}
    tables = options.table(spec, KEY)
    for name in tables:
        _check_name(spec, name, known, (name,))
    rules = {name: _rule(spec, tool, tables.get(name, {}), known) for name, tool in known.items()}
    for name in rules:
        if name in _before(name, rules):
            fault = f"the tool `{name}` would have to be called before itself"
            raise InvalidFile(message(options.where(spec, KEY), fault, next_step="take a name out of an `after`"))
    return rules


def _rule(spec: RungSpec, tool: Tool, table: Mapping[str, Json], known: Mapping[str, Tool]) -> Rule:
    after = tuple(table.get("after", ()))
    for name in after:
        _check_name(spec, name, known, (tool.name, "after"))
    return Rule(
        tool.name, table.get("when", {}), after, table.get("at_most"), table.get("required", False),
        _arguments(spec, tool, table["arguments"]) if table.get("arguments") else None,
    )  # fmt: skip


def _arguments(spec: RungSpec, tool: Tool, value: Mapping[str, Json]) -> Schema:
    where = spec.at(KEY, tool.name, "arguments")
    try:
        schema = Schema(value, where)
    except ValueError as error:
        raise InvalidFile(message(where, str(error))) from None
    parameters = tool.parameters["properties"]
    for name in [*value.get("properties", ()), *value.get("required", ())]:
        if name not in parameters:
            fault, step = "the tool has no such parameter", mend(str(name), parameters)
            expected = " | ".join(parameters) or "none: it takes no arguments"
            raise InvalidFile(message(where, fault, got=name, expected=expected, next_step=step))
    return schema


def _check_name(spec: RungSpec, name: str, known: Mapping[str, Tool], place: tuple[str, ...]) -> None:
    if name not in known:
        where = spec.at(KEY, *place)
        fault, step = "the rung has no tool of this name", mend(name, known)
        raise InvalidFile(message(where, fault, got=name, expected=" | ".join(known), next_step=step))


def _before(name: str, rules: Mapping[str, Rule]) -> set[str]:
    """Every tool that must have been called before this one."""
    found: set[str] = set()
    todo = [*rules[name].after]
    while todo:
        other = todo.pop()
        if other not in found:
            found.add(other)
            todo += rules[other].after
    return found


def _has(question: Question, wanted: Mapping[str, Json]) -> bool:
    return all(common(question.metadata.get(key), value) for key, value in wanted.items())
