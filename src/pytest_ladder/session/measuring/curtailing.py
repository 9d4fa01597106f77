"""Ends a rung once its verdict is certain, under `stop = "certain"`; says which cases its verdict does not need."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from pytest_ladder.core.answers import CaseError, Record
from pytest_ladder.core.cases import Case, EvalSet
from pytest_ladder.core.curtailment import order
from pytest_ladder.core.entries import RungEntry, Verdict
from pytest_ladder.core.ladder import Ladder
from pytest_ladder.core.scores import Outcome, Score, Scorer, Unscored, merged
from pytest_ladder.core.stopping import Stopping, curtails
from pytest_ladder.engine.collect import Job
from pytest_ladder.engine.score import score
from pytest_ladder.session.ladder_files import LadderFiles
from pytest_ladder.session.measuring.local_scores import known_scores

Outcomes = Mapping[tuple[str, int, str], Outcome]
"""(case id, repeat, metric) -> outcome."""

NOT_SCORED = Unscored("the scorer was not asked")


@dataclass(frozen=True, slots=True)
class Collected:
    """The answers of one rung on one eval set, and the cases without."""

    records: Sequence[Record]
    errors: Sequence[CaseError]
    asked: int
    pending: bool = False
    """Whether an earlier run was interrupted while it asked again."""
    unverifiable: bool = False
    unasked: frozenset[str] = frozenset()
    """Ids of the cases that no verdict needs."""
    outcomes: Outcomes = field(default_factory=dict)
    """What scorers said already."""
    set_aside: int = 0
    """Cases in error that no verdict needs."""


def applies(files: LadderFiles, evalset: EvalSet, fingerprint: str) -> bool:
    """Whether a version of a rung may end early on a set.

    Not on the hold-out set, not in a smoke run, and not where the log's last word on it is an error: what failed is not
    on record, and whoever asked for less could miss it.
    """
    if not curtails(files.ladder) or files.settings.limit is not None or evalset is files.holdout:
        return False
    entries = [e for e in files.log if isinstance(e, RungEntry) and e.fingerprint == fingerprint]
    of_set = [entry for entry in entries if entry.evalset == evalset.digest]
    last = max(of_set, key=lambda entry: (entry.at, entry.id), default=None)
    return last is None or not (last.verdict is Verdict.ERROR and last.errors)


def binary_metrics(ladder: Ladder, scorers: Mapping[str, Scorer]) -> frozenset[str]:
    """The metrics by which a case scores 0 or 1 alone: the mean of several answers is neither."""
    declared = [name for name, scorer in scorers.items() if getattr(scorer, "binary", False) is True]
    return frozenset(declared) if ladder.repeats == 1 else frozenset()


class Curtailing:
    """Judges the answers of one ladder on its eval set."""

    def __init__(self, files: LadderFiles, evalset: EvalSet) -> None:
        self.files, self.ladder, self.evalset = files, files.ladder, evalset
        self.scorers = files.assembler.scorers()
        self.repeats = range(self.ladder.repeats)

    def stopping(self) -> Stopping:
        """A count of no case yet."""
        return Stopping(self.ladder, self.evalset, binary_metrics(self.ladder, self.scorers))

    async def score(self, records: Sequence[Record]) -> dict[tuple[str, int, str], Outcome]:
        """What every metric says of answers."""
        return await score(records, self.evalset, self.scorers, self.files.corpus)

    def values(self, case: Case, outcomes: Outcomes) -> dict[str, float | None]:
        """Metric -> a case's score over all repeats; None where it has none."""
        found = {}
        for metric in self.scorers:
            outcome = merged([outcomes.get((case.id, repeat, metric), NOT_SCORED) for repeat in self.repeats])
            found[metric] = outcome.value if isinstance(outcome, Score) else None
        return found

    def unjudged(self, case: Case, outcomes: Outcomes) -> bool:
        """Whether a judge that decides failed at a case: it can still end in any way, as one that was not asked."""
        deciding = self.ladder.deciding(case)
        found = (outcomes.get((case.id, n, metric)) for n in self.repeats for metric in deciding)
        return any(isinstance(outcome, Unscored) and outcome.unjudged for outcome in found)

    def unasked(self, complete: Iterable[str], outcomes: Outcomes) -> frozenset[str]:
        """The cases that no verdict needs, given those that are answered; none where one still is needed."""
        stopping, known = self.stopping(), set(complete)
        for case in self.evalset:
            if case.id in known and not self.unjudged(case, outcomes):
                stopping.add(case, self.values(case, outcomes))
        left = frozenset(case.id for case in self.evalset if case.id not in known)
        return left if left and stopping.settle() else frozenset()

    def complete(self, keys: Iterable[tuple[str, int]]) -> list[str]:
        """The cases all of whose repeats are among (case id, repeat), in the order of the eval set."""
        there = set(keys)
        return [case.id for case in self.evalset if all((case.id, repeat) in there for repeat in self.repeats)]

    async def judged(self, got: Collected) -> Collected:
        """Tell what is missing from what is not needed.

        Cases in error are not known, as those that were not asked; above `max_error_rate` they stay errors.
        """
        known = {(case, repeat) for case, repeat, _ in got.outcomes}
        scored = {**got.outcomes, **await self.score([r for r in got.records if (r.case, r.repeat) not in known])}
        left = self.unasked(self.complete((record.case, record.repeat) for record in got.records), scored)
        if not left:
            return replace(got, outcomes=scored)
        failed = [error for error in got.errors if error.kind != "missing"]
        cases = {error.case for error in failed}
        if len(cases) > self.ladder.decision.max_error_rate * len(self.evalset):
            return replace(got, outcomes=scored, errors=failed, unasked=left - cases)
        return replace(got, outcomes=scored, errors=[], unasked=left, set_aside=len(cases))


def proved(files: LadderFiles, entry: RungEntry, answers: Mapping[tuple[str, str, int], Record]) -> bool:
    """Whether what is on record of a version makes its verdict certain on today's eval set, by today's contract.

    Args:
        files: The ladder.
        entry: Names the version; what it says of it is not looked at.
        answers: (case id, input digest, repeat) -> answer; where there is none, its committed scores are taken.
    """
    if not curtails(files.ladder):
        return False
    records, outcomes = _todays(files, answers) if answers else _scored(files, entry)
    work = Curtailing(files, files.whole).judged(Collected(records, [], 0, outcomes=outcomes))
    judged: Collected = files.shared.loop.run(work)
    return bool(judged.unasked)


def _todays(files: LadderFiles, answers: Mapping[tuple[str, str, int], Record]) -> tuple[list[Record], Outcomes]:
    by_input = {(digest, repeat): record for (_, digest, repeat), record in answers.items()}
    wanted = [(case, repeat) for case in files.whole for repeat in range(files.ladder.repeats)]
    found = [(case.id, by_input.get((case.input_digest, repeat))) for case, repeat in wanted]
    return [record.renamed(case) for case, record in found if record], {}


def _scored(files: LadderFiles, entry: RungEntry) -> tuple[list[Record], Outcomes]:
    where, rootdir = files.folder, files.shared.rootdir
    found = known_scores(
        where, entry.rung, entry.fingerprint, rootdir, files.whole, files.ladder.repeats, partial=True
    )  # fmt: skip
    return found or ([], {})


class Enough(Curtailing):
    """Watches the answers of one rung as they come, and tells when no more are needed.

    Args:
        files: The ladder.
        evalset: Its eval set.
        again: Cases that are to be asked again, however early the verdict is certain: what is on record of a version
            is of one time, before and after.
    """

    def __init__(self, files: LadderFiles, evalset: EvalSet, again: Iterable[str] = ()) -> None:
        super().__init__(files, evalset)
        self.outcomes: dict[tuple[str, int, str], Outcome] = {}
        self._again = frozenset(again)
        self._count = self.stopping()
        self._fresh: dict[tuple[str, int], Record] = {}
        self._parts: dict[str, set[int]] = {}
        self._begun: set[str] = set()

    @property
    def settled(self) -> bool:
        """Whether no remaining case can change any verdict."""
        return self._count.settled

    async def known(self, records: Sequence[Record]) -> bool:
        """Count what is on record; whether that is enough."""
        for record in records:
            await self._count_in(record)
        return self._count.settle()

    def ordered(self, jobs: Sequence[Job]) -> list[Job]:
        """Jobs in the order in which they are to be asked: what is begun, then as `core.curtailment.order` has it."""
        rank = {case.id: place for place, case in enumerate(order(self.evalset, self.ladder.seed))}
        begun = self._again | set(self._parts)
        return sorted(jobs, key=lambda job: (job.question.id not in begun, rank[job.question.id], job.repeat))

    def wanted(self, job: Job) -> bool:
        """Whether a job is to be asked: a case that is begun is ended."""
        case = job.question.id
        if case not in self._begun and case not in self._again and self.settled:
            return False
        self._begun.add(case)
        return True

    def keep(self, record: Record) -> None:
        """Take an answer that was put on record."""
        self._fresh[record.case, record.repeat] = record

    async def answered(self, job: Job) -> None:
        """Count the answer to a job."""
        record = self._fresh.pop((job.question.id, job.repeat), None)
        if record is not None:
            await self._count_in(record)

    async def _count_in(self, record: Record) -> None:
        self.outcomes |= await self.score([record])
        parts = self._parts.setdefault(record.case, set())
        parts.add(record.repeat)
        if len(parts) == len(self.repeats):
            case = self.evalset.by_id[record.case]
            if not self.unjudged(case, self.outcomes):
                self._count.add(case, self.values(case, self.outcomes))
