"""Judging the answers of a rung: by the record first, then by asking for the rest, which is told of and watched."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from pytest_ladder.core.answers import Record
from pytest_ladder.core.cases import EvalSet
from pytest_ladder.core.judged import is_judged
from pytest_ladder.core.prices import usd
from pytest_ladder.core.scores import MetricSpec, Scored, Scorer, Unscored
from pytest_ladder.engine.collect import Progress
from pytest_ladder.engine.meter import left
from pytest_ladder.engine.score import Outcomes, score
from pytest_ladder.report.numbers import plural
from pytest_ladder.session.judges.costs import JudgeEstimate, judge_estimates
from pytest_ladder.session.judges.judges import Judges
from pytest_ladder.session.setup.ladder_parts import LadderParts

DOING = "judged"


class Judging:
    """Scores answers of one ladder by its metrics, those that a model judges among them."""

    def __init__(self, files: LadderParts, judges: Judges) -> None:
        """Begin with nothing judged; `files` is read from later."""
        self._files = files
        self._judges = judges
        self.progress: Progress | None = None
        """Of the judging; None while no judge is asked."""
        self._rung = ""
        self._watch: Callable[[], None] | None = None
        self._told = 0

    def begin(self, rung: str, watch: Callable[[], None] | None) -> None:
        """Judge for a rung from now on; `watch` is called now and then while judges are asked."""
        self._rung, self._watch, self._told = rung, watch, 0

    def outcomes(
        self, records: Sequence[Record], evalset: EvalSet, metrics: Sequence[MetricSpec] | None = None
    ) -> Outcomes:
        """Score answers; where judges may be asked, they are asked for what is not on record.

        Args:
            records: Of cases of the eval set.
            evalset: The cases.
            metrics: Which; all of the ladder's by default.

        Raises:
            JudgeRefused: a judge can say nothing of any answer.
        """
        files = self._files
        specs = files.ladder.metrics if metrics is None else metrics
        scorers = {metric.name: files.assembler.scorer(metric) for metric in specs}
        judged = {metric.name: scorers[metric.name] for metric in specs if is_judged(metric)}
        permission = self._judges.permission
        if not (judged and permission.asking):
            return self._run(records, evalset, scorers)
        plain = {name: scorer for name, scorer in scorers.items() if name not in judged}
        with self._judges.replaying():
            found = self._run(records, evalset, plain if permission.again else scorers)
        wanted = [record for record in records if permission.again or _lacks(found, record, judged)]
        return found | self._asked(wanted, evalset, judged)

    def _asked(self, records: Sequence[Record], evalset: EvalSet, judged: Mapping[str, Scorer]) -> Outcomes:
        if not records:
            return {}
        answers = [Scored(evalset.by_id[record.case], record.answer, self._files.corpus) for record in records]
        if len(answers) > self._told:
            self._tell(judge_estimates(self._files, self._judges, list(judged), answers), len(answers))
        self.progress = Progress(len(records), doing=DOING)
        try:
            return self._run(records, evalset, judged)
        finally:
            self.progress = None

    def _run(self, records: Sequence[Record], evalset: EvalSet, scorers: Mapping[str, Scorer]) -> Outcomes:
        files = self._files
        work = score(records, evalset, scorers, files.corpus, self.progress)
        found: Outcomes = files.shared.loop.run(work, self._watch if self.progress else None)
        return found

    def expected(self, answers: Sequence[Scored]) -> tuple[JudgeEstimate, ...]:
        """What judging some answers that are to be asked for will cost; it is not told a second time."""
        self._told = len(answers)
        judged = [metric.name for metric in self._files.ladder.metrics if is_judged(metric)]
        return judge_estimates(self._files, self._judges, judged, answers)

    def _tell(self, estimates: Sequence[JudgeEstimate], answers: int) -> None:
        if not estimates:
            return
        files = self._files
        told = f"{files.ladder.name} {self._rung}: {plural(answers, 'answer')} to be judged"
        told += "".join(f"; {one}" for one in estimates)
        left_usd = left(self._judges.meter.whole, files.shared.meter)
        if left_usd is not None:
            told += f"; {usd(left_usd)} USD of the budget are left"
            told += "; it will not last to the end" if sum(one.cost_usd for one in estimates) > left_usd else ""
        files.shared.announce(told)


def _lacks(found: Outcomes, record: Record, judged: Mapping[str, Scorer]) -> bool:
    outcomes = [found[record.case, record.repeat, name] for name in judged]
    return any(isinstance(outcome, Unscored) and outcome.missing for outcome in outcomes)
