"""Prompt files: a chat template in Jinja2, sandboxed, whose roles no input can forge."""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from jinja2 import StrictUndefined, Template, TemplateSyntaxError, meta, nodes
from jinja2.sandbox import ImmutableSandboxedEnvironment

from pytest_ladder.core.canonical import Json
from pytest_ladder.core.prompts import split_front_matter
from pytest_ladder.errors import InvalidFile, message

VARIABLES = ("context", "documents", "examples", "id", "input", "metadata", "schema")
"""What a template sees; all are always there, empty where a rung has nothing to put into them."""

ROLES = ("system", "user", "assistant")

Messages = tuple[dict[str, str], ...]

ROLE_LINE = re.compile(rf"^({'|'.join(ROLES)}):[ \t]*$", re.MULTILINE)


def _shown(value: Json) -> Json:
    """What `{{ value }}` writes: objects and lists as JSON, everything else as Jinja2 does."""
    if isinstance(value, Mapping | list | tuple):
        return json.dumps(value, ensure_ascii=False)
    return value


_ENVIRONMENT = ImmutableSandboxedEnvironment(undefined=StrictUndefined, autoescape=False, finalize=_shown)


class PromptTemplate:
    """A prompt file, ready to be rendered.

    A line of the file that is exactly `system:`, `user:` or `assistant:` begins a message of that role; a file
    without one is a single user message. These lines are found before anything is put into the template.
    """

    def __init__(self, text: str, where: str, variables: Collection[str] = VARIABLES) -> None:
        """Parse a prompt file.

        Args:
            text: The whole file; front matter is left aside.
            where: Its path, for messages.
            variables: The names that it may use.

        Raises:
            InvalidFile: a syntax error, a name that templates do not see, or no user message; with the line.
        """
        _, body, first_line = split_front_matter(text, where)
        self._where = where
        self._offset = first_line - 1
        self._variables = variables
        self._marker = f"\x02{secrets.token_hex(16)}:"
        self._has_roles = ROLE_LINE.search(body) is not None
        source = ROLE_LINE.sub(lambda match: f"{self._marker}{match[1]}\x03", body)
        self._template, self._tree, names = self._compile(source)
        self.uses = names & frozenset(variables)
        """The names among `variables` that occur in the template."""
        if self._has_roles and f"{self._marker}user\x03" not in source:
            raise InvalidFile(message(where, "the prompt has no `user:` message"))

    def render(self, **values: Json) -> Messages:
        """Put values in for the variables and take the messages apart; blank ones are dropped.

        Raises:
            InvalidFile: the template fails on these values, or its last user message is blank.
        """
        try:
            text = self._template.render(_EMPTY | values)
        except Exception as error:  # noqa: BLE001 - whatever a template does with its values
            line = _line_of(error)
            raise InvalidFile(self._message(line, f"the template fails ({_cause(error)})")) from None
        messages = self._split(text)
        last = next((part for part in reversed(messages) if part["role"] == "user"), None)
        if last is None or not last["content"]:
            raise InvalidFile(message(self._where, "the last user message is blank", got=values.get("input")))
        return tuple(part for part in messages if part["content"])

    def refuse_bare(self, name: str, fault: str, *, next_step: str) -> None:
        """Refuse a variable that is certain to be shown, also where it is blank: `{{ name }}` inside of no tag.

        Filters change nothing, except for `default`; any other expression may test the value, and is let through.

        Args:
            name: Of the variable.
            fault: What is wrong then.
            next_step: What to do.

        Raises:
            InvalidFile: it is, with the line.
        """
        line = _bare(self._tree, name) if name in self.uses else None
        if line is not None:
            raise InvalidFile(self._message(line, fault, next_step=next_step))

    def _split(self, text: str) -> list[dict[str, str]]:
        if not self._has_roles:
            return [{"role": "user", "content": text.strip()}]
        before, *parts = text.split(self._marker)
        if before.strip():
            fault = "text stands before the first role line"
            raise InvalidFile(message(self._where, fault, got=before.strip(), expected="`system:` or `user:` above it"))
        pairs = (part.split("\x03", 1) for part in parts)
        return [{"role": role, "content": content.strip()} for role, content in pairs]

    def _compile(self, source: str) -> tuple[Template, nodes.Template, frozenset[str]]:
        try:
            tree = _ENVIRONMENT.parse(source)
            names = frozenset(meta.find_undeclared_variables(tree))
            template = _ENVIRONMENT.from_string(source)
        except TemplateSyntaxError as error:
            raise InvalidFile(self._message(error.lineno, f"the template cannot be read ({error.message})")) from None
        self._refuse_unknown(tree, names - {*self._variables, *_ENVIRONMENT.globals})
        return template, tree, names

    def _refuse_unknown(self, tree: nodes.Template, unknown: frozenset[str]) -> None:
        if unknown:
            line, name = min((line, name) for line, name in _reads(tree) if name in unknown)
            expected = " | ".join(self._variables)
            raise InvalidFile(self._message(line, "the template uses an undefined name", got=name, expected=expected))

    def _message(self, line: int | None, fault: str, **more: Any) -> str:
        return message(f"{self._where}:{line + self._offset}" if line else self._where, fault, **more)


_EMPTY: dict[str, Json] = {
    "context": "", "documents": [], "examples": [], "id": "", "input": "", "metadata": {}, "schema": "",
}  # fmt: skip


def _reads(tree: nodes.Template) -> Iterator[tuple[int, str]]:
    return ((name.lineno, name.name) for name in tree.find_all(nodes.Name) if name.ctx == "load")


def _bare(tree: nodes.Template, name: str) -> int | None:
    """The line of the first place at the top of a template that shows a variable, whatever its value."""
    if any(found.name == name and found.ctx != "load" for found in tree.find_all(nodes.Name)):
        return None
    shown = (part for output in tree.body if isinstance(output, nodes.Output) for part in output.nodes)
    return next((part.lineno for part in shown if _filtered(part) == name), None)


def _filtered(node: nodes.Node | None) -> str | None:
    """The variable that an expression is, alone or through filters that put nothing in its place."""
    while isinstance(node, nodes.Filter) and node.name not in ("default", "d"):
        node = node.node
    return node.name if isinstance(node, nodes.Name) else None


def _line_of(error: Exception) -> int | None:
    """The line of the template at which rendering failed; Jinja2 puts template lines into the traceback."""
    if isinstance(error, TemplateSyntaxError):
        return error.lineno
    line, frame = None, error.__traceback__
    while frame is not None:
        if frame.tb_frame.f_code.co_filename == "<template>":
            line = frame.tb_lineno
        frame = frame.tb_next
    return line


def _cause(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"
