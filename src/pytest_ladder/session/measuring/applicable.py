"""Metrics of retrieval, for a rung that retrieves nothing: they do not apply, unless a threshold asks for them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from pytest_ladder.core.answers import Record
from pytest_ladder.core.hybrids import referred
from pytest_ladder.core.rungs import RungSpec
from pytest_ladder.core.scorers import RETRIEVAL
from pytest_ladder.core.scorers.ranking import NOT_APPLICABLE
from pytest_ladder.core.scores import Outcome, Score
from pytest_ladder.session.ladder_files import LadderFiles
from pytest_ladder.store.digests import Fingerprint

Outcomes = Mapping[tuple[str, int, str], Outcome]
NO_CORPUS = "nothing was retrieved: the rung has no corpus"


def applied(
    files: LadderFiles, rung: RungSpec, prints: Fingerprint, records: Iterable[Record], outcomes: Outcomes
) -> Outcomes:
    """What the metrics say of a rung, those of retrieval only where it retrieves.

    A threshold asks every rung for what is retrieved: under one, nothing stays a score of 0, and the threshold is
    missed. Without one there is nothing to measure, and no case is scored.
    """
    named = {metric.name for metric in files.ladder.metrics if metric.scorer in RETRIEVAL}
    if not named or retrieves(files, rung, prints) or any(record.answer.retrieved for record in records):
        return outcomes
    gating = files.ladder.thresholds
    return {key: _of_nothing(said, key[2] in gating) if key[2] in named else said for key, said in outcomes.items()}


def retrieves(files: LadderFiles, rung: RungSpec, prints: Fingerprint) -> bool:
    """Whether a rung, or one that may answer for it, can put a document before the model: has a corpus, or is own code.

    Args:
        files: The ladder.
        rung: Which.
        prints: Its fingerprint, with the file of a system that a test gave.
    """
    rungs = (rung, *referred(files.ladder.rungs, rung))
    given = prints.digest != files.fingerprint(rung).digest
    own = any(one.system is not None or files.assembler.added(one) is not None for one in rungs)
    return given or own or any("corpus" in one.options for one in rungs)


def unmeetable(files: LadderFiles, rung: RungSpec, prints: Fingerprint, records: Iterable[Record]) -> tuple[str, ...]:
    """The thresholds that a rung misses because it retrieves nothing, in one text; none where it retrieves."""
    asked = [metric.name for metric in files.ladder.metrics if metric.scorer in RETRIEVAL]
    rows = ((metric, files.ladder.thresholds.get(metric, {})) for metric in asked)
    missed = [f"{metric}[{slice_}]" for metric, row in rows for slice_, least in row.items() if least > 0]
    if not missed or retrieves(files, rung, prints) or any(record.answer.retrieved for record in records):
        return ()
    return (f"rung {rung.id}: it has no corpus and retrieves nothing, so that it cannot meet {', '.join(missed)}",)


def _of_nothing(said: Outcome, gating: bool) -> Outcome:
    if not gating:
        return NOT_APPLICABLE
    return Score(said.value, NO_CORPUS) if isinstance(said, Score) else said
