"""How an answer came about: its recorded steps as lines that a page and a screen show alike.

Steps of built-in rungs are of known kinds (docs/reference/ladder-toml.md); a system of the user's own may record any
JSON. Either way everything in a step is shown: what has no place of its own is told as `key: value`.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from pytest_ladder.core.answers import Answer
from pytest_ladder.core.canonical import Json

REFUSED = "refused"
"""The tone of a call that the engine refused to make."""
FAILED = "failed"
"""The tone of what went wrong in another way."""
MOST_FOUND = 20
"""Documents of one step that are shown."""
MOST_LABEL = 60
"""Signs of what labels a step or ranks a document."""
LACKING = "evidence of the case that was not retrieved"


@dataclass(frozen=True, slots=True)
class Found:
    """A document that was found."""

    id: str
    score: str = ""
    """On the scale of what found it; empty where none is recorded."""
    relevant: bool = False
    """Whether the case names it as evidence."""


@dataclass(frozen=True, slots=True)
class Line:
    """One step."""

    name: str
    part: str = ""
    """Which sub-question, step or prompt it belongs to; empty where the task was not taken apart."""
    asked: str = ""
    """What was asked, searched, planned or called."""
    result: str = ""
    """What came of it."""
    note: str = ""
    """What else is on record."""
    tone: str = ""
    """`REFUSED`, `FAILED` or empty."""
    found: tuple[Found, ...] = ()

    @property
    def texts(self) -> tuple[str, str, str]:
        """The texts that may be long."""
        return self.asked, self.result, self.note


@dataclass(frozen=True, slots=True)
class _Shape:
    """Which keys of a step are what; those that it does not name become the note."""

    asked: str = ""
    result: str = ""
    found: str = ""
    tone: str = ""


SHAPES = {
    "rewrite": _Shape("query"),
    "multi_query": _Shape("queries"),
    "search": _Shape("query", found="found"),
    "rerank": _Shape(found="found"),
    "plan": _Shape("questions tasks"),
    "answer": _Shape("question task prompt", "answer", "retrieved"),
    "tool": _Shape("name", "result", "retrieved"),
    "refused": _Shape("name", "error", tone=REFUSED),
    "reminded": _Shape(tone=FAILED),
    "sent_back": _Shape(result="error", tone=FAILED),
    "route": _Shape("said", "to"),
    "sample": _Shape("answers"),
    "verify": _Shape(result="said"),
    "rejected": _Shape("answer", "reason", tone=FAILED),
}
"""Kind of step -> its form; of other kinds everything becomes the note."""
_NAMES = {"multi_query": "queries", "tool": "call", "refused": "refused call", "sent_back": "sent back"}
_CALLS = ("tool", "refused")
_encode = json.JSONEncoder(ensure_ascii=False).encode


Way = tuple[int, tuple[Line, ...]]
"""How many answers came about in one way, and that way."""


def trace(answer: Answer, evidence: Collection[str] = ()) -> tuple[Line, ...]:
    """The steps that led to an answer, in their order, then what is left to tell of it; empty where nothing is.

    Args:
        answer: As recorded.
        evidence: Ids of the documents that the case names as evidence.
    """
    lines = [_line(_recorded(step), evidence) for step in answer.steps]
    lines = [*_without_repeats(lines), *_calls(answer), *_retrieved(answer, lines, evidence)]
    return (*lines, *_lacking(answer, lines, evidence), *_ending(answer))


def tells(answer: Answer) -> bool:
    """Whether there are steps, or anything else to tell of how an answer came about."""
    return bool(
        answer.steps or answer.tool_calls or answer.retrieved or answer.validation is not None
        or answer.finish_reason != "stop"
    )  # fmt: skip


def ways(answers: Iterable[Answer], evidence: Collection[str] = ()) -> tuple[Way, ...]:
    """How several answers to one case came about, each way once; empty where nothing is on record of any."""
    counted = Counter(trace(answer, evidence) for answer in answers)
    return tuple((number, lines) for lines, number in counted.items()) if any(counted) else ()


def shortened(found: Sequence[Found]) -> tuple[tuple[Found, ...], int]:
    """The best documents of a step and those further down that are evidence, and how many others there were.

    Of evidence too no more than `MOST_FOUND` are kept: a case may name a hundred documents of which one would do.
    """
    best, rest = found[:MOST_FOUND], found[MOST_FOUND:]
    room = MOST_FOUND - sum(one.relevant for one in best)
    kept = (*best, *[one for one in rest if one.relevant][:room])
    return kept, len(found) - len(kept)


def text_of(value: Json) -> str:
    """A JSON value as text: a string as it is, a list of strings with a number before each."""
    if isinstance(value, str):
        return value
    if isinstance(value, list | tuple) and len(value) > 1 and all(isinstance(item, str) for item in value):
        return "\n".join(f"{place}. {item}" for place, item in enumerate(value, 1))
    if isinstance(value, list | tuple) and len(value) == 1 and isinstance(value[0], str):
        return value[0]
    return "" if value is None else _json(value)


def call_text(name: str, arguments: Json) -> str:
    """A call as one writes it: `name(key="value", ...)`."""
    if not isinstance(arguments, Mapping):
        return f"{name}({'' if arguments is None else _json(arguments)})"
    return f"{name}({', '.join(f'{key}={_json(value)}' for key, value in arguments.items())})"


def _json(value: Json) -> str:
    return repr(value) if type(value) in (int, float) else _encode(value)


def _recorded(value: Json) -> Json:
    """A value as it is read from a recording, also before it was written: keys sorted, 2.0 as 2."""
    if isinstance(value, Mapping):
        return {str(key): _recorded(value[key]) for key in sorted(value, key=str)}
    if isinstance(value, list | tuple):
        return [_recorded(item) for item in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _line(step: Json, evidence: Collection[str]) -> Line:
    if not isinstance(step, Mapping):
        return Line("step", asked=text_of(step))
    rest = dict(step)
    kind, part = _label(rest, "step"), _label(rest, "part")
    shape = SHAPES.get(kind, _Shape())
    found = _found(rest, shape.found, evidence)
    asked = _called(rest) if kind in _CALLS else ""
    asked = asked or _votes(rest) or _taken(rest, *shape.asked.split())
    failed = kind == "tool" and "error" in rest
    result, tone = _taken(rest, "error" if failed else shape.result), shape.tone
    tone = FAILED if failed or rest.get("accepted") is False else tone
    name = "failed call" if failed else _NAMES.get(kind, kind) or "step"
    return Line(name, part, asked, result, _note(rest), tone, found)


def _label(rest: dict[str, Json], key: str) -> str:
    """A word or number of a step, taken out; what is longer stays."""
    return _taken(rest, key) if _labels(rest.get(key)) else ""


def _labels(value: Json) -> bool:
    return len(value) <= MOST_LABEL if isinstance(value, str) else isinstance(value, int | float)


def _taken(rest: dict[str, Json], *keys: str) -> str:
    """The text of the first of some keys that is there, taken out."""
    key = next((key for key in keys if key in rest), None)
    return "" if key is None else text_of(rest.pop(key))


def _called(rest: dict[str, Json]) -> str:
    """The call of a step, taken out of it; empty where it names none."""
    if not isinstance(rest.get("name"), str):
        return ""
    return call_text(rest.pop("name"), rest.pop("arguments", None))


def _votes(rest: dict[str, Json]) -> str:
    """What was drawn, with its votes, taken out; empty where the answers are not of this form."""
    drawn = rest.get("answers")
    whole = isinstance(drawn, list | tuple) and all(
        isinstance(one, Mapping) and one.keys() == {"text", "votes"} for one in drawn
    )
    return "\n".join(f"{one['votes']} × {text_of(one['text'])}" for one in rest.pop("answers")) if whole else ""


def _note(rest: Mapping[str, Json]) -> str:
    """What is left of a step, its reason first."""
    return ", ".join(f"{key}: {_inline(rest[key])}" for key in sorted(rest, key=lambda key: (key != "reason", key)))


def _inline(value: Json) -> str:
    if isinstance(value, list | tuple) and value and all(isinstance(item, str) for item in value):
        return " and ".join(value)
    return value if isinstance(value, str) else _json(value)


def _found(rest: dict[str, Json], key: str, evidence: Collection[str]) -> tuple[Found, ...]:
    """The documents of a step, taken out; none where they are not of a known form, and then they stay."""
    value = rest.get(key)
    if not isinstance(value, list | tuple) or not all(_is_document(one) for one in value):
        return ()
    del rest[key]
    known = [(one, "") if isinstance(one, str) else (one["id"], text_of(one.get("score"))) for one in value]
    return tuple(Found(id_, score, id_ in evidence) for id_, score in known)


def _is_document(value: Json) -> bool:
    if isinstance(value, Mapping):
        known = isinstance(value.get("id"), str) and value.keys() <= {"id", "score", "rank"}
        return known and _labels(value.get("score", ""))
    return isinstance(value, str)


def _without_repeats(lines: Iterable[Line]) -> Iterator[Line]:
    """The lines without documents that the line before, of the same part, has shown already."""
    before = Line("")
    for line in lines:
        repeats = line.part == before.part and _ids([line]) == _ids([before])
        yield replace(line, found=()) if repeats and line.found and not line.found[0].score else line
        before = line


def _ids(lines: Iterable[Line]) -> set[str]:
    return {found.id for line in lines for found in line.found}


def _calls(answer: Answer) -> Iterator[Line]:
    """The calls of an answer whose steps tell of none."""
    if any(isinstance(step, Mapping) and step.get("step") in _CALLS for step in answer.steps):
        return
    for call in map(_recorded, answer.tool_calls):
        rest = dict(call) if isinstance(call, Mapping) else {"call": call}
        yield Line("call", asked=_called(rest), note=_note(rest))


def _retrieved(answer: Answer, lines: Sequence[Line], evidence: Collection[str]) -> Iterator[Line]:
    """What was put before the model, where no step ended in just that."""
    last = {line.part: line for line in lines if line.found}
    if answer.retrieved and set(answer.retrieved) != _ids(last.values()):
        found = tuple(Found(id_, relevant=id_ in evidence) for id_ in answer.retrieved)
        yield Line("retrieved", found=found)


def _lacking(answer: Answer, lines: Sequence[Line], evidence: Collection[str]) -> Iterator[Line]:
    """The evidence that was not put before the model, of an answer for which there was a search."""
    lacking = [id_ for id_ in dict.fromkeys(evidence) if id_ not in answer.retrieved]
    if lacking and (answer.retrieved or _ids(lines)):
        yield Line("missing", asked=LACKING, tone=FAILED, found=tuple(Found(id_, relevant=True) for id_ in lacking))


def _ending(answer: Answer) -> Iterator[Line]:
    """What a validator said, and how the answer ended if not by itself."""
    value = _recorded(answer.validation)
    if isinstance(value, Mapping):
        bad = value.get("valid") is False or value.get("accepted") is False
        yield Line("validation", note=_note({k: v for k, v in value.items() if v is not None}), tone=FAILED * bad)
    elif value is not None:
        yield Line("validation", note=text_of(value))
    if answer.finish_reason != "stop":
        yield Line("ended by", note=answer.finish_reason, tone=FAILED)
