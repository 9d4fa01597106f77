"""Answers scored one by one, where an evaluation keeps the mean of a case's repeats."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from pytest_ladder.core.answers import Record
from pytest_ladder.core.cases import EvalSet
from pytest_ladder.core.scores import Outcome, Score
from pytest_ladder.core.selftest import Repeats
from pytest_ladder.engine.score import Outcomes, score
from pytest_ladder.session.ladder_files import LadderFiles


def outcomes_of(files: LadderFiles, records: Sequence[Record], evalset: EvalSet) -> Outcomes:
    """Score answers by today's scorers.

    Args:
        files: The ladder.
        records: Of cases of the eval set.
        evalset: The cases.
    """
    found: Outcomes = files.shared.loop.run(score(records, evalset, files.assembler.scorers(), files.corpus))
    return found


def repeats_of(outcomes: Mapping[tuple[str, int, str], Outcome], metrics: Iterable[str], repeats: int) -> Repeats:
    """Metric -> case id -> the score of each repeat; a case without a score for each of its repeats is left out.

    Args:
        outcomes: (case id, repeat, metric) -> outcome.
        metrics: Which scores.
        repeats: Answers that a case should have.
    """
    found: dict[str, defaultdict[str, list[float]]] = {metric: defaultdict(list) for metric in metrics}
    for (case, _, metric), outcome in sorted(outcomes.items(), key=lambda item: item[0]):
        if metric in found and isinstance(outcome, Score):
            found[metric][case].append(outcome.value)
    return {metric: {case: row for case, row in rows.items() if len(row) == repeats} for metric, rows in found.items()}
