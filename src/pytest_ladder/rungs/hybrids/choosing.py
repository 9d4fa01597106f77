"""Who chooses a route: a model that is asked for its name, or the user's own function."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pytest_ladder.core.canonical import Json
from pytest_ladder.core.cases import Question
from pytest_ladder.core.daemon import call
from pytest_ladder.core.hybrids import CLASSIFIER
from pytest_ladder.core.ports import LLM, Kit
from pytest_ladder.core.rungs import RungSpec
from pytest_ladder.core.scorers.labels import Label
from pytest_ladder.core.traces import told
from pytest_ladder.errors import InvalidFile, LadderError, SystemFailed, message
from pytest_ladder.rungs import options
from pytest_ladder.rungs.own import copied
from pytest_ladder.rungs.prompting.asides import ask, read_aside
from pytest_ladder.rungs.prompting.template import PromptTemplate

ROUTE = """\
Which of these is the question for? Reply with one name of the list, and with nothing else.
{% for route in routes %}
- {{ route.name }}{% if route.about %}: {{ route.about }}{% endif %}
{%- endfor %}

Question: {{ input }}
"""


@dataclass(frozen=True, slots=True)
class Route:
    """Where a question goes, and why."""

    to: str
    """A rung's id, `escalate` or `abstain`."""
    by: str
    """`rule N`, counted from 1, `classifier`, `function`, or `default`."""
    said: Json = None
    """What the classifier replied."""

    @property
    def step(self) -> Json:
        """The route in the trace of an answer."""
        return {"step": "route", "to": self.to, "by": self.by, **({} if self.said is None else {"said": self.said})}


class ByModel:
    """A model reads the question and names a route; a reply that names none takes the default."""

    def __init__(self, llm: LLM, template: PromptTemplate, routes: Mapping[str, str], default: str) -> None:
        """Take the routes with what each is for; an empty text says nothing."""
        self._llm, self._template, self._default = llm, template, default
        self._shown: list[Json] = [{"name": name, "about": about} for name, about in routes.items()]
        self._names = {name.casefold(): name for name in routes}
        self._label = Label(labels=tuple(routes))

    async def route(self, question: Question, /) -> Route:
        """Ask, and read the first name in the reply."""
        values = {"input": question.input, "metadata": question.metadata, "routes": self._shown}
        reply = (await ask(self._llm, self._template, **values)).strip()
        named = self._label.find(reply)
        return Route(self._names[named], CLASSIFIER, reply) if named else Route(self._default, "default", reply)


class ByFunction:
    """The user's own function names a route; None takes the default."""

    def __init__(self, function: Callable[..., Any], name: str, routes: Sequence[str], default: str) -> None:
        """Take the function and what messages call it."""
        self._function, self._name, self._routes, self._default = function, name, tuple(routes), default

    async def route(self, question: Question, /) -> Route:
        """Call it once; a sync one runs in a thread of its own.

        Raises:
            SystemFailed: it raised, or named no route.
        """
        try:
            named = await call(self._function, copied(question))
        except LadderError:
            raise
        except Exception as error:
            raise SystemFailed(message(self._name, f"the router raised {told(error)}")) from error
        if named is None:
            return Route(self._default, "default")
        if named not in self._routes:
            expected = " | ".join((*self._routes, "None"))
            raise SystemFailed(message(self._name, "the router named no route", got=named, expected=expected))
        return Route(named, "function")


def read_choice(spec: RungSpec, kit: Kit, names: Sequence[str]) -> ByModel | ByFunction:
    """Who chooses among the routes of a rung, where no rules do; InvalidFile on a key that cannot be used."""
    router, default = options.text(spec, "router"), options.text(spec, "default_route")
    if router != CLASSIFIER:
        return ByFunction(kit.function(router, spec.at("router")), router, names, default)
    template = read_aside(spec, kit, "router_prompt", ROUTE, ("input", "metadata", "routes"), "input")
    return ByModel(kit.other(CLASSIFIER), template, _about(spec, names), default)


def _about(spec: RungSpec, names: Sequence[str]) -> dict[str, str]:
    """Route -> what it is for, as the table `routes` says; a list says nothing of them."""
    written = spec.options.get("routes")
    if not isinstance(written, Mapping | list):
        raise InvalidFile(message(spec.at("routes"), "the classifier has nothing to choose from", got=written))
    return {name: str(written[name]) if isinstance(written, Mapping) and name in written else "" for name in names}
