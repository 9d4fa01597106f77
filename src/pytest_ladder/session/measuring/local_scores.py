"""Ladders whose recordings stay out of git: written as scores, judged from scores where the answers are not here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from pytest_ladder.core.answers import Answer, Call, Record, Reply
from pytest_ladder.core.cases import EvalSet
from pytest_ladder.core.scores import Outcome
from pytest_ladder.store.scores_file import ScoredAnswer, local_key, read_scores, write_scores

Outcomes = Mapping[tuple[str, int, str], Outcome]


def keep_scores(
    folder: Path, rung: str, fingerprint: str, records: Sequence[Record], outcomes: Outcomes, other: EvalSet | None
) -> None:
    """Write the scores of a version beside its recordings; those of the ladder's other set of cases stay."""
    by_answer: dict[tuple[str, int], dict[str, Outcome]] = {}
    for (case, repeat, metric), outcome in outcomes.items():
        by_answer.setdefault((case, repeat), {})[metric] = outcome
    rows = [(record, by_answer.get((record.case, record.repeat), {})) for record in records]
    if rows:
        keep = {case.input_digest for case in other or ()}
        write_scores(folder, rung, fingerprint, rows, local_key(folder), keep)


def known_scores(
    folder: Path, rung: str, fingerprint: str, rootdir: Path, evalset: EvalSet, repeats: int, *, partial: bool = False
) -> tuple[list[Record], Outcomes] | None:
    """The scores of today's cases as records without texts; None where one is missing and a part will not do."""
    known = {(s.input_digest, s.repeat): s for s in read_scores(folder, rung, fingerprint, rootdir)}
    records: list[Record] = []
    outcomes: dict[tuple[str, int, str], Outcome] = {}
    for case in evalset:
        for repeat in range(repeats):
            scored = known.get((case.input_digest, repeat))
            if scored is None:
                if partial:
                    continue
                return None
            records.append(_record(scored, case.id, fingerprint))
            outcomes |= {(case.id, repeat, metric): outcome for metric, outcome in scored.outcomes.items()}
    return records, outcomes


def _record(scored: ScoredAnswer, case: str, fingerprint: str) -> Record:
    usage, names = scored.usage, scored.model_returned or ("",)
    calls = []
    for number in range(usage.calls):
        first = number == 0
        reply = Reply(
            "", names[number % len(names)], prompt_tokens=usage.prompt_tokens if first else 0,
            completion_tokens=usage.completion_tokens if first else 0, cost_usd=usage.cost_usd if first else 0.0,
        )  # fmt: skip
        calls.append(Call("", reply.model_returned, reply))
    answer = Answer()
    return Record(case, scored.input_digest, scored.repeat, fingerprint, answer, tuple(calls), scored.latency_s)
