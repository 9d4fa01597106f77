"""The keys of hybrids: what is done before an answer ships, and routers."""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import AfterValidator, Field, WithJsonSchema

from pytest_ladder.core.hybrids import CLASSIFIER, RESORTS, STANDING_BACK
from pytest_ladder.store.faults import names
from pytest_ladder.store.schema_types import Fault, Options, Positive, Share, Table, Text, choice, reference

_TEXT = {"type": "string", "minLength": 1}


def pattern(value: str) -> str:
    """Check a regular expression."""
    try:
        re.compile(value)
    except re.error as error:
        raise Fault(f"not a pattern ({error})", "a regular expression of Python") from None
    return value


def router(value: Any) -> Any:
    """Check the form of a router; its rules are checked one by one."""
    if isinstance(value, list) and value and all(isinstance(rule, dict) for rule in value):
        return value
    if value == CLASSIFIER:
        return value
    if isinstance(value, str):
        try:
            return reference(value)
        except Fault:
            pass
    raise Fault("not a router", 'a list of rules { when, matches, to }, "classifier", or "file.py:function"')


def resorts(value: Any) -> Any:
    """Check what is done about an answer that is not accepted: one word or several, each once, the last ones last."""
    given = value if isinstance(value, list) else [value]
    for word in given:
        choice(str(word), RESORTS)
    if len(set(given)) < len(given):
        raise Fault("it says the same twice", names(RESORTS))
    if any(word in STANDING_BACK for word in given[:-1]):
        raise Fault("nothing comes after it", f"{names(STANDING_BACK)} at the end")
    return value


def routes(value: Any) -> Any:
    """Check the routes of a classifier or a function: a table of what each is for, or a list."""
    texts = [*value.keys(), *value.values()] if isinstance(value, dict) else value
    if isinstance(texts, list) and texts and all(isinstance(text, str) and text.strip() for text in texts):
        return value
    raise Fault("not the routes", 'a table { rung = "what it is for" }, or a list of rungs')


Resorts = Annotated[
    Any, AfterValidator(resorts),
    WithJsonSchema({"anyOf": [{"enum": [*RESORTS]}, {"type": "array", "items": {"enum": [*RESORTS]}}]}),
]  # fmt: skip


class RouteRule(Table):
    """One rule of a router: conditions, all of which must hold, and where the question then goes."""

    when: Options = Field(default={})
    """Metadata that the case must have."""
    matches: Annotated[Text, AfterValidator(pattern)] | None = None
    """A regular expression that must occur in the question's text."""
    to: Text
    """A rung's id, `escalate` or `abstain`."""


Router = Annotated[
    Any, AfterValidator(router),
    WithJsonSchema({"anyOf": [_TEXT, {"type": "array", "minItems": 1, "items": RouteRule.model_json_schema()}]}),
]  # fmt: skip
Routes = Annotated[
    Any, AfterValidator(routes),
    WithJsonSchema({"anyOf": [
        {"type": "object", "minProperties": 1, "additionalProperties": _TEXT},
        {"type": "array", "minItems": 1, "items": _TEXT},
    ]}),
]  # fmt: skip


class Guards(Table):
    """What is done before an answer ships."""

    samples: Positive | None = None
    """Answers that are drawn to each question; what most of them say is the answer."""
    min_confidence: Share | None = None
    """Least share of the samples that must agree."""
    require_citation: bool | None = None
    """Whether an answer must cite what was retrieved for it, and nothing else."""
    verify_prompt: Text | None = None
    """How a model is asked whether an answer may ship."""
    verifier: Text | None = None
    """The model that is asked."""
    verifier_options: Options = Field(default={})
    """Laid over the rung's model options for it."""
    on_reject: Resorts | None = None
    """What is done about an answer that is not accepted, in this order."""
    retries: Positive | None = None
    """Further answers of the rung itself, at most."""
    fallback: Text | None = None
    """The rung whose system answers instead."""
    escalation: Text | None = None
    """What the answer says where a person is to answer."""
    abstention: Text | None = None
    """What it says where nobody does."""


class Routing(Table):
    """Which rung answers which question."""

    router: Router | None = None
    """Rules, `classifier`, or a function."""
    routes: Routes | None = None
    """Rungs that a classifier or a function may choose, and what each is for."""
    default_route: Text | None = None
    """The one that it takes where it chooses none."""
    router_prompt: Text | None = None
    """How the classifier is asked."""
    classifier: Text | None = None
    """The model that is asked."""
    classifier_options: Options = Field(default={})
    """Laid over the rung's model options for it."""
