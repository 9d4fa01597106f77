"""How fit an eval set is to decide: too small, too alike, contradicting itself, or far from production."""

from __future__ import annotations

import json
import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from pytest_ladder.core.canonical import Json, digest
from pytest_ladder.core.cases import ALL, Case, EvalSet
from pytest_ladder.core.ladder import Ladder
from pytest_ladder.core.near import near_duplicates
from pytest_ladder.core.thresholds import undecidable

FEW = 200
"""Fewer cases than this are announced: from 200 on, failures can be sorted by kind and small slices still decide."""
PRODUCTION = "production"
"""The word of `metadata.source` for a case that was taken from real use."""
_TOKEN = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]|[^\W\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]+")
"""Words; a character at a time where a script writes none apart."""


class Trait(StrEnum):
    """What a note is about."""

    FEW_CASES = "few_cases"
    SMALL_SLICE = "small_slice"
    NEAR_DUPLICATES = "near_duplicates"
    LABEL_CONFLICT = "label_conflict"
    PRODUCTION_SHARE = "production_share"
    DEMO_SET = "demo_set"


@dataclass(frozen=True, slots=True)
class Note:
    """One thing worth knowing of an eval set."""

    trait: Trait
    text: str
    """One sentence, without case texts."""
    cases: tuple[str, ...] = ()
    """Ids of the cases it is about, in the order of the eval set; empty where it is about all."""
    slice: str = ALL
    warns: bool = True
    """Whether it calls for a change; a share alone does not."""


def health(ladder: Ladder, evalset: EvalSet) -> tuple[Note, ...]:
    """Look an eval set over; empty where there is nothing to say.

    Args:
        ladder: Whose thresholds the slices must be able to decide.
        evalset: The cases.
    """
    return (
        *_few(evalset), *_small_slices(ladder, evalset), *_conflicts(evalset), *_near(evalset),
        *_production(evalset), *_demo(evalset),
    )  # fmt: skip


def normal_text(value: Json) -> str:
    """An input as text to compare: compatibility forms, case and white space made alike.

    An object is written as JSON with sorted keys, so that the order of its keys does not matter.
    """
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, sort_keys=True)
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def tokens(value: Json) -> frozenset[str]:
    """The different words of an input; a character each in scripts that write no spaces."""
    return frozenset(_TOKEN.findall(normal_text(value)))


def label_conflicts(evalset: EvalSet) -> tuple[tuple[str, ...], ...]:
    """Groups of cases with the same normalised input and different `expected`, ids in the order of the eval set."""
    groups: defaultdict[str, list[Case]] = defaultdict(list)
    for case in evalset:
        if case.expected is not None:
            groups[normal_text(case.input)].append(case)
    return tuple(
        tuple(case.id for case in group)
        for group in groups.values()
        if len(group) > 1 and len({digest(case.expected) for case in group}) > 1
    )


def production_share(evalset: EvalSet) -> float | None:
    """Share of all cases that were taken from production, 0 to 1; None where no case names its source."""
    sources = [case.metadata.get("source") for case in evalset]
    if not any(sources):
        return None
    return sum(str(source).casefold() == PRODUCTION for source in sources) / len(sources)


def _few(evalset: EvalSet) -> Iterator[Note]:
    if len(evalset) < FEW:
        text = f"{len(evalset)} cases are few: with {FEW} or more, slices and small gains can be told apart"
        yield Note(Trait.FEW_CASES, text)


def _small_slices(ladder: Ladder, evalset: EvalSet) -> Iterator[Note]:
    for few in undecidable(ladder, evalset):
        ids = tuple(case.id for case in evalset.slices[few.slice]) if few.slice != ALL else ()
        yield Note(Trait.SMALL_SLICE, str(few), ids, few.slice)


def _conflicts(evalset: EvalSet) -> Iterator[Note]:
    for ids in label_conflicts(evalset):
        text = f"{len(ids)} cases that ask the same, case and white space apart, do not all expect the same answer"
        yield Note(Trait.LABEL_CONFLICT, text, ids)


def _near(evalset: EvalSet) -> Iterator[Note]:
    groups = near_duplicates([tokens(case.input) for case in evalset])
    if groups:
        extra = sum(len(group) - 1 for group in groups)
        ids = tuple(evalset[place].id for group in groups for place in group)
        sizes = Counter(len(group) for group in groups)
        text = f"near-duplicates: {extra} of {len(evalset)} cases are like others, up to {max(sizes)} alike"
        fault = "they count as independent, and make intervals too narrow"
        yield Note(Trait.NEAR_DUPLICATES, f"{text}: {fault}; `[decision] cluster` can name what they share", ids)


def _production(evalset: EvalSet) -> Iterator[Note]:
    share = production_share(evalset)
    if share is not None:
        taken = round(share * len(evalset))
        text = f"{taken} of {len(evalset)} cases ({100 * share:.3g} %) come from production"
        yield Note(Trait.PRODUCTION_SHARE, text, warns=False)


def _demo(evalset: EvalSet) -> Iterator[Note]:
    """The cliff between demonstration and production: few cases, all in one heap, of which none is known to be real."""
    if len(evalset) < FEW and set(evalset.slices) == {ALL} and not production_share(evalset):
        fault = "few cases, no slices, and none said to come from production: what holds here may not hold in use"
        next_step = 'name slices, and take cases from use (`metadata.source = "production"`)'
        yield Note(Trait.DEMO_SET, f"demo-to-production cliff: {fault}; {next_step}")
