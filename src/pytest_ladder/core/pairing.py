"""Two evaluations of the same cases, case by case: what was won, what was lost, and whether that is more than noise."""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeVar

from pytest_ladder.core.clustered import FINE
from pytest_ladder.core.differences import Comparison, Difference, SliceComparison
from pytest_ladder.core.gathering import gathering
from pytest_ladder.core.intervals import LEAST_RESAMPLES, SLACK
from pytest_ladder.core.mcnemar import least_differing
from pytest_ladder.core.multiplicity import holm
from pytest_ladder.core.paired_test import Method, paired_test
from pytest_ladder.errors import InvalidRequest, message

Key = TypeVar("Key", bound=Hashable)
Place = TypeVar("Place", bound=Hashable)


@dataclass(frozen=True, slots=True)
class Pairs:
    """The scores of two evaluations by one metric, case by case.

    A score is that of one case, 0 to 1; where it was answered several times, the mean of its answers, so that answers
    to one case never count as independent.
    """

    before: Mapping[str, float]
    """Case id -> score; cases without a score left out."""
    after: Mapping[str, float]
    slices: Mapping[str, Sequence[str]]
    """Slice -> ids of its cases, `all` among them where it is wanted; ids without a pair are passed over."""
    clusters: Mapping[str, str] = field(default_factory=dict)
    """Case id -> what it shares with others that are not independent of it; a case left out is alone."""

    @property
    def both(self) -> frozenset[str]:
        """The cases with a score before and after."""
        return frozenset(self.before.keys() & self.after.keys())

    def unit(self, id_: str) -> tuple[str, str]:
        """What is independent of all else: the case's cluster, or the case."""
        return ("cluster", self.clusters[id_]) if id_ in self.clusters else ("case", id_)

    def of(self, slice_: str) -> list[str]:
        """Ids of the pairs of a slice, each once."""
        return [id_ for id_ in dict.fromkeys(self.slices[slice_]) if id_ in self.before and id_ in self.after]


def compare(
    before: Mapping[str, float], after: Mapping[str, float], slices: Mapping[str, Sequence[str]], *,
    confidence: float = 0.95, min_effect: float = 0.0, seed: int = 0,
) -> Comparison:  # fmt: skip
    """Compare two evaluations of the same cases by one metric: a family of one, see `compare_family`."""
    pairs = {"": Pairs(before, after, slices)}
    return compare_family(pairs, confidence=confidence, min_effect=min_effect, seed=seed)[""]


def compare_family(
    pairs: Mapping[Key, Pairs], *, confidence: float = 0.95, min_effect: float = 0.0, seed: int = 0
) -> dict[Key, Comparison]:
    """Compare what is looked at together, such as every metric of two rungs, without more false alarms for its number.

    Where all scores of a slice are 0 or 1, the test is McNemar's exact one; where all that differ differ by the same
    amount, it is that of their signs, which is the same. Else it is a paired bootstrap of the differences, studentised;
    its p-value is never below that of flipping the signs of the differences, which is exact where both evaluations are
    of one system, and of which McNemar's is a case. (Alone, a bootstrap calls 7 % of such pairs worse where few of them
    differ.) An interval excludes zero only where the test does.

    Cases of one cluster are not independent. There it is the sum of a cluster's differences whose sign is flipped, and
    whole clusters that the bootstrap draws; McNemar's test is left where no cluster has two pairs that differ.

    Each slice is tested for a gain and for a loss, each at `confidence`. Both families, of all slices of all keys, are
    unions and take Holm. Slices that could show nothing whichever way their pairs fell are `too_few`, and take no
    share of the error. Source of that: Tarone, "A modified Bonferroni method for discrete data", Biometrics 46 (1990);
    see `least_differing`. A family so large that its level is below what a bootstrap can give gets more resamples.

    Args:
        pairs: What is compared, by any key.
        confidence: Of each one-sided bound, and of there being no false alarm in any slice of any key.
        min_effect: A loss of more than this, and significant, is a regression.
        seed: Of the bootstrap.

    Returns:
        The same keys in the same order.

    Raises:
        InvalidRequest: a score outside 0 to 1, a confidence outside 0.5 to 1, or a negative `min_effect`.
    """
    for scores in pairs.values():
        _check(scores, confidence, min_effect)
    measured = {
        (key, name): _measure(name, scores, confidence, seed) for key, scores in pairs.items() for name in scores.slices
    }
    least = least_differing(confidence)
    able = {place: found for place, found in measured.items() if found.moved >= least}
    for key, name in _coarse(able, confidence):
        finer = _measure(name, pairs[key], confidence, seed, _resamples(len(able), confidence))
        measured[key, name] = able[key, name] = finer
    gains = _adjusted({place: found.p_gain for place, found in able.items()})
    losses = _adjusted({place: found.p_loss for place, found in able.items()})
    judged = {
        place: _judge(found, gains.get(place, 1.0), losses.get(place, 1.0), confidence, min_effect)
        for place, found in measured.items()
    }
    return {
        key: _whole(scores, {name: judged[key, name] for name in scores.slices}, confidence, min_effect)
        for key, scores in pairs.items()
    }


def _coarse(able: Mapping[Place, SliceComparison], confidence: float) -> list[Place]:
    """The comparisons that too few resamples keep from showing anything in so large a family."""
    return [
        place
        for place, found in able.items()
        if found.method is not Method.MCNEMAR
        and (1 - confidence) / len(able) < min(found.p_gain, found.p_loss) <= 4 / (LEAST_RESAMPLES + 1)
    ]


def _resamples(tests: int, confidence: float) -> int:
    """So many that the smallest p-value they can give is a quarter of what shows something among so many tests."""
    return max(LEAST_RESAMPLES, math.ceil(4 * tests / (1 - confidence) - SLACK) - 1)


def _adjusted(p_values: Mapping[Place, float]) -> dict[Place, float]:
    """Holm's p-values of a family whose members are not named by texts."""
    numbered = holm({str(i): p for i, p in enumerate(p_values.values())})
    return dict(zip(p_values, numbered.values(), strict=True))


def _whole(pairs: Pairs, slices: Mapping[str, SliceComparison], confidence: float, min_effect: float) -> Comparison:
    both = pairs.both
    members = {name: {pairs.unit(id_) for id_ in pairs.of(name)} for name in pairs.slices}
    lost = {pairs.unit(id_) for found in slices.values() for id_ in found.lost}
    return Comparison(
        slices, confidence, min_effect, tuple(sorted(pairs.before.keys() - both)),
        tuple(sorted(pairs.after.keys() - both)), gathering(members, lost, confidence),
    )  # fmt: skip


def _measure(name: str, pairs: Pairs, confidence: float, seed: int, least: int = LEAST_RESAMPLES) -> SliceComparison:
    ids, before, after = pairs.of(name), pairs.before, pairs.after
    differences = {id_: round(after[id_] - before[id_], FINE) for id_ in ids}
    won = sorted((id_ for id_ in ids if differences[id_] > 0), key=lambda id_: (-differences[id_], id_))
    lost = sorted((id_ for id_ in ids if differences[id_] < 0), key=lambda id_: (differences[id_], id_))
    binary = all(score in (0.0, 1.0) for id_ in ids for score in (before[id_], after[id_]))
    units = [pairs.unit(id_) for id_ in ids]
    found = paired_test(list(differences.values()), units, binary=binary, confidence=confidence, seed=seed, least=least)
    return SliceComparison(
        slice=name, n=len(ids), wins=len(won), ties=len(ids) - len(won) - len(lost), losses=len(lost),
        won=tuple(won), lost=tuple(lost), before=_mean(before, ids), after=_mean(after, ids),
        difference=found.mean, low=found.low, high=found.high,
        effect_size=found.effect, spread=found.spread, error=found.error, p_gain=found.p_gain, p_loss=found.p_loss,
        method=found.method, units=found.units, moved=found.moved,
    )  # fmt: skip


def _mean(scores: Mapping[str, float], ids: Sequence[str]) -> float | None:
    return math.fsum(scores[id_] for id_ in ids) / len(ids) if ids else None


def _judge(found: SliceComparison, gain: float, loss: float, confidence: float, min_effect: float) -> SliceComparison:
    tail = 1 - confidence + SLACK
    verdict = Difference.BETTER if gain <= tail else Difference.WORSE if loss <= tail else None
    verdict = verdict or _not_shown(found, confidence, min_effect)
    lost = verdict is Difference.WORSE and -(found.difference or 0.0) > min_effect + SLACK
    return replace(found, adjusted_gain=gain, adjusted_loss=loss, verdict=verdict, regression=lost)


def _not_shown(found: SliceComparison, confidence: float, min_effect: float) -> Difference:
    least = least_differing(confidence)
    if found.low is None or found.high is None or found.units < least:
        return Difference.TOO_FEW
    settled = -min_effect <= found.low and found.high <= min_effect
    return Difference.TOO_FEW if 0 < found.moved < least and not settled else Difference.NO_DIFFERENCE


def _check(pairs: Pairs, confidence: float, min_effect: float) -> None:
    _in_range([*pairs.before.items(), *pairs.after.items()])
    if not 0.5 <= confidence < 1.0:
        raise InvalidRequest(message("compare", "no such confidence", got=confidence, expected="0.5 to 1"))
    if not 0.0 <= min_effect <= 1.0:
        raise InvalidRequest(message("compare", "no such min_effect", got=min_effect, expected="0 to 1"))


def _in_range(scores: Iterable[tuple[str, float]]) -> None:
    for id_, score in scores:
        if not 0.0 <= score <= 1.0:
            raise InvalidRequest(message(f"case {id_!r}", "a score is out of range", got=score, expected="0 to 1"))
