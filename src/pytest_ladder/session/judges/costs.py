"""What judges will cost, told before they are asked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean

from pytest_ladder.core.ports import Priced
from pytest_ladder.core.prices import CHARACTERS_A_TOKEN, longest, usd
from pytest_ladder.core.scores import Scored
from pytest_ladder.errors import LadderError
from pytest_ladder.session.judges.judges import Judges
from pytest_ladder.session.judges.scorer import Strict
from pytest_ladder.session.judges.talk import JudgeTalk
from pytest_ladder.session.setup.ladder_parts import LadderParts

LOOKED_AT = 50
"""Answers by whose length a verdict's cost is reckoned."""


@dataclass(frozen=True, slots=True)
class JudgeEstimate:
    """What the verdicts of one metric will cost, roughly."""

    metric: str
    cost_usd: float
    basis: str
    """What it rests on, as the user reads it."""

    def __str__(self) -> str:
        return f"the judge of {self.metric} about {usd(self.cost_usd)} USD by {self.basis}"


def judge_estimates(
    files: LadderParts, judges: Judges, metrics: Sequence[str], answers: Sequence[Scored]
) -> tuple[JudgeEstimate, ...]:
    """What judging some answers will cost, metric by metric.

    Judges without a price are left out, and those of which nothing is known to go by; what is wrong with one is told
    of where it is asked.
    """
    made = (_estimate(files, judges, metric, answers) for metric in metrics if answers)
    return tuple(found for found in made if found is not None)


def _estimate(files: LadderParts, judges: Judges, metric: str, answers: Sequence[Scored]) -> JudgeEstimate | None:
    spec = next(spec for spec in files.ladder.metrics if spec.name == metric)
    scorer, talk = files.assembler.scorer(spec), judges.talk(metric)
    if talk is None or talk.client.pace is None or not isinstance(scorer, Strict):
        return None
    try:
        model: object = talk.client.model()
        tokens = _tokens(talk, scorer, answers)
    except LadderError:
        return None
    if tokens is None or not isinstance(model, Priced) or model.price.free:
        return None
    prompt, answer, basis = tokens
    return JudgeEstimate(metric, len(answers) * model.price.cost(prompt, answer), basis)


def _tokens(talk: JudgeTalk, scorer: Strict, answers: Sequence[Scored]) -> tuple[float, float, str] | None:
    """Tokens of a verdict, of its prompt and its own, and what they rest on."""
    used = talk.calls.usual
    if used.calls:
        return used.prompt_tokens / used.calls, used.completion_tokens / used.calls, "what its calls used so far"
    shown = [messages for one in answers[:LOOKED_AT] if (messages := scorer.example(one))]
    if not shown:
        return None
    length = fmean(sum(len(str(part.get("content"))) for part in messages) for messages in shown)
    answer = longest(talk.client.options.get("max_tokens"))
    return length / CHARACTERS_A_TOKEN, answer, "the length of its prompt and `max_tokens`"
