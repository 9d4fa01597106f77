"""How far the judged metrics of a ladder agree with people's labels, by what is on record."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pytest_ladder.core.agreement import Agreement, agreement
from pytest_ladder.core.answers import Record
from pytest_ladder.core.cases import Case, EvalSet
from pytest_ladder.core.judged import Judgement, class_of, classes_of, is_judged
from pytest_ladder.core.scores import MetricSpec, Outcome, Score
from pytest_ladder.session.evidence import rung_entries
from pytest_ladder.session.judges.judging import Judging
from pytest_ladder.session.setup.ladder_folder import LadderFolder
from pytest_ladder.store.recordings import recorded_inputs, recordings_path
from pytest_ladder.store.scores_file import read_scores

Labels = Mapping[tuple[str, str, str, int], Judgement]
"""(rung, fingerprint, case, repeat) -> the last label of that answer."""


class Agreements:
    """The agreement of each judged metric with the labels.

    A label counts for the answer that it was given to, of whatever version. So the verdict on today's judge rests on
    answers that are all on record before a run begins, and is the same whatever the run goes on to ask.
    """

    def __init__(self, files: LadderFolder, judging: Judging) -> None:
        """Begin with nothing known; `files` is read from later."""
        self._files = files
        self._judging = judging
        self._found: dict[str, Agreement] | None = None
        self._settled = False
        self.uncounted = 0
        """Labels of judged metrics that name no answer on record."""

    def all(self) -> Mapping[str, Agreement]:
        """Metric -> its agreement, for every judged metric; asked for what is missing where that may be."""
        if self._found is None:
            self._found = self._measured()
        return self._found

    def settle(self) -> None:
        """Have the judges read every labelled answer, once; to be called where they may be asked."""
        if not self._settled:
            self._found, self._settled = None, True
            self.all()

    def forget(self) -> None:
        """Look again at the next question: another process may have asked since."""
        self._found, self._settled = None, False

    def _measured(self) -> dict[str, Agreement]:
        self.uncounted = 0
        judged = [metric for metric in self._files.ladder.metrics if is_judged(metric)]
        return {metric.name: self._of(metric) for metric in judged}

    def _of(self, metric: MetricSpec) -> Agreement:
        pairs = []
        for (rung, version), labels in _grouped(self._labels(metric)).items():
            known = self._outcomes(metric, rung, version, labels)
            for case, repeat, label in labels:
                outcome = known.get((case, repeat))
                if isinstance(outcome, Score):
                    pairs.append((label.place(metric), class_of(metric, outcome.value)))
                else:
                    self.uncounted += 1
        return agreement(metric.name, classes_of(metric), pairs)

    def _labels(self, metric: MetricSpec) -> Labels:
        found: dict[tuple[str, str, str, int], Judgement] = {}
        for label in self._files.judgements:
            if label.metric == metric.name:
                version = label.version(rung_entries(self._files.log, label.rung))
                found[label.rung, version, label.case, label.repeat] = label
        return found

    def _outcomes(
        self, metric: MetricSpec, rung: str, version: str, labels: Sequence[tuple[str, int, Judgement]]
    ) -> Mapping[tuple[str, int], Outcome]:
        """(case id, repeat) -> what the judge says of the labelled answers of one version."""
        if not version:
            return {}
        files = self._files
        path = recordings_path(files.folder, rung, version)
        recorded = recorded_inputs(path, files.shared.rootdir) if path.exists() else {}
        if not recorded and files.local:
            scores = read_scores(files.folder, rung, version, files.shared.rootdir)
            return {(s.case, s.repeat): s.outcomes[metric.name] for s in scores if metric.name in s.outcomes}
        cases = {case.id: case for case in (*(files.holdout or ()), *files.whole)}
        records = [
            record for case, repeat, _ in labels if case in cases and (record := _answer(recorded, cases[case], repeat))
        ]
        outcomes = self._judging.outcomes(records, EvalSet(tuple(cases.values())), [metric])
        return {(case, repeat): outcome for (case, repeat, _), outcome in outcomes.items()}


def _answer(recorded: Mapping[tuple[str, str, int], Record], case: Case, repeat: int) -> Record | None:
    return recorded.get((case.id, case.input_digest, repeat))


def _grouped(labels: Labels) -> dict[tuple[str, str], list[tuple[str, int, Judgement]]]:
    groups: dict[tuple[str, str], list[tuple[str, int, Judgement]]] = {}
    for (rung, version, case, repeat), label in labels.items():
        groups.setdefault((rung, version), []).append((case, repeat, label))
    return groups
