"""The eval set: cases, and what of a case an answering system may see."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from pytest_ladder.core.canonical import Json, canonical, digest, digest_bytes, quoted

ALL = "all"
"""The slice that is the whole set."""


HIDDEN = ("expected", "evidence", "evidence_needed", "steps", "tools", "slices")
"""Parts of a case that nothing which answers may see."""
MOST_AT_ONCE = 10
"""Documents that an answer is taken to need all together, at most: of more, one is taken to be enough."""
TEXT_KEYS = ("question", "input", "text", "query")
"""Fields of an object that may be its text, the first of them that is one."""


@dataclass(frozen=True, slots=True)
class Question:
    """What a system or a template gets of a case: never the expected answer, the evidence or the slices."""

    id: str
    input: Json
    metadata: Mapping[str, Json] = field(default_factory=dict)

    def __getattr__(self, name: str) -> Any:
        if name in HIDDEN:
            raise AttributeError(f"a system never sees a case's `{name}`: it gets its `id`, `input` and `metadata`")
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    @property
    def text(self) -> str:
        """The input as text: a string as it is, an object as its one text field `question`, `input` or `text`."""
        key = _text_key(self.input)
        return str(self.input[key] if key else self.input)


def saying(question: Question, text: str) -> Question:
    """The same question with another text: of an object, its one text field is replaced."""
    key = _text_key(question.input)
    return replace(question, input={**question.input, key: text} if key else text)


def _text_key(given: Json) -> str:
    """The field that is the text of an object; empty where there is none."""
    if not isinstance(given, Mapping):
        return ""
    return next((key for key in TEXT_KEYS if isinstance(given.get(key), str)), "")


@dataclass(frozen=True)
class Case:
    """One row of the eval set."""

    id: str
    input: Json
    expected: Json = None
    slices: tuple[str, ...] = ()
    evidence: tuple[str, ...] = ()
    """Ids of the documents that hold the answer."""
    steps: tuple[Json, ...] = ()
    """Gold sub-questions: `{"input", "expected"}` each."""
    tools: tuple[Json, ...] = ()
    """Expected tool calls."""
    metadata: Mapping[str, Json] = field(default_factory=dict)
    evidence_needed: int | None = None
    """How many of the evidence documents an answer needs; None where the case does not say."""
    line: int = field(default=0, compare=False)
    """Where it stands in its file, from 1; 0 where it has none."""

    @property
    def needs(self) -> int:
        """How many of its evidence documents an answer needs: where the case does not say, all of a few, else one."""
        if self.evidence_needed is not None:
            return self.evidence_needed
        named = len(set(self.evidence))
        return named if named <= MOST_AT_ONCE else 1

    @cached_property
    def question(self) -> Question:
        """The part that may be shown to whatever answers."""
        return Question(self.id, self.input, self.metadata)

    @cached_property
    def input_digest(self) -> str:
        """Digest of what an answer depends on: the input, and the metadata where there is any."""
        if isinstance(self.input, str) and not self.metadata and "\r" not in self.input:  # the common form, by hand
            return digest_bytes(f'{{"input":{quoted(self.input)}}}'.encode())
        return digest(
            {"input": self.input, "metadata": dict(self.metadata)} if self.metadata else {"input": self.input}
        )

    def as_dict(self) -> dict[str, Json]:
        """The case as a JSON object, empty parts left out."""
        whole = {
            "id": self.id, "input": self.input, "expected": self.expected, "slices": sorted(set(self.slices)),
            "evidence": list(self.evidence), "evidence_needed": self.evidence_needed, "steps": list(self.steps),
            "tools": list(self.tools), "metadata": dict(self.metadata),
        }  # fmt: skip
        return {key: value for key, value in whole.items() if key in ("id", "input") or value not in (None, [], {})}


@dataclass(frozen=True)
class EvalSet(Sequence[Case]):
    """The cases of one file, in file order; ids are unique."""

    cases: tuple[Case, ...]
    name: str = "cases.jsonl"

    def __len__(self) -> int:
        return len(self.cases)

    def __iter__(self) -> Iterator[Case]:
        return iter(self.cases)

    def __getitem__(self, index: int) -> Case:  # type: ignore[override]
        return self.cases[index]

    @cached_property
    def digest(self) -> str:
        """Digest of every case whatever their order in the file."""
        return digest(sorted((case.as_dict() for case in self.cases), key=lambda case: str(case["id"])))

    @cached_property
    def by_id(self) -> Mapping[str, Case]:
        """Cases by their id."""
        return {case.id: case for case in self.cases}

    @cached_property
    def slices(self) -> Mapping[str, tuple[Case, ...]]:
        """Cases by slice, `all` first, the others by name."""
        names = sorted({name for case in self.cases for name in case.slices} - {ALL})
        return {ALL: self.cases, **{n: tuple(c for c in self.cases if n in c.slices) for n in names}}


def clusters(cases: Iterable[Case], key: str | None) -> dict[str, str]:
    """Case id -> the cluster it belongs to, by a key of its metadata.

    Cases of one cluster (turns of a conversation, questions on one document, near-duplicates) go right or wrong
    together, and count for less than as many cases of their own. One without the key is a cluster of its own, and is
    left out; so is every case where the key is None.
    """
    if key is None:
        return {}
    named = {case.id: case.metadata[key] for case in cases if case.metadata.get(key) is not None}
    return {id_: value if isinstance(value, str) else canonical(value).decode() for id_, value in named.items()}
