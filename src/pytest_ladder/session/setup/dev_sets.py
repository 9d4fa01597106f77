"""The cases that a search of prompts may see: checked at collection, for what is searched on must not decide."""

from __future__ import annotations

from dataclasses import dataclass

from pytest_ladder.core.cases import Case, EvalSet
from pytest_ladder.core.curtailment import order
from pytest_ladder.core.rungs import RungSpec
from pytest_ladder.core.searching import FEWEST_CASES
from pytest_ladder.errors import InvalidFile, message
from pytest_ladder.rungs.optimization.drafts import Draft
from pytest_ladder.rungs.optimization.optimize import Search, read_search
from pytest_ladder.session.setup.assemble import Assembler
from pytest_ladder.store.cases_file import read_cases
from pytest_ladder.store.corpus import comparable, read_pool, shared_case
from pytest_ladder.store.digests import searches
from pytest_ladder.store.paths import read_text

FEWEST = 2
"""Cases on which prompts can be compared at all."""


@dataclass(frozen=True)
class Material:
    """What one search works with."""

    search: Search
    drafts: tuple[Draft, ...]
    """The prompts to try, the one that the search begins with first."""
    scoring: EvalSet
    """The dev cases on which prompts are scored, in the order in which they are used."""
    pool: EvalSet
    """The cases whose right answers may be shown; none of them scores."""


def check_searches(assembler: Assembler) -> None:
    """Check everything that the searches of a ladder work with, before anything is asked.

    Raises:
        InvalidFile: a key, a prompt or the dev set cannot be used, or a case of dev, or of the pool of demonstrations,
            is one of the eval set's or the hold-out set's.
    """
    for rung in assembler.ladder.rungs:
        if searches(rung) and assembler.added(rung) is None:
            material_of(assembler, rung)


def material_of(assembler: Assembler, rung: RungSpec) -> Material:
    """Read what the search of a rung works with; raises InvalidFile as `check_searches` does."""
    ladder = assembler.ladder
    search = read_search(rung, [metric.name for metric in ladder.metrics], list(ladder.thresholds))
    dev = _dev(assembler, rung)
    scoring, pool = _parted(assembler, search, dev)
    if len(scoring) < FEWEST:
        expected = f"at least {FEWEST}, besides those that are the pool of demonstrations"
        raise InvalidFile(
            message(assembler.shown(str(ladder.dev)), f"{len(scoring)} cases to score prompts on", expected=expected)
        )
    _check_calls(rung, search, len(scoring))
    written = (search.prompt, *search.instructions)
    drafts = [Draft(read_text(assembler.path(name), assembler.shown(name)), assembler.shown(name),
                    scoring[0].question) for name in dict.fromkeys(written)]  # fmt: skip
    return Material(search, tuple(drafts), scoring, pool)


def _dev(assembler: Assembler, rung: RungSpec) -> EvalSet:
    ladder = assembler.ladder
    if ladder.dev is None:
        fault, step = "there is no dev set to search prompts on", 'set `dev = "dev.jsonl"` at the top'
        raise InvalidFile(message(rung.at(), fault, next_step=step))
    dev = read_cases(assembler.path(ladder.dev), ladder.rootdir)
    for evalset in assembler.evalsets:
        if found := shared_case(dev, evalset):
            raise _leak(assembler.shown(ladder.dev), *found, evalset)
    return dev


def _leak(where: str, case: Case, other: Case, evalset: EvalSet) -> InvalidFile:
    fault = f"the dev case {case.id!r} is the case {other.id!r} ({evalset.name}:{other.line})"
    step = "take it out of one of them: what prompts are searched on must not judge them"
    return InvalidFile(message(f"{where}:{case.line}", fault, next_step=step))


def _parted(assembler: Assembler, search: Search, dev: EvalSet) -> tuple[EvalSet, EvalSet]:
    """The cases that score and those that may be shown: without a file of examples, one half of dev each."""
    cases = order(dev, assembler.ladder.seed)
    if not search.demos:
        return EvalSet(tuple(cases), dev.name), EvalSet(())
    if search.examples is None:
        half = len(cases) // 2
        asked = {comparable(case.input) for case in cases[half:]}
        shown = {case.id for case in cases[:half] if comparable(case.input) not in asked}
        pool = tuple(case for case in dev if case.id in shown)
        return EvalSet(tuple(cases[half:]), dev.name), EvalSet(pool, dev.name)
    path = assembler.path(search.examples)
    examples = read_pool(path, assembler.ladder.rootdir, [*assembler.evalsets, dev])
    return EvalSet(tuple(cases), dev.name), EvalSet(examples, path.name)


def _check_calls(rung: RungSpec, search: Search, cases: int) -> None:
    """That the calls of a search suffice for two prompts on a few cases."""
    least = 2 * min(cases, FEWEST_CASES) * search.calls_an_answer + search.propose
    if search.max_calls < least:
        fault, expected = "too few calls to compare two prompts", f"at least {least}"
        raise InvalidFile(message(rung.at("max_calls"), fault, got=search.max_calls, expected=expected))
