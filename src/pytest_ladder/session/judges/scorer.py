"""The scorer `judge`: a model reads an answer beside the expected one, and says how good it is."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, fields

from pytest_ladder.core.canonical import Json
from pytest_ladder.core.judging import YES_NO, Scale
from pytest_ladder.core.names import unknown
from pytest_ladder.core.ports import LLM
from pytest_ladder.core.scorers.options import from_options
from pytest_ladder.core.scores import Outcome, Scored, Scorer, Unscored
from pytest_ladder.engine.collect import FATAL
from pytest_ladder.errors import InvalidFile, InvalidRequest, JudgeRefused, message
from pytest_ladder.rungs.prompting.template import PromptTemplate

VARIABLES = ("answer", "documents", "expected", "input", "metadata", "scale")
"""What the template of a judge sees; never which rung answered."""
SHOWN = 80


@dataclass(frozen=True, kw_only=True)
class JudgeOptions:
    """The options of the scorer `judge`, but for `model_options`."""

    model: str
    """Named as the model of a rung is."""
    prompt: str
    """Path of a chat template."""
    scale: tuple[str, ...] = YES_NO
    """What the judge may say, from the lowest to the highest."""

    def __post_init__(self) -> None:
        Scale(self.scale)


def judge_options(options: Mapping[str, Json]) -> tuple[JudgeOptions, Mapping[str, Json]]:
    """Check the options of a judge, and take its model's apart.

    Raises:
        InvalidRequest: an option is unknown, missing, or of the wrong type.
    """
    known = [option.name for option in fields(JudgeOptions)] + [MODEL_OPTIONS]
    for key in options:
        if key not in known:
            raise InvalidRequest(unknown("scorer 'judge'", "option", key, known))
    own = {key: value for key, value in options.items() if key != MODEL_OPTIONS}
    return from_options("judge", JudgeOptions, own), model_options(options, "scorer 'judge'")


MODEL_OPTIONS = "model_options"


def model_options(options: Mapping[str, Json], where: str) -> Mapping[str, Json]:
    """The options of the judge's model; InvalidRequest where they are no table."""
    found = options.get(MODEL_OPTIONS, {})
    if not isinstance(found, Mapping):
        raise InvalidRequest(message(where, f"wrong type of {MODEL_OPTIONS!r}", got=found, expected="a table"))
    return found


class Strict:
    """A judged metric's scorer whose faults of the set-up end the rung at once, not answer by answer.

    Where judges are not to be asked nothing can be mended by that, and the answer lacks its verdict.
    """

    def __init__(self, scorer: Scorer, where: str, asking: Callable[[], bool]) -> None:
        """Wrap a scorer; `where` begins the text of a fault, `asking` tells whether judges may be asked now."""
        self._scorer, self._where, self._asking = scorer, where, asking
        self.concurrency = getattr(scorer, "concurrency", 1)
        self.binary = getattr(scorer, "binary", False)

    async def __call__(self, scored: Scored, /) -> Outcome | float | bool:
        """Score one answer.

        Raises:
            JudgeRefused: the judge can say nothing of any answer.
        """
        try:
            said = self._scorer(scored)
            return await said if isinstance(said, Awaitable) else said
        except FATAL as fault:
            if not self._asking():
                return Unscored(str(fault), missing=True)
            told = str(fault) if isinstance(fault, InvalidFile) else f"{self._where}: {fault}"
            raise JudgeRefused(told) from None

    def example(self, scored: Scored) -> Sequence[Mapping[str, Json]] | None:
        """What would be asked of an answer, to reckon what it costs; None where that is not known before."""
        return self._scorer.messages(scored) if isinstance(self._scorer, JudgeScorer) else None


class JudgeScorer:
    """Asks a judge of each answer; what it says must be a word of the scale.

    Anything else is asked for once more, with the scale spelled out, and is unscored after that.
    """

    def __init__(self, template: PromptTemplate, scale: Scale, llm: LLM, concurrency: int) -> None:
        """Put the parts together; up to `concurrency` answers are judged at a time."""
        self._template, self._scale, self._llm = template, scale, llm
        self.concurrency = concurrency
        self.binary = len(scale.words) == 2

    async def __call__(self, scored: Scored, /) -> Outcome:
        """Ask the judge of one answer."""
        messages = self.messages(scored)
        reply = await self._llm.chat(messages)
        verdict = self._scale.read(reply.text)
        if verdict is None:
            repair = [{"role": "assistant", "content": reply.text}, {"role": "user", "content": self._scale.asked}]
            reply = await self._llm.chat([*messages, *repair])
            verdict = self._scale.read(reply.text)
        if verdict is None:
            words = ", ".join(self._scale.words)
            said = reply.text if len(reply.text) <= SHOWN else reply.text[: SHOWN - 3] + "..."
            return Unscored(f"the judge's reply is none of {words}, asked twice: {said!r}", unjudged=True)
        return self._scale.score(verdict)

    def messages(self, scored: Scored) -> Sequence[Mapping[str, Json]]:
        """What is asked of an answer."""
        case, answer = scored.case, scored.answer
        found = [{"id": id_, "text": scored.documents.get(id_, "")} for id_ in answer.retrieved]
        return self._template.render(
            input=case.input, expected=case.expected, answer=answer.text, documents=found,
            metadata=dict(case.metadata), scale=list(self._scale.words),
        )  # fmt: skip
