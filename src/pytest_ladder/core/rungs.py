"""The rung kinds and their order, cheapest first."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

from pytest_ladder.core.canonical import Json
from pytest_ladder.core.places import Source


class Kind(StrEnum):
    """What a rung changes, in the order of cost and of how hard it is to undo."""

    PROMPT = "prompt"
    FEW_SHOT = "few_shot"
    OPTIMIZE = "optimize"
    RAG = "rag"
    ADVANCED_RAG = "advanced_rag"
    DECOMPOSE = "decompose"
    FINE_TUNE = "fine_tune"

    @property
    def order(self) -> int:
        """Place in the climb, from 0."""
        return list(Kind).index(self)


REQUIRED = (Kind.PROMPT, Kind.FEW_SHOT, Kind.RAG, Kind.ADVANCED_RAG, Kind.DECOMPOSE)
"""The kinds that must be on record before fine-tuning, unless `[gate] required` says otherwise."""


def declaration(kind: Kind) -> str:
    """How a rung of a kind is declared, in the words of a next step."""
    return f"[rungs.{kind}]"


OTHER_MODELS = ("planner", "verifier", "classifier", "teacher", "proposer")
"""Keys of a rung that name a model besides the one that answers; `<key>_options` is laid over the rung's options."""


@dataclass(frozen=True, slots=True)
class RungSpec:
    """One `[rungs.ID]` table, with what it takes over from the ladder."""

    id: str
    kind: Kind
    model: str | None = None
    """The rung's own model, else the ladder's; None where neither names one."""
    model_options: Mapping[str, Json] = field(default_factory=dict)
    """The ladder's options overlaid with the rung's."""
    system: str | None = None
    """`file.py:function` or `package.module:function`, where the user's own system answers."""
    depends: tuple[str, ...] = ()
    """Globs of further files that belong to the fingerprint."""
    options: Mapping[str, Json] = field(default_factory=dict)
    """The kind's own keys (`prompt`, `examples`, `k`, `corpus`, `top_k` ...), as written."""
    table: Mapping[str, Json] = field(default_factory=dict)
    """The whole table as written: part of the fingerprint."""
    source: Source = field(default_factory=Source, compare=False, repr=False)
    """The file of the table, for messages."""

    def asking(self, key: str) -> RungSpec:
        """The rung as it asks the model of one of `OTHER_MODELS`; the answering one where the key is absent.

        The answering model's options go along only where both have the same model: they may mean nothing to another.
        """
        name = self.options.get(key, self.model)
        own = self.options.get(f"{key}_options") or {}
        shared = self.model_options if name == self.model else {}
        return replace(self, model=name, model_options={**shared, **own})

    @property
    def asks(self) -> tuple[RungSpec, ...]:
        """The rung once for each model that it asks, the answering one first."""
        return (self, *(self.asking(key) for key in self.others))

    @property
    def others(self) -> tuple[str, ...]:
        """The keys of `OTHER_MODELS` by which it asks another model, or its own in another way."""
        return tuple(key for key in OTHER_MODELS if {key, f"{key}_options"} & self.options.keys())

    def at(self, *path: str) -> str:
        """The table, or a key of it, as messages name it: `path:line: [rungs.ID] key`."""
        return self.source.at("rungs", self.id, *path)
