"""deepeval's metrics as scorers: `deepeval:NAME`. What they ask of a model goes through the project's own client."""

from __future__ import annotations

import inspect
import json
import os
import warnings
from collections.abc import Iterable, Mapping
from enum import Enum
from functools import cache
from types import ModuleType
from typing import Any, get_args, get_type_hints

from pydantic import BaseModel, ValidationError

from pytest_ladder.backends.require import require
from pytest_ladder.core.canonical import Json
from pytest_ladder.core.names import mend, unknown
from pytest_ladder.core.ports import LLM
from pytest_ladder.core.scores import Outcome, Score, Scored, Scorer, Unscored
from pytest_ladder.errors import InvalidRequest, ModelFailed, message

PREFIX = "deepeval:"
QUIET = {"DEEPEVAL_TELEMETRY_OPT_OUT": "1", "DEEPEVAL_DISABLE_DOTENV": "1"}
"""Set before deepeval is imported: else it sends figures of its use, and reads `.env` into the environment."""
OWN = ("model", "model_options")
"""Options that are ours: they say whom to ask."""
CLOSED = ("self", "system_one_model", "eval_mode", "evaluation_template")
"""Parameters that no ladder.toml may set: other ways to a model, and classes."""


def build(name: str, options: Mapping[str, Json], llm: LLM | None, concurrency: int) -> Scorer:
    """Build the scorer of one of deepeval's metrics.

    Args:
        name: `deepeval:` and the name of a class of `deepeval.metrics`.
        options: The metric's own, by the names of its constructor's parameters, and those in `OWN`.
        llm: Whom the metric asks; None where no model is named.
        concurrency: Answers scored at a time, where a model is asked.

    Raises:
        InvalidRequest: no such metric, or an option that it does not take.
        MissingDependency: deepeval is not installed.
    """
    metric = _metric(name)
    known = {key for key in inspect.signature(metric.__init__).parameters if key not in CLOSED and key[0] != "_"}
    for key in options:
        if key not in {*known, *OWN}:
            raise InvalidRequest(unknown(f"scorer {name!r}", "option", key, sorted({*known, *OWN})))
    if llm is not None and "model" not in known:
        raise InvalidRequest(message(f"scorer {name!r}", "this metric asks no model", next_step="leave `model` out"))
    return DeepEvalScorer(name, metric, options, llm, concurrency if llm is not None else 1)


class DeepEvalScorer:
    """Asks a metric anew for each answer: what it says lives on the metric itself."""

    def __init__(
        self, name: str, metric: type[Any], options: Mapping[str, Json], llm: LLM | None, concurrency: int
    ) -> None:
        """Read the options once, and build one metric, to see that they fit."""
        self._name, self._class = name, metric
        self.concurrency = concurrency
        hints = _hints(metric)
        own = {key: value for key, value in options.items() if key not in OWN}
        parameters = inspect.signature(metric.__init__).parameters
        try:
            self._options = {key: _read(hints.get(key), value) for key, value in own.items()}
            if "model" in parameters:
                self._options["model"] = _model_class()(llm, str(options.get("model", "no model")))
            if "eval_mode" in parameters:
                self._options["eval_mode"] = "llm"
            self._new()
        except (TypeError, ValueError, KeyError) as error:
            told = str(error).splitlines()[0]
            raise InvalidRequest(
                message(f"scorer {name!r}", f"the metric does not take these options ({told})")
            ) from None

    def _new(self) -> Any:
        return self._class(**self._options)

    async def __call__(self, scored: Scored, /) -> Outcome:
        """Measure one answer; the score is the metric's own, from 0 to 1, and its reason is the note."""
        metric = self._new()
        await metric.a_measure(test_case(scored), _show_indicator=False)
        if metric.score is None:
            return Unscored(f"{self._name} gave no score: {getattr(metric, 'error', None) or metric.reason}")
        return Score(metric.score, " ".join(str(metric.reason or "").split()))


def test_case(scored: Scored) -> Any:
    """The answer as a test case of deepeval's; what there is none of is None."""
    made = require("deepeval.test_case", "deepeval's metrics", "judge")
    case, answer = scored.case, scored.answer
    return made.LLMTestCase(
        input=case.question.text,
        actual_output=answer.text,
        expected_output=None if case.expected is None else _text(case.expected),
        retrieval_context=_texts(answer.retrieved, scored.documents),
        context=_texts(case.evidence, scored.documents),
        tools_called=[_call(made, call) for call in answer.tool_calls],
        expected_tools=[_call(made, call) for call in case.tools],
    )


test_case.__test__ = False  # type: ignore[attr-defined]


def _text(value: Json) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _texts(ids: tuple[str, ...], documents: Mapping[str, str]) -> list[str] | None:
    return [documents[id_] for id_ in ids if id_ in documents] or None


def _call(made: ModuleType, call: Json) -> Any:
    said = call if isinstance(call, Mapping) else {"name": str(call)}
    arguments = said.get("arguments")
    return made.ToolCall(
        name=str(said.get("name", "")), input_parameters=dict(arguments) if isinstance(arguments, Mapping) else None
    )


# --- deepeval itself -----------------------------------------------------------------------------------------------


def _metrics() -> ModuleType:
    os.environ.update(QUIET)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return require("deepeval.metrics", "deepeval's metrics", "judge")


def _metric(name: str) -> type[Any]:
    metrics = _metrics()
    short = name.removeprefix(PREFIX)
    known = {
        key: value
        for key, value in vars(metrics).items()
        if inspect.isclass(value) and issubclass(value, metrics.BaseMetric) and value is not metrics.BaseMetric
    }
    if short not in known:
        near = _meant(short, known)
        next_step = f"did you mean {near!r}?" if near else mend(short, known)
        expected = f"one of {', '.join(sorted(known))}"
        fault = "unknown metric of single answers"
        raise InvalidRequest(message("deepeval", fault, got=short, expected=expected, next_step=next_step))
    return known[short]


def _meant(short: str, known: Iterable[str]) -> str | None:
    """The metric that is meant by its name without `Metric`, or in the letters of our own scorers: `exact_match`."""
    plain = short.replace("_", "").casefold()
    return next((name for name in known if plain in (name.casefold(), name.casefold().removesuffix("metric"))), None)


def _hints(metric: type[Any]) -> Mapping[str, Any]:
    try:
        return get_type_hints(metric.__init__)
    except NameError:  # a name that is imported for type checkers alone
        return {}


def _read(hint: Any, value: Json) -> Any:
    """An option as its parameter wants it: a text as a member of an enumeration, a table as a pydantic model."""
    if isinstance(value, list | tuple):
        return [_read(hint, item) for item in value]
    for kind in _kinds(hint):
        if isinstance(value, str) and issubclass(kind, Enum):
            return _member(kind, value)
        if isinstance(value, Mapping) and issubclass(kind, BaseModel):
            return kind(**value)
    return value


def _kinds(hint: Any) -> list[type[Any]]:
    inner = [kind for part in get_args(hint) for kind in _kinds(part)]
    return [hint, *inner] if inspect.isclass(hint) and not get_args(hint) else inner


def _member(kind: type[Enum], value: str) -> Enum:
    members = {str(member.value): member for member in kind}
    if value not in members:
        raise ValueError(f"{value!r} is none of {', '.join(members)}")
    return members[value]


@cache
def _model_class() -> type[Any]:
    """A model of deepeval's that asks the project's own client."""
    models = require("deepeval.models", "deepeval's metrics", "judge")

    class Ours(models.DeepEvalBaseLLM):  # type: ignore[name-defined, misc]
        def __init__(self, llm: LLM | None, name: str) -> None:
            self._llm, self._name = llm, name
            super().__init__(None)

        def load_model(self, *_: Any, **__: Any) -> Any:
            return self

        def get_model_name(self, *_: Any, **__: Any) -> str:
            return self._name

        def generate(self, *_: Any, **__: Any) -> str:
            raise InvalidRequest(message(self._name, "the metric asks in a way that would block; it cannot be used"))

        async def a_generate(self, prompt: Any, schema: type[BaseModel] | None = None, **_: Any) -> Any:
            if self._llm is None:
                raise InvalidRequest(
                    message("options", "this metric asks a model", next_step='set `model = "..."` there')
                )
            text = prompt if isinstance(prompt, str) else _text(prompt)
            reply = await self._llm.chat([{"role": "user", "content": text}])
            return reply.text if schema is None else _parsed(reply.text, schema, self._name)

    return Ours


def _parsed(text: str, schema: type[BaseModel], name: str) -> BaseModel:
    """The JSON object in a reply, in the form that deepeval asks for."""
    start, end = text.find("{"), text.rfind("}")
    try:
        return schema.model_validate_json(text[start : end + 1])
    except ValidationError:
        wanted = ", ".join(schema.model_fields)
        fault = "the judge's reply is not the JSON that the metric asks for"
        raise ModelFailed(message(name, fault, got=text, expected=f"an object with {wanted}")) from None
