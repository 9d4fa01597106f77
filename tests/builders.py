"""Small builders for the core's records, so that a test says only what it is about."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pytest_ladder.core.answers import Answer, Call, Record, Reply
from pytest_ladder.core.cases import Case, EvalSet
from pytest_ladder.core.evaluation import Evaluation, grade
from pytest_ladder.core.ladder import DecisionPolicy, Ladder
from pytest_ladder.core.scores import MetricSpec, Outcome, Score


def ladder(thresholds: Mapping[str, Mapping[str, float]] | None = None, *, rule: str = "point", **parts: Any) -> Ladder:
    """A ladder named `support`; its metrics are those that have a threshold, unless `metrics` names them."""
    thresholds = {"answer": {"all": 0.9}} if thresholds is None else thresholds
    parts.setdefault("metrics", tuple(MetricSpec(name, "exact_match") for name in thresholds))
    parts.setdefault("decision", DecisionPolicy(rule=rule))
    root = Path("/project")
    return Ladder(
        name="support", path=root / "evals/ladder.toml", rootdir=root, task="Answer.", evalset="cases.jsonl",
        rungs=parts.pop("rungs", ()), thresholds=thresholds, **parts,
    )  # fmt: skip


def case(id_: str = "c1", expected: Any = "yes", **parts: Any) -> Case:
    """A case whose input is `question ID`."""
    return Case(id_, parts.pop("input", f"question {id_}"), expected, **parts)


def evalset(n: int, **parts: Any) -> EvalSet:
    """Cases c0, c1, ... that differ in id and input only."""
    return EvalSet(tuple(case(f"c{i}", **parts) for i in range(n)))


def record(
    case: str = "c1", repeat: int = 0, text: str = "yes", *, retrieved: Sequence[str] = (), calls: Sequence[Call] = (),
    latency_s: float = 0.1,
) -> Record:  # fmt: skip
    """A recorded answer."""
    answer = Answer(text, retrieved=tuple(retrieved))
    return Record(case, f"input of {case}", repeat, "sha256:f", answer, tuple(calls), latency_s)


def call(requested: str = "m", returned: str = "m-1", *, cost_usd: float = 0.0) -> Call:
    """A recorded model call of 10 prompt and 2 completion tokens."""
    reply = Reply("yes", returned, prompt_tokens=10, completion_tokens=2, cost_usd=cost_usd)
    return Call("sha256:r", requested, reply)


def graded(
    values: Mapping[str, float], spec: Ladder | None = None, cases: EvalSet | None = None, *, metric: str = "answer"
) -> Evaluation:
    """The evaluation of a rung `prompt` whose cases have these scores by one metric, one answer each."""
    cases = cases or EvalSet(tuple(case(id_) for id_ in values))
    outcomes: dict[tuple[str, int, str], Outcome] = {(id_, 0, metric): Score(v) for id_, v in values.items()}
    return grade(spec or ladder(), "prompt", cases, [record(id_) for id_ in values], [], outcomes)
