"""A recorded answer as a line of JSON, and back: checked by hand, for there are many of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pytest_ladder.core.answers import Answer, Call, Record, Reply, answer_json, call_json
from pytest_ladder.core.canonical import Json, canonical, number, quoted
from pytest_ladder.errors import InvalidFile, SystemFailed, message
from pytest_ladder.store.faults import unknown

SCHEMA = 1

_Shape = Mapping[str, tuple[type, ...]]
_NUMBER = (int, float)
_ANY = (type(None), bool, int, float, str, list, dict)
_RECORD: _Shape = {
    "schema": (int,), "case": (str,), "input_digest": (str,), "repeat": (int,), "fingerprint": (str,),
    "answer": (dict,), "calls": (list,), "latency_s": _NUMBER,
}  # fmt: skip
_CALLS: _Shape = {"schema": (int,), "calls": (list,)}
_ANSWER: _Shape = {
    "text": (str,), "parsed": _ANY, "retrieved": (list,), "tool_calls": (list,), "steps": (list,),
    "validation": _ANY, "finish_reason": (str,),
}  # fmt: skip
_CALL: _Shape = {
    "request_digest": (str,), "response": (dict,), "model_requested": (str,), "model_returned": (str,),
    "usage": (dict,), "cost_usd": _NUMBER, "latency_s": _NUMBER, "retries": (int,),
}  # fmt: skip
_RESPONSE: _Shape = {"text": (str,), "finish_reason": (str,), "tool_calls": (list,)}
_USAGE: _Shape = {"prompt_tokens": (int,), "completion_tokens": (int,)}
_WITH_FLAGS: _Shape = {**_CALL, "flags": (list,)}
_WITH_PARTS: _Shape = {**_USAGE, "parts": (dict,)}


def record_line(record: Record) -> bytes:
    """The line of a record, without its line end.

    Raises:
        SystemFailed: The answer holds a value that is not JSON.
    """
    try:
        return (
            f'{{"answer":{answer_json(record.answer)},"calls":[{",".join(map(call_json, record.calls))}],'
            f'"case":{quoted(record.case)},"fingerprint":{quoted(record.fingerprint)},'
            f'"input_digest":{quoted(record.input_digest)},"latency_s":{number(round(record.latency_s, 6))},'
            f'"repeat":{number(record.repeat)},"schema":{SCHEMA}}}'
        ).encode()
    except (ValueError, TypeError) as error:
        fault = f"the answer is not JSON ({error})"
        raise SystemFailed(
            message(f"case {record.case}", fault, expected="text, finite numbers, lists, objects")
        ) from None


def calls_line(calls: tuple[Call, ...]) -> bytes:
    """The line of model calls that belong to no recorded answer, without its line end."""
    return canonical({"schema": SCHEMA, "calls": [call.as_dict() for call in calls]})


def parse_record(value: dict[str, Json], where: str) -> Record:
    """The record of a line; InvalidFile where a key is missing, unknown or of the wrong type."""
    if "latency_s" not in value:  # of the answer itself: not every writer knows it
        value = {**value, "latency_s": 0.0}
    _check(value, _RECORD, where)
    _check_schema(value, where)
    answer = value["answer"]
    _check(answer, _ANSWER, where)
    if not all(type(item) is str for item in answer["retrieved"]):
        raise InvalidFile(message(where, "wrong 'retrieved'", got=answer["retrieved"], expected="a list of strings"))
    return Record(
        value["case"], value["input_digest"], value["repeat"], value["fingerprint"],
        Answer(
            answer["text"], answer["parsed"], tuple(answer["retrieved"]), tuple(answer["tool_calls"]),
            tuple(answer["steps"]), answer["validation"], answer["finish_reason"],
        ),
        tuple(parse_call(call, where) for call in value["calls"]), float(value["latency_s"]),
    )  # fmt: skip


def parse_calls(value: dict[str, Json], where: str) -> tuple[Call, ...]:
    """The model calls of a line, be it a record or calls alone; InvalidFile where it is neither."""
    if "case" in value:
        return parse_record(value, where).calls
    _check(value, _CALLS, where)
    _check_schema(value, where)
    return tuple(parse_call(call, where) for call in value["calls"])


def parse_call(value: Json, where: str) -> Call:
    """One model call of a line; InvalidFile where it is not as it should be."""
    _check(value, _WITH_FLAGS if isinstance(value, dict) and "flags" in value else _CALL, where)
    response, usage = value["response"], value["usage"]
    _check(response, _RESPONSE, where)
    _check(usage, _WITH_PARTS if "parts" in usage else _USAGE, where)
    parts, flags = usage.get("parts", {}), value.get("flags", [])
    if not all(type(tokens) is int for tokens in parts.values()):
        raise InvalidFile(message(where, "wrong 'parts'", got=parts, expected="a whole number for each part"))
    if not all(type(flag) is str for flag in flags):
        raise InvalidFile(message(where, "wrong 'flags'", got=flags, expected="a list of strings"))
    reply = Reply(
        response["text"], value["model_returned"], response["finish_reason"], usage["prompt_tokens"],
        usage["completion_tokens"], float(value["cost_usd"]), float(value["latency_s"]), value["retries"],
        tuple(response["tool_calls"]),
    )  # fmt: skip
    return Call(value["request_digest"], value["model_requested"], reply, parts, tuple(flags))


def _check_schema(value: dict[str, Json], where: str) -> None:
    if value["schema"] != SCHEMA:
        raise InvalidFile(
            message(
                where,
                "wrong 'schema'",
                got=value["schema"],
                expected=str(SCHEMA),
                next_step="the file may be written by a later version of pytest-ladder",
            )
        )


def _check(value: Any, shape: _Shape, where: str) -> None:
    if not isinstance(value, dict):
        raise InvalidFile(message(where, "wrong value", got=value, expected=f"an object with {', '.join(shape)}"))
    for key, types in shape.items():
        if key not in value:
            raise InvalidFile(message(where, f"the key {key!r} is missing"))
        if type(value[key]) not in types:  # a bool is no int here
            raise InvalidFile(message(where, f"wrong {key!r}", got=value[key], expected=_named(types)))
    if len(value) != len(shape):
        raise InvalidFile(unknown(where, "key", next(key for key in value if key not in shape), shape))


def _named(types: tuple[type, ...]) -> str:
    return {str: "a string", int: "an integer", dict: "an object", list: "a list"}.get(
        types[0] if len(types) == 1 else object, "a number"
    )
