"""Two rungs of one ladder against each other, by what is on record."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime

from pytest_ladder.core.canonical import short
from pytest_ladder.core.cases import clusters
from pytest_ladder.core.compared import Compared
from pytest_ladder.core.comparing import pairs_of
from pytest_ladder.core.differences import Comparison
from pytest_ladder.core.names import unknown
from pytest_ladder.core.pairing import compare_family
from pytest_ladder.errors import InvalidRequest, MissingRecording, message
from pytest_ladder.report import numbers
from pytest_ladder.session.concluding.standing import Standing
from pytest_ladder.session.ladder_run import LadderRun
from pytest_ladder.session.measuring.results import RungResult


def compare_rungs(run: LadderRun, before: str, after: str) -> Compared:
    """Compare two rungs on the cases that both have answered; nothing is asked or written.

    What was measured in this process counts; else the recordings do.

    Raises:
        InvalidRequest: a rung that the ladder does not have, the same one twice, or no case that both have scored.
        MissingRecording: answers of today's version of a rung are not on record.
    """
    where = f"{run.ladder.where} ({run.ladder.name})"
    _check(run, where, before, after)
    standing = Standing(run, {}, {}, datetime.now(UTC).date())
    one, other = (_result(standing, where, rung) for rung in (before, after))
    joined = clusters(run.whole, run.ladder.decision.cluster)
    pairs = {
        metric.name: pairs_of(one.evaluation, other.evaluation, metric.name, joined) for metric in run.ladder.metrics
    }
    if not any(found.both for found in pairs.values()):
        raise InvalidRequest(message(where, f"no case has a score by both {before} and {after}"))
    policy = run.ladder.decision
    compared = compare_family(
        pairs, confidence=policy.confidence, min_effect=policy.min_effect, seed=run.ladder.seed
    )  # fmt: skip
    return Compared(
        ladder=run.ladder.name, where=run.ladder.where, before=before, after=after, cases=len(run.whole),
        metrics=compared, confidence=policy.confidence, min_effect=policy.min_effect, cluster=policy.cluster,
        notes=(*_told(one), *_told(other), *_left_out(before, after, compared)),
    )  # fmt: skip


def _check(run: LadderRun, where: str, before: str, after: str) -> None:
    known = [rung.id for rung in run.ladder.rungs]
    for rung in (before, after):
        if rung not in known:
            raise InvalidRequest(unknown(where, "rung", rung, known))
    if before == after:
        others = [rung for rung in known if rung != before]
        raise InvalidRequest(message(
            where, "a rung cannot be compared with itself", got=before,
            expected=f"another one as the second: {', '.join(others)}" if others else "a ladder of two rungs",
        ))  # fmt: skip


def _result(standing: Standing, where: str, rung_id: str) -> RungResult:
    run, rung = standing.run, standing.ladder.rung(rung_id)
    prints = standing.prints(rung)
    result = run.results.get(rung_id) or run.from_record(rung_id, prints)
    if result is not None:
        return result
    lacking = len(run.asker.jobs(run.asker.recordings(rung, prints, read_only=True), run.whole))
    answers = numbers.plural(len(run.whole) * run.ladder.repeats, "answer")
    raise MissingRecording(message(
        where, f"rung {rung_id}: {lacking} of {answers} to today's eval set are not on record for fingerprint "
        f"{short(prints.digest)}", next_step=f"run `pytest --ladder --ladder-rung={rung_id}`",
    ))  # fmt: skip


def _told(result: RungResult) -> Iterator[str]:
    if result.altered:
        yield f"{result.rung}: what is on record was changed: {result.altered}"
    if result.unverifiable:
        yield f"{result.rung}: judged by its committed scores; answers not verifiable here"
    yield from result.notes


def _left_out(before: str, after: str, metrics: Mapping[str, Comparison]) -> Iterator[str]:
    for metric, found in metrics.items():
        for rung, ids in ((before, found.only_before), (after, found.only_after)):
            if ids:
                yield f"{metric}: {numbers.plural(len(ids), 'case')} with a score by {rung} alone left out"
