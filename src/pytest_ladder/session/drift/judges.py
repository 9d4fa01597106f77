"""Has the model changed that judges recorded answers? The same answers are judged again, and the verdicts compared."""

from __future__ import annotations

import statistics
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace

from pytest_ladder.core import drift
from pytest_ladder.core.answers import Call, Record
from pytest_ladder.core.cases import clusters
from pytest_ladder.core.drift import Drift
from pytest_ladder.core.judged import is_judged
from pytest_ladder.core.scores import MetricSpec, Score, Unscored
from pytest_ladder.engine.score import Outcomes, score
from pytest_ladder.session.judges.talk import JudgeTalk
from pytest_ladder.session.ladder_run import LadderRun
from pytest_ladder.session.measuring.rescored import repeats_of


def judge_drifts(run: LadderRun, sample: Drift, records: Sequence[Record]) -> tuple[Drift, ...]:
    """Have the judges of a ladder judge recorded answers of one rung again; none of the new verdicts is kept.

    Args:
        run: The ladder.
        sample: Names the rung, and how many of its cases were sampled.
        records: The recorded answers of these cases.

    Raises:
        JudgeRefused: a judge can say nothing of any answer.
    """
    judged = [metric for metric in run.ladder.metrics if is_judged(metric)]
    talks = [(metric, talk) for metric in judged if (talk := run.judges.talk(metric.name)) is not None]
    return tuple(_drift(run, metric, talk, sample, records) for metric, talk in talks)


def _drift(run: LadderRun, metric: MetricSpec, talk: JudgeTalk, sample: Drift, records: Sequence[Record]) -> Drift:
    with run.judges.replaying():
        old = _outcomes(run, metric, records)
    known = [record for record in records if isinstance(old[record.case, record.repeat, metric.name], Score)]
    found = Drift(sample.rung, sample.wanted, len({record.case for record in known}), sample.recorded,
                  confidence=sample.confidence, judge=metric.name)  # fmt: skip
    if not known:
        return replace(found, stopped="no verdict of it was on record before this run")
    with run.judges.aside(anew=True) as made:
        new = _outcomes(run, metric, known)
    before = {digest: call for digest in made if (call := talk.calls.get(digest)) is not None}
    found = _compared(run, metric, found, (old, new), (before, made))
    return replace(found, stopped=next(_reasons(run, found, new), ""))


def _outcomes(run: LadderRun, metric: MetricSpec, records: Sequence[Record]) -> Outcomes:
    scorers = {metric.name: run.assembler.scorer(metric)}
    found: Outcomes = run.shared.loop.run(score(records, run.whole, scorers, run.corpus))
    return found


def _compared(
    run: LadderRun, metric: MetricSpec, found: Drift, outcomes: tuple[Outcomes, Outcomes],
    calls: tuple[Mapping[str, Call], Mapping[str, Call]],
) -> Drift:  # fmt: skip
    """The verdicts, and what is known of the calls behind them, on record and now."""
    ladder, (before, made) = run.ladder, calls
    old, new = (repeats_of(one, [metric.name], ladder.repeats) for one in outcomes)
    both = before.keys() & made.keys()
    differ = sum(before[digest].reply.text != made[digest].reply.text for digest in both)
    paired = [before[digest] for digest in both]
    return replace(
        found, answers=len(both), texts_differ=differ, renamed=_renamed(before.values(), made.values()),
        latency=(_latency(paired), _latency([*made.values()])), tokens=(_tokens(paired), _tokens([*made.values()])),
        metrics=drift.compared(
            old, new, confidence=found.confidence, clusters=clusters(run.evalset, ladder.decision.cluster),
            seed=ladder.seed,
        ),
    )  # fmt: skip


def _reasons(run: LadderRun, found: Drift, new: Outcomes) -> Iterator[str]:
    """Why nothing can be concluded, the first cause first."""
    lost = {case: outcome for (case, *_), outcome in new.items() if isinstance(outcome, Unscored)}
    unasked = [outcome.reason for outcome in lost.values() if outcome.missing]
    if unasked or len(lost) > run.ladder.decision.max_error_rate * found.cases:
        reason = unasked[0] if unasked else next(iter(lost.values())).reason
        yield f"{len(lost)} of {found.cases} cases got no verdict this time: {reason}"
    yield from drift.blind(found)


def _renamed(before: Collection[Call], made: Collection[Call]) -> dict[str, list[list[str]]]:
    names = [
        {model: {call.reply.model_returned for call in calls if call.model_requested == model} for model in models}
        for calls in (before, made)
        for models in [{call.model_requested for call in calls}]
    ]
    return {
        model: [sorted(names[0][model]), sorted(new)]
        for model, new in names[1].items()
        if names[0].get(model) and new - names[0][model]
    }


def _latency(calls: Sequence[Call]) -> float | None:
    return statistics.median(call.reply.latency_s for call in calls) if calls else None


def _tokens(calls: Sequence[Call]) -> float | None:
    used = [call.usage for call in calls]
    return statistics.fmean(one.prompt_tokens + one.completion_tokens for one in used) if used else None
