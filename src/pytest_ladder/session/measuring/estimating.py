"""What the answers of a rung will cost, told before the first of them is asked."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from statistics import fmean

from pytest_ladder.core.answers import Answer, Usage
from pytest_ladder.core.entries import RungEntry
from pytest_ladder.core.ports import Priced
from pytest_ladder.core.prices import CHARACTERS_A_TOKEN, TOKENS_AN_ANSWER, Price, usd
from pytest_ladder.core.prompts import split_front_matter
from pytest_ladder.core.rungs import RungSpec
from pytest_ladder.core.scores import Scored
from pytest_ladder.engine.client import Client
from pytest_ladder.engine.collect import Job
from pytest_ladder.errors import LadderError
from pytest_ladder.session.judges.costs import JudgeEstimate
from pytest_ladder.session.ladder_files import LadderFiles
from pytest_ladder.session.setup.assemble import found
from pytest_ladder.store.paths import read_text

TOP_K = 4
"""Documents taken to be shown, where the rung does not say."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """What some answers will cost, roughly."""

    answers: int
    cost_usd: float
    basis: str
    """What it rests on, as the user reads it; empty where the answers cost nothing, or it is not known what."""
    judges: tuple[JudgeEstimate, ...] = ()
    """What judging them will cost besides."""

    def told(self, ladder: str, rung: str, left_usd: float | None) -> str:
        """One line; `left_usd` is what the budget still holds, None for no budget."""
        noun = "answer" if self.answers == 1 else "answers"
        line = f"{ladder} {rung}: {self.answers} {noun} to ask"
        line += f", about {usd(self.cost_usd)} USD by {self.basis}" if self.basis else ""
        line += "".join(f"; {judge}" for judge in self.judges)
        if left_usd is None:
            return line
        whole = self.cost_usd + sum(judge.cost_usd for judge in self.judges)
        more = "; it will not last to the end" if whole > left_usd else ""
        return f"{line}; {usd(left_usd)} USD of the budget are left{more}"


def with_judges(files: LadderFiles, known: Estimate | None, jobs: Sequence[Job]) -> Estimate | None:
    """An estimate together with what judging the same answers will cost; None where neither is known."""
    cases = {case.id: case for case in (*files.whole, *(files.holdout or ()))}
    made = Answer("x" * TOKENS_AN_ANSWER * CHARACTERS_A_TOKEN)
    judges = files.judging.expected([Scored(cases[job.question.id], made) for job in jobs if job.question.id in cases])
    if known is None:
        return Estimate(len(jobs), 0.0, "", judges) if judges else None
    return replace(known, judges=judges)


def estimate(files: LadderFiles, rung: RungSpec, client: Client, jobs: Sequence[Job]) -> Estimate | None:
    """The estimate for a rung whose model has a price; None for another one, for a router, and where nothing helps."""
    if client.name is None or client.pace is None or not jobs or "router" in rung.options:
        return None
    model: object = client.model()
    if not isinstance(model, Priced) or model.price.free:
        return None
    for tokens, basis in _known(files, rung):
        return Estimate(len(jobs), len(jobs) * model.price.cost(*tokens), basis)
    return _by_length(files, rung, model.price, jobs)


def _known(files: LadderFiles, rung: RungSpec) -> Iterator[tuple[tuple[float, float], str]]:
    """Tokens an answer, of its prompt and its own, by the log: of the rung itself, then of the nearest one below."""
    entries = [entry for entry in files.log if isinstance(entry, RungEntry)]
    below = [other.id for other in reversed(files.ladder.cheaper(rung.id))]
    for other in (rung.id, *below):
        for entry in reversed([entry for entry in entries if entry.rung == other and not entry.errors]):
            tokens = _an_answer(entry.usage, entry.answered * entry.repeats)
            if tokens:
                yield tokens, "what its last version used" if other == rung.id else f"what {other} used"


def _an_answer(usage: Usage, answers: int) -> tuple[float, float] | None:
    if not answers or not usage.prompt_tokens:
        return None
    return usage.prompt_tokens / answers, usage.completion_tokens / answers


def _by_length(files: LadderFiles, rung: RungSpec, price: Price, jobs: Sequence[Job]) -> Estimate | None:
    if rung.system is not None:
        return None
    try:
        texts = sum(len(text) for text in _texts(files, rung))
    except LadderError:  # it is told of where the file is used
        return None
    prompt = (texts + fmean(len(job.question.text) for job in jobs)) / CHARACTERS_A_TOKEN
    most = rung.model_options.get("max_tokens", TOKENS_AN_ANSWER)
    answer = most if isinstance(most, int | float) else TOKENS_AN_ANSWER
    calls = len(jobs) * int(rung.options.get("samples") or 1)
    return Estimate(len(jobs), calls * price.cost(prompt, answer), "the length of its prompt and `max_tokens`")


def _texts(files: LadderFiles, rung: RungSpec) -> Iterator[str]:
    """What goes along with each question: the prompt, the examples, as many documents as are shown."""
    parts, rung = files.assembler, found(files.ladder, rung)
    for key in ("prompt", "examples", "output"):
        written = rung.options.get(key)
        if isinstance(written, str):
            text = read_text(parts.path(written), parts.shown(written))
            yield split_front_matter(text, parts.shown(written)).body if key == "prompt" else text
    corpus = rung.options.get("corpus")
    if isinstance(corpus, str):
        documents = parts.documents(corpus)
        mean = fmean(len(document.text) for document in documents) if documents else 0.0
        yield "x" * round(mean * int(rung.options.get("top_k") or TOP_K))
