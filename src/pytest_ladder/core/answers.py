"""What a system gave for a case, what it cost, and what a model said on the way."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from pytest_ladder.core.canonical import (
    Json,
    canonical_lf,
    digest,
    digest_bytes,
    member,
    members,
    number,
    quick,
    quoted,
)


@dataclass(frozen=True, slots=True)
class Usage:
    """What answers consumed; sums of these add up."""

    calls: int = 0
    """Model calls."""
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cost_usd: float = 0.0

    def __add__(self, other: Usage) -> Usage:
        return Usage(
            self.calls + other.calls, self.prompt_tokens + other.prompt_tokens,
            self.completion_tokens + other.completion_tokens, self.cost_usd + other.cost_usd,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Answer:
    """What a system answers; a plain text stands for `Answer(text)`, a mapping for its fields."""

    text: str = ""
    parsed: Json = None
    """The answer as a value, where the system parsed one."""
    retrieved: tuple[str, ...] = ()
    """Ids of the documents put before the model, best first."""
    tool_calls: tuple[Json, ...] = ()
    """Calls made: `{"name", "arguments"}` each."""
    steps: tuple[Json, ...] = ()
    """What happened on the way, one JSON value a step."""
    validation: Json = None
    """What a validator said of the answer."""
    finish_reason: str = "stop"

    def as_dict(self) -> dict[str, Json]:
        """The answer as a JSON object, in the form that is recorded and digested."""
        return {
            "text": self.text, "parsed": self.parsed, "retrieved": list(self.retrieved),
            "tool_calls": list(self.tool_calls), "steps": list(self.steps), "validation": self.validation,
            "finish_reason": self.finish_reason,
        }  # fmt: skip

    @classmethod
    def from_dict(cls, value: Mapping[str, Json]) -> Answer:
        """Read what `as_dict` wrote; unknown keys raise TypeError."""
        known = dict(value)
        for key in ("retrieved", "tool_calls", "steps"):
            known[key] = tuple(known.get(key) or ())
        return cls(**known)


@dataclass(frozen=True, slots=True)
class Reply:
    """What a model returned for one request."""

    text: str
    model_returned: str
    finish_reason: str = "stop"
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cost_usd: float = 0.0
    latency_s: float = 0.0
    """Seconds of the call itself, without queueing and back-off."""
    retries: int = 0
    tool_calls: tuple[Json, ...] = ()


@dataclass(frozen=True, slots=True)
class Call:
    """A model call on record: a reply, and the digest of the request it answers."""

    request_digest: str
    model_requested: str
    reply: Reply
    parts: Mapping[str, int] = field(default_factory=dict)
    """Tokens of each part of the prompt, by `core.prompt_parts`; empty where nothing is known of them."""
    flags: tuple[str, ...] = ()
    """What is special about it: of `core.prompt_parts.FLAGS`."""

    def as_dict(self) -> dict[str, Json]:
        """The call as a JSON object, in the form that is recorded."""
        reply = self.reply
        usage: dict[str, Json] = {
            "prompt_tokens": reply.prompt_tokens, "completion_tokens": reply.completion_tokens,
            **({"parts": dict(self.parts)} if self.parts else {}),
        }  # fmt: skip
        return {
            "request_digest": self.request_digest,
            "response": {
                "text": reply.text, "finish_reason": reply.finish_reason, "tool_calls": list(reply.tool_calls)
            },
            "model_requested": self.model_requested, "model_returned": reply.model_returned, "usage": usage,
            "cost_usd": reply.cost_usd or 0, "latency_s": round(reply.latency_s, 6), "retries": reply.retries,
            **({"flags": list(self.flags)} if self.flags else {}),
        }  # fmt: skip

    @classmethod
    def from_dict(cls, value: Mapping[str, Json]) -> Call:
        """Read what `as_dict` wrote; a missing key raises KeyError."""
        response, usage = value["response"], value["usage"]
        reply = Reply(
            text=response["text"], finish_reason=response["finish_reason"],
            tool_calls=tuple(response.get("tool_calls") or ()), model_returned=value["model_returned"],
            prompt_tokens=usage["prompt_tokens"], completion_tokens=usage["completion_tokens"],
            cost_usd=value["cost_usd"], latency_s=value["latency_s"], retries=value["retries"],
        )  # fmt: skip
        return cls(
            value["request_digest"], value["model_requested"], reply, usage.get("parts", {}),
            tuple(value.get("flags", ())),
        )  # fmt: skip

    @property
    def usage(self) -> Usage:
        """What this call consumed."""
        return Usage(1, self.reply.prompt_tokens, self.reply.completion_tokens, self.reply.cost_usd)


@dataclass(frozen=True, slots=True)
class Request:
    """One request to a chat model."""

    model: str
    messages: tuple[Mapping[str, Json], ...]
    options: Mapping[str, Json] = field(default_factory=dict)
    """Sampling and length options, as in `model_options`."""
    seed: int = 0
    repeat: int = 0
    """Which of several answers to the same case this is for, from 0: independent samples stay apart."""
    files: str = ""
    """Digest of the project's files that are the model: its code, its adapter; empty where its name says it all."""

    @property
    def digest(self) -> str:
        """Digest of all that decides the reply: of its canonical JSON with LF line ends."""
        messages = ",".join(map(_message_json, self.messages))
        options = quick(dict(self.options)).decode() if self.options else "{}"
        files = f'"files":{quoted(self.files)},' if self.files else ""
        data = (
            f'{{{files}"messages":[{messages}],"model":{quoted(self.model)},"options":{options},'
            f'"repeat":{number(self.repeat)},"seed":{number(self.seed)}}}'
        ).encode()
        return digest(self._whole) if b"\\r" in data else digest_bytes(data)

    @property
    def _whole(self) -> Json:
        whole = {
            "model": self.model, "messages": [dict(m) for m in self.messages], "options": dict(self.options),
            "seed": self.seed, "repeat": self.repeat,
        }  # fmt: skip
        return {**whole, "files": self.files} if self.files else whole


def _message_json(message: Mapping[str, Json]) -> str:
    """The canonical JSON of a message, put together by hand where it is of the common form: prompts may be long."""
    role, content = message.get("role"), message.get("content")
    if len(message) == 2 and isinstance(role, str) and isinstance(content, str):
        return f'{{"content":{quoted(content)},"role":{quoted(role)}}}'
    return quick(dict(message)).decode()


@dataclass(frozen=True, slots=True)
class Record:
    """One recorded answer: a line of `recordings/<rung>/<fingerprint12>.jsonl`."""

    case: str
    input_digest: str
    repeat: int
    fingerprint: str
    answer: Answer
    calls: tuple[Call, ...] = ()
    latency_s: float = 0.0
    """Seconds of the answer itself: queueing and back-off apart."""

    @property
    def usage(self) -> Usage:
        """What this answer consumed."""
        return sum((call.usage for call in self.calls), Usage())

    def renamed(self, case: str) -> Record:
        """The same answer for a case that has another id today."""
        return self if case == self.case else replace(self, case=case)


@dataclass(frozen=True, slots=True)
class CaseError:
    """A case that got no answer; never recorded as one."""

    case: str
    repeat: int
    message: str
    kind: str = "system"
    """`system`, `timeout`, `model`, `missing` (read-only and not on record) or `budget`."""


def answers_digest(records: Sequence[Record]) -> str:
    """Digest the sorted (input digest, repeat, answer) of records, without times or costs.

    It is the digest of the canonical JSON list of these triples; equal inputs are ordered by their answers.
    """
    rows = sorted((record.input_digest, record.repeat, _canonical_lf(record.answer)) for record in records)
    body = b",".join(b'["%b",%d,%b]' % (given.encode(), repeat, answer) for given, repeat, answer in rows)
    return digest_bytes(b"[" + body + b"]")


def _canonical_lf(answer: Answer) -> bytes:
    data = answer_json(answer).encode()
    return canonical_lf(answer.as_dict()) if b"\\r" in data else data


def answer_json(answer: Answer) -> str:
    """The canonical JSON of an answer, put together by hand: there are many.

    Raises:
        ValueError, TypeError: a part is not JSON.
    """
    return (
        f'{{"finish_reason":{quoted(answer.finish_reason)},"parsed":{member(answer.parsed)},'
        f'"retrieved":[{",".join(map(quoted, answer.retrieved))}],"steps":[{members(answer.steps)}],'
        f'"text":{quoted(answer.text)},"tool_calls":[{members(answer.tool_calls)}],'
        f'"validation":{member(answer.validation)}}}'
    )


def call_json(call: Call) -> str:
    """The canonical JSON of a model call, put together by hand; raises as `answer_json` does."""
    reply = call.reply
    flags = f'"flags":[{",".join(map(quoted, call.flags))}],' if call.flags else ""
    parts = f'"parts":{quick(dict(call.parts)).decode()},' if call.parts else ""
    return (
        f'{{"cost_usd":{number(reply.cost_usd or 0)},{flags}"latency_s":{number(round(reply.latency_s, 6))},'
        f'"model_requested":{quoted(call.model_requested)},"model_returned":{quoted(reply.model_returned)},'
        f'"request_digest":{quoted(call.request_digest)},'
        f'"response":{{"finish_reason":{quoted(reply.finish_reason)},"text":{quoted(reply.text)},'
        f'"tool_calls":[{members(reply.tool_calls)}]}},"retries":{number(reply.retries)},'
        f'"usage":{{"completion_tokens":{number(reply.completion_tokens)},{parts}'
        f'"prompt_tokens":{number(reply.prompt_tokens)}}}}}'
    )
