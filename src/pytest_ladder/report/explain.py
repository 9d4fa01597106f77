"""Why a rung is not good enough: the text of its failure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from shlex import quote

from pytest_ladder.core.agreement import ASKED
from pytest_ladder.core.confidences import PLAIN, Confidences
from pytest_ladder.core.entries import Figure, Verdict
from pytest_ladder.core.summary import Miss
from pytest_ladder.core.thresholds import Check
from pytest_ladder.report import numbers
from pytest_ladder.report.text import cut, one_line
from pytest_ladder.report.texts import MOST_REASON, texts_of

_WIDTH = 120


def explain(
    rung: str, checks: Sequence[Check], misses: Sequence[Miss] = (), *, path: str, sure: Confidences = PLAIN,
    cases: int = 0, unasked: int = 0, more: str = "", next_step: str = "",
) -> str:  # fmt: skip
    """Say which thresholds a rung misses, by how much, where it is worst, and what to do; no line end at the end.

    Args:
        rung: Its id.
        checks: All its checks; those that are met are left out.
        misses: Its worst cases; texts that are None are left out.
        path: ladder.toml as typed from the rootdir.
        sure: Of each one-sided bound.
        cases: Of the eval set.
        unasked: Of these, those left out because the verdict is certain without them.
        more: How many more cases would decide what is undecided.
        next_step: A sentence in place of the usual one.
    """
    missed = [check for check in checks if check.verdict is not Verdict.MET]
    headline = _headline(rung, missed, len(checks), cases, unasked)
    lines = [headline, *(f"  {check_line(check, sure)}" for check in missed)]
    if more:
        lines.append(f"  to decide it: {more}")
    if misses:
        lines += ["worst cases:", *(line for miss in misses for line in _miss_lines(miss)), *_way(rung, misses, path)]
    return "\n".join([*lines, next_step or _next_step(rung, path, missed)])


def _headline(rung: str, missed: Sequence[Check], all_: int, cases: int, unasked: int) -> str:
    on = f" on {numbers.plural(cases, 'case')}" if cases else ""
    on += f" ({numbers.asked(cases - unasked, cases)})" if unasked else ""
    undecided = {check.verdict for check in missed} == {Verdict.INCONCLUSIVE}
    stands = "is undecided" if undecided else "is below its target"
    what = "not clear" if undecided else "not met"
    return f"rung {one_line(rung)} {stands}: {len(missed)} of {numbers.plural(all_, 'threshold')} {what}{on}"


def _next_step(rung: str, path: str, missed: Sequence[Check]) -> str:
    if all(check.note for check in missed):
        labels = f"{path.removesuffix('ladder.toml')}judgements.jsonl"
        return (
            f"Label its answers, one JSON line each, in {labels}: {ASKED} let a judge decide. Then run `pytest "
            "--ladder` and commit."
        )
    if {check.verdict for check in missed} == {Verdict.INCONCLUSIVE}:
        return f"Add cases, or mend the rung, or declare the next one in {path}, and run `pytest --ladder`."
    return f"Mend the rung, or declare the next one in {path}, and run `pytest --ladder --ladder-rung={rung}`."


def check_line(check: Check, sure: Confidences = PLAIN) -> str:
    """One check: figure, threshold, interval and counts."""
    if check.kind == "limit" or check.figure is None:
        return _limit_line(check)
    figure, least = check.figure, numbers.threshold(check.threshold)
    place = f"{one_line(check.metric)}[{one_line(check.slice)}]"
    if figure.mean is None:
        return f"{place} has no scored case; it must be at least {least}  ({_counts(figure)})"
    signs = {Verdict.MET: f">= {least}", Verdict.SHORT: f"< {least}"}
    stands = signs.get(check.verdict, f"is undecided against {least}")
    told = f"{place} {numbers.score(figure.mean, threshold=check.threshold)} {stands}  ({_bounds(check, sure)})"
    return f"{told}: its judge failed at {numbers.plural(check.unjudged, 'case')}" if check.unjudged else told


def _bounds(check: Check, sure: Confidences) -> str:
    figure = check.figure or Figure(None, 0, None, None)
    low, high = (numbers.bound(value, threshold=check.threshold) for value in (figure.low, figure.high))
    noise = ", within noise" if check.noisy and check.verdict is not Verdict.INCONCLUSIVE else ""
    return f"{_sure(low, high, sure)}{noise}, {_counts(figure)}"


def _sure(low: str, high: str, sure: Confidences) -> str:
    met, short = numbers.level(sure.met), numbers.level(sure.short)
    if met == short:
        return f"{met} one-sided bounds {low}..{high}"
    return f"one-sided bounds {low} at {met}, {high} at {short}"


def _counts(figure: Figure) -> str:
    unscored = f", {numbers.count(figure.unscored)} unscored" if figure.unscored else ""
    return f"n = {numbers.count(figure.n)}{unscored}"


def _limit_line(check: Check) -> str:
    name, most = one_line(check.metric), numbers.limit(check.metric, check.threshold)
    if check.value is None:
        return f"{name} could not be measured; it may be at most {most}"
    sign = "<=" if check.verdict is Verdict.MET else ">"
    return f"{name} {numbers.ceiling(check.metric, check.value, limit=check.threshold)} {sign} {most}"


def _way(rung: str, misses: Sequence[Miss], path: str) -> Iterator[str]:
    """Where the steps that led to an answer are shown; nothing where no answer is to be."""
    case = next((miss.case for miss in misses if miss.answer is not None), None)
    if case is not None:
        words = " ".join(map(quote, map(one_line, (case, path, f"--rung={rung}"))))
        yield f"  how an answer came about: `ladder show {words}`"


def _miss_lines(miss: Miss) -> Iterator[str]:
    score = "unscored" if miss.score is None else numbers.score(miss.score)
    yield cut(f"  {one_line(miss.case)}  {one_line(miss.metric)} {score}", _WIDTH)
    texts = texts_of(miss, "text")
    widest = max(map(len, texts), default=0)
    for name, text in texts.items():
        most = MOST_REASON if miss.score is None and name == "note" else _WIDTH
        yield cut(f"    {name:<{widest}}  {one_line(text)}", most)
