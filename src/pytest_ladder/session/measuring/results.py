"""What the evaluation of a rung leaves, and how it crosses from a worker to the controller."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field

from pytest_ladder.core.canonical import Json
from pytest_ladder.core.drift import Drift
from pytest_ladder.core.entries import RungEntry, Verdict
from pytest_ladder.core.evaluation import Evaluation
from pytest_ladder.core.judged import JudgeUsage
from pytest_ladder.core.looks import confirmed
from pytest_ladder.core.request_figures import RequestFigures
from pytest_ladder.core.summary import Miss
from pytest_ladder.core.thresholds import Check

NOT_VERIFIABLE = "answers not verifiable here"


@dataclass(frozen=True, slots=True)
class RungResult:
    """One rung, evaluated in this run."""

    rung: str
    evaluation: Evaluation
    entry: RungEntry | None
    """The candidate for the log, without time and id; None for a smoke run or where answers are missing."""
    asked: int = 0
    """Answers that were asked for in this run."""
    altered: str = ""
    """What does not match the log, where recorded evidence was changed."""
    missing: tuple[str, ...] = ()
    """Cases without a recorded answer, under `none`."""
    unjudged: tuple[tuple[str, str], ...] = ()
    """The metric whose judge said nothing, and why, where it is that and no answer of the rung which is missing."""
    spent: str = ""
    """What the end of a budget left undone, and how to go on; empty where it left nothing."""
    unverifiable: bool = False
    """Whether it was judged from the scores file, the answers not being here."""
    notes: tuple[str, ...] = ()
    misses: tuple[Miss, ...] = ()
    holdout: RungEntry | None = None
    """The candidate entry of a look at the hold-out set."""
    confirmation: RungResult | None = None
    """What the rung did on the hold-out set, where the ladder asks its lever to hold there."""
    unheld: str = ""
    """Why it is not the lever although it meets the target on the eval set."""
    drift: Drift | None = None
    """What asking recorded cases again came to; None where none were."""
    judge_drifts: tuple[Drift, ...] = ()
    """What judging recorded answers again came to, a judge each."""
    requests: RequestFigures | None = None
    """Its model calls; None where it made none."""
    judges: Mapping[str, JudgeUsage] = field(default_factory=dict)
    """Judged metric -> what its judge consumed: no part of what the rung consumed."""

    @property
    def verdict(self) -> Verdict:
        """What counts for the climb: of the eval set and, where that is met and must be confirmed, of the look."""
        return confirmed(self.evaluation.verdict, self.confirmation.evaluation.verdict if self.confirmation else None)

    @property
    def deciding(self) -> Evaluation:
        """The evaluation whose verdict counts."""
        asked = self.confirmation is not None and self.evaluation.verdict is Verdict.MET
        return self.confirmation.evaluation if asked and self.confirmation else self.evaluation

    @property
    def missed(self) -> tuple[Check, ...]:
        """The checks that keep it from being the lever."""
        return self.deciding.missed()


@dataclass(frozen=True, slots=True)
class Report:
    """What a test of a rung sends to the controller: plain values only."""

    ladder: str
    """ladder.toml, absolute."""
    rung: str
    state: str
    """A `core.summary.State`."""
    note: str = ""
    entry: Mapping[str, Json] | None = None
    holdout: Mapping[str, Json] | None = None
    drift: Mapping[str, Json] | None = None
    judge_drifts: tuple[Mapping[str, Json], ...] = ()
    requests: Mapping[str, Json] | None = None
    judges: Mapping[str, Mapping[str, Json]] = field(default_factory=dict)
    asked: int = 0
    altered: str = ""
    missing: tuple[str, ...] = ()
    unjudged: str = ""
    """The metric whose judge is what is missing."""
    spent: str = ""
    """What the end of a budget left undone, and how to go on."""
    notes: tuple[str, ...] = ()
    misses: tuple[Mapping[str, Json], ...] = ()
    recall: float | None = None
    requested: bool = False
    """Whether this test is a request for fine-tuning."""
    tuned: str = ""
    """What became of a fine-tuning that the gate allowed."""
    smoke: bool = False

    def dump(self) -> str:
        """The report as JSON text."""
        return json.dumps(asdict(self), ensure_ascii=True)

    @classmethod
    def load(cls, text: str) -> Report:
        """Read what `dump` wrote."""
        known = json.loads(text)
        for key in ("missing", "notes", "misses", "judge_drifts"):
            known[key] = tuple(known[key])
        return cls(**known)

    @classmethod
    def of(cls, ladder: str, state: str, result: RungResult, note: str = "", *, requested: bool, smoke: bool) -> Report:
        """The report of an evaluated rung."""
        return cls(
            ladder=ladder, rung=result.rung, state=state, smoke=smoke,
            note=note or "; ".join(filter(None, [result.unheld, NOT_VERIFIABLE if result.unverifiable else ""])),
            entry=result.entry.as_dict() if result.entry else None,
            holdout=result.holdout.as_dict() if result.holdout else None,
            drift=result.drift.as_dict() if result.drift else None,
            judge_drifts=tuple(drift.as_dict() for drift in result.judge_drifts),
            requests=result.requests.as_dict() if result.requests else None,
            judges={metric: usage.as_dict() for metric, usage in result.judges.items()},
            asked=result.asked, altered=result.altered, missing=result.missing,
            unjudged=result.unjudged[0][0] if result.unjudged else "", spent=result.spent, notes=result.notes,
            misses=tuple(asdict(miss) for miss in result.misses), recall=result.evaluation.recall, requested=requested,
        )  # fmt: skip
