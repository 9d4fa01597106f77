"""Labels, evidence, waivers and keys without effect today: told on every run, for silence would look like consent."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator
from datetime import date
from itertools import islice

from pytest_ladder.core.gate import WAIVES
from pytest_ladder.core.judged import judges_itself
from pytest_ladder.core.stopping import hindered
from pytest_ladder.report.numbers import plural
from pytest_ladder.session.ladder_run import LadderRun

SHOWN = 3
"""How many names a note lists."""
SEARCHED = 2000
"""Among how many known names the nearest one is looked for, at most."""


def unmatched(run: LadderRun, today: date) -> tuple[str, ...]:
    """One line for each kind of label, evidence, waiver or key that has no effect."""
    return (*_labels(run), *_evidence(run), *_judgements(run), *_waivers(run, today), *_keys(run))


def _judgements(run: LadderRun) -> Iterator[str]:
    judged = list(run.agreements.all())
    strange = sorted({label.metric for label in run.judgements} - set(judged))
    if strange:
        yield f"judgements.jsonl names metrics that no model judges: {_listed(strange, judged)}"
    if run.agreements.uncounted:
        many = plural(run.agreements.uncounted, "label")
        yield f"judgements.jsonl: {many} of no judged answer on record: the answer is gone, or the log came later"
    models = {rung.id: [asked.model for asked in rung.asks if asked.model] for rung in run.ladder.rungs}
    yield from judges_itself(run.ladder.metrics, models)


def _keys(run: LadderRun) -> Iterator[str]:
    if why := hindered(run.ladder):
        yield f'[decision] stop = "certain" ends no rung early: {why}'


def _labels(run: LadderRun) -> Iterator[str]:
    for what, named, known in (
        ("rung", {label.rung for label in run.labels}, [rung.id for rung in run.ladder.rungs]),
        ("case", {label.case for label in run.labels}, list(run.whole.by_id)),
    ):
        strange = sorted(named - set(known))
        if strange:
            yield f"labels.jsonl names {what}s that are not here: {_listed(strange, known)}"


def _evidence(run: LadderRun) -> Iterator[str]:
    """Evidence that cannot be found; nothing where a system of the user's own may find documents of its own."""
    own = any(rung.system is not None or run.assembler.added(rung) is not None for rung in run.ladder.rungs)
    if own or not run.corpus:
        return
    strange = sorted({document for case in run.whole for document in case.evidence} - run.corpus.keys())
    cases = sum(not set(strange).isdisjoint(case.evidence) for case in run.whole)
    if strange:
        yield (
            f"the evidence of {plural(cases, 'case')} is in no corpus: {_listed(strange, run.corpus)}; "
            "what is not there counts as not found"
        )


def _waivers(run: LadderRun, today: date) -> Iterator[str]:
    for waiver in run.waivers:
        if waiver.ladder != run.ladder.name:
            if difflib.get_close_matches(waiver.ladder, [run.ladder.name], 1, 0.8):
                yield f"waivers.toml: a waiver is for the ladder {waiver.ladder!r}; this one is {run.ladder.name!r}"
        elif waiver.kind not in WAIVES:
            yield f"waivers.toml: no such kind as {_listed([waiver.kind], sorted(WAIVES))}; it waives nothing"
        elif waiver.expires < today:
            yield f"waivers.toml: the waiver {waiver.kind!r} of {waiver.approved_by} expired on {waiver.expires}"


def _listed(names: list[str], known: Iterable[str]) -> str:
    known = list(islice(known, SEARCHED))
    told = []
    for name in names[:SHOWN]:
        near = difflib.get_close_matches(name, known, 1)
        told.append(f"{name!r} (did you mean {near[0]!r}?)" if near else repr(name))
    return ", ".join(told) + (f" and {len(names) - SHOWN} more" if len(names) > SHOWN else "")
