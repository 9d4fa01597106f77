"""Two evaluations of the same cases, case by case: what was won, what was lost, and whether that is more than noise."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum

from pytest_ladder.core.canonical import DECIMALS
from pytest_ladder.core.intervals import SLACK, studentise
from pytest_ladder.core.mcnemar import least_differing, mcnemar, proportion_bounds
from pytest_ladder.core.multiplicity import holm
from pytest_ladder.core.signflip import sign_flip
from pytest_ladder.errors import InvalidRequest, message

FINE = 9
"""Decimals of a difference that count: what floating point leaves of thirds is a tie."""


class Difference(StrEnum):
    """What the pairs of a slice say."""

    BETTER = "better"
    WORSE = "worse"
    NO_DIFFERENCE = "no_difference"
    """None was shown; `low` and `high` say how large one could still be."""
    TOO_FEW = "too_few"
    """No conclusion: so few pairs, or so few that differ, that even if all fell to one side it would prove nothing;
    nor do the bounds keep within `min_effect`."""


class Method(StrEnum):
    """How the pairs of a slice were tested."""

    MCNEMAR = "exact McNemar test"
    BOOTSTRAP = "paired bootstrap"


@dataclass(frozen=True, slots=True)
class SliceComparison:
    """One slice before and after; differences are after minus before, so that a gain is positive."""

    slice: str
    n: int
    """Pairs: cases with a score in both."""
    wins: int
    """Pairs with a higher score after."""
    ties: int
    losses: int
    won: tuple[str, ...]
    """Ids of the cases with a higher score after, the largest gain first, then by id."""
    lost: tuple[str, ...]
    """Ids of the cases with a lower score after, the largest loss first, then by id."""
    difference: float | None
    """Mean difference, -1 to 1; None without pairs, as are the bounds and the effect size."""
    low: float | None
    """One-sided lower bound of the mean difference."""
    high: float | None
    """One-sided upper bound of the mean difference."""
    effect_size: float | None
    """For binary scores Cohen's g with the sign of the difference, -0.5 to 0.5: the share of wins among the pairs that
    differ, less one half. Else the mean difference in its standard deviations (Cohen's d of pairs). 0 where no pair
    differs; infinite where all differ alike."""
    spread: float
    """Standard deviation of the differences."""
    p_gain: float
    """One-sided p-value of there being no gain."""
    p_loss: float
    """One-sided p-value of there being no loss."""
    method: Method
    adjusted_gain: float = 1.0
    """`p_gain` after Holm over the slices that can show anything."""
    adjusted_loss: float = 1.0
    """`p_loss` after Holm over the slices that can show anything."""
    verdict: Difference = Difference.TOO_FEW
    regression: bool = False
    """Worse, and by more than `min_effect`."""

    @property
    def differing(self) -> int:
        """Pairs whose scores differ."""
        return self.wins + self.losses

    @property
    def win_rate(self) -> float | None:
        """Share of pairs won, a tie counting one half; None without pairs."""
        return (self.wins + self.ties / 2) / self.n if self.n else None

    @property
    def p_value(self) -> float:
        """Two-sided p-value, without correction for the other slices."""
        return min(1.0, 2 * min(self.p_gain, self.p_loss))


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two evaluations of the same cases, slice by slice."""

    slices: Mapping[str, SliceComparison]
    """In the order given."""
    confidence: float
    min_effect: float
    only_before: tuple[str, ...] = ()
    """Cases with a score before alone, by id: they count in no figure here."""
    only_after: tuple[str, ...] = ()
    """Cases with a score after alone, by id."""
    gathering: Mapping[str, float] = field(default_factory=dict)
    """Slice -> p-value after Holm, for each slice that holds more of the losses than chance would put there."""

    @property
    def regressions(self) -> tuple[str, ...]:
        """Slices with a regression: significant over all slices at once, and a loss above `min_effect`."""
        return tuple(name for name, found in self.slices.items() if found.regression)

    def those(self, verdict: Difference) -> tuple[str, ...]:
        """Slices with that verdict, in order."""
        return tuple(name for name, found in self.slices.items() if found.verdict is verdict)


def compare(
    before: Mapping[str, float], after: Mapping[str, float], slices: Mapping[str, Sequence[str]], *,
    confidence: float = 0.95, min_effect: float = 0.0, seed: int = 0,
) -> Comparison:  # fmt: skip
    """Compare two evaluations of the same cases.

    A value is the score of one case; where it was answered several times, the mean of its answers, so that answers to
    one case never count as independent. Where all scores of a slice are 0 or 1 the test is McNemar's exact one; else
    it is a paired bootstrap of the differences, studentised; its p-value is never below that of flipping the signs of
    the differences, which is exact where both evaluations are of one system, and of which McNemar's is a case. (Alone,
    a bootstrap calls 7 % of such pairs worse where few of them differ.) An interval excludes zero only where the test
    does.

    Each slice is tested for a gain and for a loss, each at `confidence`. Both families are unions and take Holm.
    Slices that could show nothing whichever way their pairs fell are `too_few`, and take no share of the error.
    Source of that: Tarone, "A modified Bonferroni method for discrete data", Biometrics 46 (1990); see
    `least_differing`.

    Args:
        before: Case id -> score, 0 to 1; cases without a score left out.
        after: The same for the other evaluation.
        slices: Slice -> ids of its cases, `all` among them where it is wanted; ids without a pair are passed over.
        confidence: Of each one-sided bound, and of there being no false alarm in any slice.
        min_effect: A loss of more than this, and significant, is a regression.
        seed: Of the bootstrap.

    Raises:
        InvalidRequest: a score outside 0 to 1, a confidence outside 0.5 to 1, or a negative `min_effect`.
    """
    _check(before, after, confidence, min_effect)
    both = before.keys() & after.keys()
    measured = {
        name: _measure(name, [id_ for id_ in dict.fromkeys(ids) if id_ in both], before, after, confidence, seed)
        for name, ids in slices.items()
    }
    able = [name for name, found in measured.items() if found.differing >= least_differing(confidence)]
    gains = holm({name: measured[name].p_gain for name in able})
    losses = holm({name: measured[name].p_loss for name in able})
    judged = {
        name: _judge(found, gains.get(name, 1.0), losses.get(name, 1.0), confidence, min_effect)
        for name, found in measured.items()
    }
    return Comparison(
        judged, confidence, min_effect, tuple(sorted(before.keys() - both)), tuple(sorted(after.keys() - both)),
        _gathering(judged, confidence),
    )  # fmt: skip


def _measure(
    name: str, ids: Sequence[str], before: Mapping[str, float], after: Mapping[str, float], confidence: float, seed: int
) -> SliceComparison:
    differences = {id_: round(after[id_] - before[id_], FINE) for id_ in ids}
    won = sorted((id_ for id_ in ids if differences[id_] > 0), key=lambda id_: (-differences[id_], id_))
    lost = sorted((id_ for id_ in ids if differences[id_] < 0), key=lambda id_: (differences[id_], id_))
    binary = all(score in (0.0, 1.0) for id_ in ids for score in (before[id_], after[id_]))
    found = _test(list(differences.values()), len(won), len(lost), binary, confidence, seed)
    return SliceComparison(
        slice=name, n=len(ids), wins=len(won), ties=len(ids) - len(won) - len(lost), losses=len(lost),
        won=tuple(won), lost=tuple(lost), difference=found.mean, low=found.low, high=found.high,
        effect_size=found.effect, spread=found.spread, p_gain=found.p_gain, p_loss=found.p_loss,
        method=Method.MCNEMAR if binary else Method.BOOTSTRAP,
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Test:
    mean: float | None = None
    low: float | None = None
    high: float | None = None
    effect: float | None = None
    spread: float = 0.0
    p_gain: float = 1.0
    p_loss: float = 1.0


def _test(values: Sequence[float], wins: int, losses: int, binary: bool, confidence: float, seed: int) -> _Test:
    if not values:
        return _Test()
    n, mean = len(values), math.fsum(values) / len(values)
    spread = math.sqrt(math.fsum((value - mean) ** 2 for value in values) / n)
    alike = binary or spread <= SLACK
    if alike:
        (p_gain, p_loss), scale = mcnemar(wins, losses), 1.0 if binary else abs(mean)
        low, high = (scale * bound for bound in proportion_bounds(wins, losses, n, confidence))
    else:
        p_gain, p_loss, low, high = _bootstrap(values, confidence, seed)
    tail = 1 - confidence + SLACK
    low = min(low, mean) if p_gain <= tail else min(low, mean, 0.0)
    high = max(high, mean) if p_loss <= tail else max(high, mean, 0.0)
    effect = _effect(wins, losses, mean, spread, binary)
    return _Test(mean, round(low, DECIMALS), round(high, DECIMALS), effect, spread, p_gain, p_loss)


def _bootstrap(values: Sequence[float], confidence: float, seed: int) -> tuple[float, float, float, float]:
    found, (gain, loss) = studentise(values, seed), sign_flip(values, seed)
    low, high = max(-1.0, found.low(confidence)), min(1.0, found.high(confidence))
    return max(gain, found.p_above()), max(loss, found.p_below()), low, high


def _effect(wins: int, losses: int, mean: float, spread: float, binary: bool) -> float:
    if not wins + losses:
        return 0.0
    if binary:
        return wins / (wins + losses) - 0.5
    return mean / spread if spread > SLACK else math.copysign(math.inf, mean)


def _judge(found: SliceComparison, gain: float, loss: float, confidence: float, min_effect: float) -> SliceComparison:
    tail = 1 - confidence + SLACK
    verdict = Difference.BETTER if gain <= tail else Difference.WORSE if loss <= tail else None
    verdict = verdict or _not_shown(found, confidence, min_effect)
    lost = verdict is Difference.WORSE and -(found.difference or 0.0) > min_effect + SLACK
    return replace(found, adjusted_gain=gain, adjusted_loss=loss, verdict=verdict, regression=lost)


def _not_shown(found: SliceComparison, confidence: float, min_effect: float) -> Difference:
    least = least_differing(confidence)
    if found.low is None or found.high is None or found.n < least:
        return Difference.TOO_FEW
    settled = -min_effect <= found.low and found.high <= min_effect
    return Difference.TOO_FEW if 0 < found.differing < least and not settled else Difference.NO_DIFFERENCE


def _gathering(slices: Mapping[str, SliceComparison], confidence: float) -> dict[str, float]:
    """The slices with more losses than chance would put there, if losses fell on cases at random.

    Source: Fisher's exact test, the upper tail of the hypergeometric distribution.
    """
    whole = max(slices.values(), key=lambda found: found.n, default=None)
    if whole is None or not whole.losses:
        return {}
    lost = set(whole.lost)
    parts = {name: found for name, found in slices.items() if found.n < whole.n and lost.issuperset(found.lost)}
    tails = {name: _hypergeometric(found.losses, found.n, whole.losses, whole.n) for name, found in parts.items()}
    return {name: p for name, p in holm(tails).items() if p <= 1 - confidence + SLACK}


def _hypergeometric(hits: int, drawn: int, marked: int, total: int) -> float:
    """The chance of at least so many hits among `drawn` of `total`, of which `marked` are marked."""
    ways = sum(
        math.comb(marked, k) * math.comb(total - marked, drawn - k)
        for k in range(hits, min(drawn, marked) + 1)
        if drawn - k <= total - marked
    )
    return ways / math.comb(total, drawn)


def _check(before: Mapping[str, float], after: Mapping[str, float], confidence: float, min_effect: float) -> None:
    _in_range([*before.items(), *after.items()])
    if not 0.5 <= confidence < 1.0:
        raise InvalidRequest(message("compare", "no such confidence", got=confidence, expected="0.5 to 1"))
    if not 0.0 <= min_effect <= 1.0:
        raise InvalidRequest(message("compare", "no such min_effect", got=min_effect, expected="0 to 1"))


def _in_range(scores: Iterable[tuple[str, float]]) -> None:
    for id_, score in scores:
        if not 0.0 <= score <= 1.0:
            raise InvalidRequest(message(f"case {id_!r}", "a score is out of range", got=score, expected="0 to 1"))
