"""What the backends of hosted models share: their settings, their keys, and the reading of replies and refusals."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from pytest_ladder.backends.options import Rule, check_options, is_number
from pytest_ladder.core.answers import Reply, Request
from pytest_ladder.core.canonical import Json, canonical
from pytest_ladder.core.prices import Price
from pytest_ladder.errors import InvalidRequest, LadderError, ModelFailed, ModelRefused, ModelUnavailable, message

TIMEOUT_S = 120.0
"""For one call, where `model_options.timeout` does not say otherwise."""

SHOWN = 200
"""Characters of a provider's words that a message quotes."""

QUOTA = "insufficient_quota"
"""How OpenAI and those who speak like it word that an account has nothing left to spend."""

PLACE = ("model", "api_base", "api_version", "api_key_env")
"""Keys of a deployment: how it is reached, in place of the model's own."""


def _is_places(value: Json) -> bool:
    def is_place(one: Json) -> bool:
        return isinstance(one, dict) and bool(one) and all(k in PLACE and isinstance(v, str) for k, v in one.items())

    return isinstance(value, list) and bool(value) and all(map(is_place, value))


SETTINGS: Mapping[str, Rule] = {
    "timeout": Rule(lambda value: is_number(value) and 0 < value < float("inf"), "seconds for one call, above 0"),
    "api_key_env": Rule(lambda value: isinstance(value, str) and bool(value), "the name of an environment variable"),
    "deployments": Rule(_is_places, f"a list of tables of texts with {', '.join(PLACE)}"),
}
"""Keys of `model_options` that say how a hosted model is reached; they are no part of a request."""

_NEVER: Mapping[str, str] = {
    "api_key": "name the environment variable that holds it in `api_key_env`: keys do not belong into a file",
    "stream": "leave it out: answers come whole",
    "n": "leave it out: set `repeats` for several answers to a case",
    "model": "name it as `model`",
    "messages": "they are made by the rung",
    "max_retries": "leave it out: calls are repeated by this plugin, within its bounds",
    "num_retries": "leave it out: calls are repeated by this plugin, within its bounds",
    "fallbacks": "leave it out: a rung's answers come from one model",
    "context_window_fallback_dict": "leave it out: a rung's answers come from one model",
    "mock_response": "leave it out: what no model said is no evidence",
    "mock_tool_calls": "leave it out: what no model said is no evidence",
    "caching": "leave it out: answers are recorded by this plugin",
    "cache": "leave it out: answers are recorded by this plugin",
}
"""Options that would go round what is counted, bounded and recorded, and what to do instead."""


@dataclass(frozen=True, slots=True)
class Terms:
    """On what terms a hosted model is asked."""

    price: Price
    timeout_s: float = TIMEOUT_S
    key: str | None = None


def check_settings(settings: Mapping[str, Json], name: str) -> None:
    """Check the settings of a hosted model; raises InvalidRequest."""
    check_options(settings, SETTINGS, f"model {name}: model_options")


def check_call(options: Mapping[str, Json], name: str) -> None:
    """Refuse options that would go round the bounds; raises InvalidRequest."""
    for option in options:
        if option in _NEVER:
            fault = f"the option `{option}` cannot be used with a hosted model"
            raise InvalidRequest(message(f"model {name}", fault, next_step=_NEVER[option]))


def key_of(settings: Mapping[str, Json], default: str | None, name: str) -> str | None:
    """The key from the environment; raises InvalidRequest where a variable is named and not set."""
    named = settings.get("api_key_env")
    found = os.environ.get(str(named or default or ""), "").strip()
    if named and not found:
        fault = f"the environment variable {named} is not set"
        raise InvalidRequest(message(f"model {name}", fault, next_step="set it to the key, or mend `api_key_env`"))
    return found or None


def unpriced(name: str) -> InvalidRequest:
    """The error for a model whose price nobody knows."""
    declare = f'[prices."{name}"] with `input` and `output` in USD per million tokens, 0 and 0 where it costs nothing'
    fault = "no price is known, so that no budget can hold"
    return InvalidRequest(message(f"model {name}", fault, next_step=f"declare {declare}"))


def key_names(options: Mapping[str, Json]) -> list[str]:
    """The environment variables that `model_options` name as those of keys."""
    places = options.get("deployments") or ()
    tables = (
        [options, *(place for place in places if isinstance(place, dict))] if isinstance(places, list) else [options]
    )
    return [str(table["api_key_env"]) for table in tables if table.get("api_key_env")]


def seed_of(request: Request) -> int:
    """The seed that goes with a request: each repeat has one of its own."""
    return request.seed + request.repeat


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds that an answer's headers ask to wait, from 0; None where they do not say, or not plainly."""
    for name, scale in (("retry-after-ms", 1000.0), ("retry-after", 1.0)):
        said = str(headers.get(name) or "").strip()
        try:
            seconds = float(said) / scale
        except ValueError:
            continue
        if 0 <= seconds < float("inf"):
            return seconds
    try:
        until = parsedate_to_datetime(str(headers.get("retry-after") or ""))
    except (ValueError, TypeError):
        return None
    until = until if until.tzinfo else until.replace(tzinfo=UTC)
    return max(0.0, (until - datetime.now(UTC)).total_seconds())


def fault_of_status(name: str, status: int, said: str, headers: Mapping[str, str]) -> LadderError:
    """The error for an HTTP status that is no success: whether asking again helps, and what does.

    Args:
        name: The model's name as written in ladder.toml.
        status: The HTTP status.
        said: The provider's words.
        headers: The answer's headers, names in lower case.
    """
    where, fault = f"model {name}", f"the provider answered {status} ({excerpt(said)})"
    if status in (401, 402, 403):
        step = "check the key in the environment, and what its account may use"
        return ModelRefused(message(where, fault, next_step=step))
    if status == 404:
        step = "check the model's name and the address"
        return ModelRefused(message(where, fault, next_step=step))
    if status == 429 and QUOTA in said:
        return ModelRefused(
            message(where, fault, next_step="the account's quota is spent: see to it with the provider")
        )
    if 300 <= status < 400:
        return ModelRefused(message(where, fault, next_step="name the address that it leads to"))
    if status == 429:
        return ModelUnavailable(message(where, fault), retry_after=retry_after(headers), limited=True)
    if status in (408, 409, 425) or (status >= 500 and status != 501):
        return ModelUnavailable(message(where, fault), retry_after=retry_after(headers))
    return ModelFailed(message(where, fault))


def excerpt(said: object) -> str:
    """The beginning of what a provider said, on one line."""
    text = " ".join(str(said).split())
    return text if len(text) <= SHOWN else text[:SHOWN] + "..."


def no_reply(name: str, said: object) -> ModelFailed:
    """The error for an answer that is no chat completion."""
    return ModelFailed(message(f"model {name}", f"the answer is no chat completion: {excerpt(said)}"))


def to_reply(body: Json, name: str, terms: Terms, latency_s: float) -> Reply:
    """Read the body of a chat completion, strictly: whatever is not one is an error, never an answer.

    A proxy that has begun to answer puts the status of the provider behind it into the body; that is read as a status.

    Raises:
        ModelFailed: it is no chat completion.
        ModelUnavailable: it is the status of a provider that may answer the next time.
        ModelRefused: tokens cost something, and it does not say how many they were.
    """
    choices = body.get("choices") if isinstance(body, dict) else None
    if not choices and (within := _status_within(body)) is not None:
        raise fault_of_status(name, *within, {})
    choice = choices[0] if isinstance(choices, list) and choices else None
    told = choice.get("message") if isinstance(choice, dict) else None
    if not isinstance(told, dict):
        raise no_reply(name, json.dumps(body, ensure_ascii=False))
    text, tools = _text(told.get("content")), _tools(told.get("tool_calls"))
    finish = choice.get("finish_reason") if isinstance(choice, dict) else None
    if text is None or tools is None or not (finish is None or isinstance(finish, str)):
        raise no_reply(name, json.dumps(body, ensure_ascii=False))
    if "content" not in told and not tools and not told.get("refusal"):
        raise no_reply(name, json.dumps(body, ensure_ascii=False))
    returned = body.get("model")
    prompt, answer = tokens(body.get("usage"), name, terms)
    return Reply(
        text or str(told.get("refusal") or ""), returned if isinstance(returned, str) and returned else name,
        finish or "stop", prompt, answer, terms.price.cost(prompt, answer), latency_s, tool_calls=tools,
    )  # fmt: skip


def _status_within(body: Json) -> tuple[int, str] | None:
    """Status and words of `{"error": {"code": 502, "message": ...}}`; None where the body has none."""
    error = body.get("error") if isinstance(body, dict) else None
    code = error.get("code") if isinstance(error, dict) else None
    if not isinstance(error, dict) or not isinstance(code, int) or not 400 <= code < 600:
        return None
    return code, str(error.get("message") or "without a word")


def tokens(usage: Json, name: str, terms: Terms) -> tuple[int, int]:
    """Tokens of the prompt and of the answer; raises ModelRefused where they cost something and are not told."""
    told = usage if isinstance(usage, dict) else {}
    counts = [told.get(key) for key in ("prompt_tokens", "completion_tokens")]
    known = [count if isinstance(count, int) and not isinstance(count, bool) and count >= 0 else 0 for count in counts]
    if not any(known) and not terms.price.free:
        fault = "the answer does not say how many tokens it used, so that its cost is not known"
        step = "use a server that reports usage; where it costs nothing, declare `input = 0` and `output = 0`"
        raise ModelRefused(message(f"model {name}", fault, next_step=step))
    return known[0], known[1]


def _text(content: Json) -> str | None:
    """The text of a message's content, empty for none; None where it is no content."""
    if content is None or isinstance(content, str):
        return content or ""
    if isinstance(content, list) and all(isinstance(part, dict) for part in content):
        parts = [part.get("text") for part in content if part.get("type") == "text"]
        return "".join(parts) if all(isinstance(part, str) for part in parts) else None
    return None


def _tools(calls: Json) -> tuple[Json, ...] | None:
    """A message's tool calls as `{"name", "arguments", "id"}` each; None where they are none."""
    if calls is None:
        return ()
    if not isinstance(calls, list):
        return None
    read: list[Json] = []
    for call in calls:
        function = call.get("function") if isinstance(call, dict) else None
        if not isinstance(function, dict) or not isinstance(function.get("name"), str):
            return None
        made = {"name": function["name"], "arguments": _arguments(function.get("arguments"))}
        read.append({**made, "id": call["id"]} if isinstance(call.get("id"), str) else made)
    return tuple(read)


def _arguments(written: Json) -> Any:
    """Arguments as a value; as written where they are no JSON that can be kept: a model's fault is for the scorers."""
    if not isinstance(written, str):
        return written
    try:
        value = json.loads(written)
        canonical(value)
    except (ValueError, RecursionError):
        return written
    return value
