"""A system that is the user's own function."""

from __future__ import annotations

import asyncio
import copy
import inspect
import json
from collections.abc import Callable, Mapping
from dataclasses import fields
from typing import Any

from pytest_ladder.core.answers import Answer
from pytest_ladder.core.canonical import Json, canonical
from pytest_ladder.core.cases import Question
from pytest_ladder.core.daemon import call, is_async
from pytest_ladder.core.ports import LLM
from pytest_ladder.core.rungs import RungSpec
from pytest_ladder.core.traces import told
from pytest_ladder.errors import InvalidRequest, LadderError, SystemFailed, message
from pytest_ladder.rungs.asking import Asked, AwaitingLLM, BlockingLLM

EXPECTED = "str, dict or Answer"
OFFERED = ("llm", "rung")
"""Names of parameters, besides the case, that a function may have."""

AWAIT = "write `await` before the call: `reply = await llm.chat(...)`"

_FIELDS = tuple(field.name for field in fields(Answer))
_TYPES: Mapping[str, type | tuple[type, ...]] = {
    "text": str, "finish_reason": str, "retrieved": (list, tuple), "tool_calls": (list, tuple), "steps": (list, tuple),
}  # fmt: skip


class OwnSystem:
    """Wraps `f(case) -> str | dict | Answer`, sync or async.

    The function gets the Question, and where it has parameters `llm` or `rung`, the model client and the rung's
    specification too. A sync one runs in a daemon thread of its own, and its `llm.chat` blocks; for an async one
    it is awaited. A dict whose keys are all fields of Answer, `text` or `parsed` among them, is an Answer; any other
    dict is the parsed answer, with its JSON as the text.
    """

    def __init__(self, function: Callable[..., Any], spec: RungSpec, llm: LLM, name: str | None = None) -> None:
        """Take the function and look at its parameters.

        Args:
            function: The user's.
            spec: The rung it answers for.
            llm: The client of the rung's model.
            name: What messages call it; default `spec.system` or its own name.

        Raises:
            InvalidRequest: it is no function, or it needs parameters that are not offered.
        """
        self.name = str(name or spec.system or getattr(function, "__qualname__", type(function).__name__))
        self._function = function
        self._spec = spec
        self._llm = llm
        self._wants = _wants(function, self.name)

    async def answer(self, question: Question, /) -> Answer:
        """Call the function once.

        Raises:
            SystemFailed: it raised, or returned something else than a str, a dict or an Answer.
            LadderError: whatever the model client raised and the function let through.
        """
        try:
            returned = await self._call(question)
        except LadderError:
            raise
        except Exception as error:
            fault, step = f"the system raised {told(error)}", AWAIT if _unawaited(error) else None
            raise SystemFailed(message(self.name, fault, next_step=step)) from error
        return to_answer(returned, self.name)

    async def _call(self, question: Question) -> object:
        if is_async(self._function):
            return await call(self._function, copied(question), **self._arguments(AwaitingLLM(self._llm, self.name)))
        blocking = BlockingLLM(self._llm, self.name, asyncio.get_running_loop())
        try:
            return await call(self._function, copied(question), **self._arguments(blocking))
        finally:
            blocking.release()

    def _arguments(self, llm: AwaitingLLM | BlockingLLM) -> dict[str, object]:
        return {name: value for name, value in (("llm", llm), ("rung", self._spec)) if name in self._wants}


def _unawaited(error: Exception) -> bool:
    """Whether a coroutine was taken for what it gives."""
    names = ("coroutine", Asked.__name__)
    return isinstance(error, AttributeError | TypeError) and any(f"'{name}' object" in str(error) for name in names)


def copied(question: Question) -> Question:
    """A copy of its own for a user's function, which may change what it gets without changing the case."""
    return Question(question.id, copy.deepcopy(question.input), copy.deepcopy(dict(question.metadata)))


def to_answer(returned: object, name: str) -> Answer:
    """Read what a system returned; anything but a str, a dict or an Answer of JSON values raises SystemFailed."""
    if isinstance(returned, str):
        return Answer(returned)
    if isinstance(returned, Answer):
        return _checked(returned, name)
    if inspect.isawaitable(returned):
        if inspect.iscoroutine(returned) or isinstance(returned, Asked):
            returned.close()
        raise SystemFailed(message(name, "the system returned what must be awaited first", next_step=AWAIT))
    if not isinstance(returned, Mapping):
        fault = f"the system returned a {type(returned).__name__}"
        raise SystemFailed(message(name, fault, got=returned, expected=EXPECTED))
    if set(returned) <= set(_FIELDS) and {"text", "parsed"} & set(returned):
        return _checked(_from_fields(returned, name), name)
    return _checked(Answer(_json(returned, name), parsed=dict(returned)), name)


def _from_fields(returned: Mapping[str, Json], name: str) -> Answer:
    for key, kind in _TYPES.items():
        if key in returned and not isinstance(returned[key], kind):
            expected = "a text" if kind is str else "a list"
            raise SystemFailed(
                message(
                    name,
                    f"the system returned a dict whose `{key}` cannot be used",
                    got=returned[key],
                    expected=expected,
                )
            )
    answer = Answer.from_dict(returned)
    return answer if "text" in returned else Answer.from_dict({**returned, "text": _json(answer.parsed, name)})


def _checked(answer: Answer, name: str) -> Answer:
    if not isinstance(answer.text, str):
        raise SystemFailed(message(name, "the answer's text is no text", got=answer.text))
    if not all(isinstance(found, str) for found in answer.retrieved):
        raise SystemFailed(message(name, "`retrieved` holds no ids", got=answer.retrieved, expected="a list of texts"))
    try:
        canonical(answer.as_dict())
    except (ValueError, TypeError) as error:
        raise SystemFailed(message(name, f"the answer is not JSON ({error})", got=answer.as_dict())) from None
    return answer


def _json(value: Json, name: str) -> str:
    try:
        return json.dumps(value, ensure_ascii=False)
    except (ValueError, TypeError) as error:
        raise SystemFailed(message(name, f"the system returned a dict that is not JSON ({error})", got=value)) from None


def _wants(function: Callable[..., Any], name: str) -> frozenset[str]:
    if not callable(function):
        raise InvalidRequest(message(name, "the system is no function", got=function))
    try:
        parameters = list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):  # a builtin without a signature
        return frozenset()
    rest = [
        parameter
        for parameter in parameters[1:]
        if parameter.kind not in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD)
    ]
    strange = [p.name for p in rest if p.default is p.empty and p.name not in OFFERED]
    if not parameters or strange:
        got = f"({', '.join(parameter.name for parameter in parameters)})"
        expected = f"a case, and at most {' and '.join(OFFERED)}"
        raise InvalidRequest(message(name, "the system cannot be called", got=got, expected=expected))
    return frozenset(parameter.name for parameter in rest) & frozenset(OFFERED)
