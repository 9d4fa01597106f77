"""Whether the decision keeps its promise: ladders of known true scores, judged by the project's own core.

A world is a ladder whose rungs have true scores by slice. Every case has a difficulty that all rungs and all repeats
share (a beta-binomial), so that answers to one case go together. In `edge` worlds each rung lies just below the target
in one slice, so that any lever is a false one; `worst` worlds have six such rungs, one threshold, and answers that have
next to nothing in common. `spread` worlds are the usual: rungs from far below to above the target. In `clustered`
worlds cases come in fours that share their difficulty, as near-duplicates do, in `uneven` ones in groups of 1 to 12;
both are like the worst otherwise, and are judged with and without knowing the clusters.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from measure import Figure, main
from scipy.special import betaincinv

from pytest_ladder.core.cases import ALL, Case, EvalSet
from pytest_ladder.core.confidences import Confidences
from pytest_ladder.core.curtailment import Standing, can_still_change, order, standings
from pytest_ladder.core.decision import decide
from pytest_ladder.core.entries import Figure as Score
from pytest_ladder.core.entries import RungEntry, Verdict
from pytest_ladder.core.intervals import Bounds, bounds, effective_n, least_n
from pytest_ladder.core.ladder import DecisionPolicy, Ladder
from pytest_ladder.core.multiplicity import shared
from pytest_ladder.core.pairing import Pairs, compare, compare_family
from pytest_ladder.core.rungs import Kind, RungSpec
from pytest_ladder.core.scores import MetricSpec
from pytest_ladder.core.thresholds import run_checks, verdict_of

Array = np.ndarray[Any, Any]
CONFIDENCE = 0.95
METRIC = "answer"
CLUSTERED = ("clustered", "uneven")


@dataclass(frozen=True)
class World:
    """A ladder of known true scores."""

    target: float
    slices: Mapping[str, Array]
    """Slice -> places of its cases; `all` among them."""
    asked: tuple[str, ...]
    """Slices with a threshold."""
    truth: Array
    """True score by rung and slice group."""
    group: Array
    """Slice group of each case."""
    correlation: float
    """Between two answers to one case."""
    cluster: Array
    """Number of the cluster of each case: its cases share their difficulty."""

    @property
    def rungs(self) -> int:
        return len(self.truth)

    def true_score(self, rung: int, name: str) -> float:
        return float(self.truth[rung][self.group[self.slices[name]]].mean())

    def sufficient(self, rung: int) -> bool:
        return all(self.true_score(rung, name) >= self.target for name in self.asked)

    def answers(self, rng: np.random.Generator, repeats: int) -> Array:
        """The mean score of each case by each rung, in one evaluation."""
        spread = 1 / self.correlation - 1
        difficulty = rng.random(self.cluster.max() + 1)[self.cluster]
        share = np.clip(self.truth[:, self.group], 1e-3, 1 - 1e-3)
        right = betaincinv(share * spread, (1 - share) * spread, difficulty)
        return rng.binomial(repeats, right) / repeats


def draw_world(rng: np.random.Generator, kind: str, most_cases: int) -> World:
    """Two to seven rungs, one to six slices, 50 to 2,000 cases, a target that its slices can confirm."""
    rungs, groups = (6, 1) if kind in ("worst", *CLUSTERED) else (int(rng.integers(2, 8)), int(rng.integers(1, 7)))
    n = round(math.exp(rng.uniform(math.log(50), math.log(most_cases))))
    group = np.sort(rng.choice(groups, n, p=rng.dirichlet(np.full(groups, 4.0))))
    rng.shuffle(group)
    parts = {f"slice{g}": np.flatnonzero(group == g) for g in range(groups)} if groups > 1 else {}
    slices = {ALL: np.arange(n), **parts}
    cluster = draw_clusters(rng, kind, n)
    worth = {name: effective_n([str(c) for c in cluster[places]]) for name, places in slices.items()}
    target = float(rng.choice([t for t in (0.7, 0.8, 0.9) if worth[ALL] >= _least(t, rungs)] or [0.7]))
    asked = tuple(name for name in slices if name == ALL or worth[name] >= _least(target, rungs))
    if kind == "spread":
        level = target - rng.uniform(0.0, 0.2) + np.cumsum(rng.uniform(-0.02, 0.09, rungs))
        truth = level[:, None] + rng.normal(0, 0.03, (rungs, groups))
    else:
        truth = np.full((rungs, groups), min(0.985, target + 0.08))
        binding = asked[int(rng.integers(len(asked)))]
        truth[:, :] = target - 0.001 if binding == ALL else truth
        if binding != ALL:
            truth[:, int(binding.removeprefix("slice"))] = target - 0.001
    correlation = 0.02 if kind == "worst" else float(rng.uniform(0.1, 0.6))
    return World(target, slices, asked, np.clip(truth, 0.02, 0.995), group, correlation, cluster)


def draw_clusters(rng: np.random.Generator, kind: str, n: int) -> Array:
    """The cluster of each case; each case its own, unless the kind of the world says otherwise."""
    if kind not in CLUSTERED:
        return np.arange(n)
    sizes = np.full(n, 4) if kind == "clustered" else rng.integers(1, 13, n)
    return np.repeat(np.arange(n), sizes)[:n]


def _least(target: float, rungs: int) -> float:
    return least_n(target, shared(CONFIDENCE, rungs)) or math.inf


@lru_cache(maxsize=500_000)
def _binary(right: int, n: int, sure: Confidences) -> Bounds:
    return bounds([1.0] * right + [0.0] * (n - right), sure.met, of_high=sure.short)


def bounded(values: Array, sure: Confidences, clusters: Array | None = None) -> Bounds:
    """The core's bounds, remembered for scores that are all 0 or 1 and independent."""
    if clusters is not None:
        return bounds(values.tolist(), sure.met, of_high=sure.short, clusters=[str(c) for c in clusters])
    if ((values == 0) | (values == 1)).all():
        return _binary(int(values.sum()), len(values), sure)
    return bounds(values.tolist(), sure.met, of_high=sure.short)


@dataclass(frozen=True)
class Rule:
    """One way to judge."""

    sure: Confidences | None
    """None for the plain mean."""
    clusters: bool = False
    """Whether it knows of the clusters."""


def contract(world: World, rule: str) -> Ladder:
    root = Path("calibration")
    rungs = tuple(RungSpec(str(kind), kind) for kind in list(Kind)[: world.rungs])
    return Ladder(
        "world", root / "ladder.toml", root, "", "cases.jsonl", rungs, (MetricSpec(METRIC, "exact_match"),),
        {METRIC: dict.fromkeys(world.asked, world.target)}, decision=DecisionPolicy(rule, CONFIDENCE),
    )  # fmt: skip


def verdict(world: World, ladder: Ladder, values: Array, rule: Rule) -> tuple[Verdict, dict[str, Score]]:
    """The verdict of one rung; without confidences its means alone count."""
    figures = {}
    for name in world.asked:
        places = world.slices[name]
        scores, groups = values[places], world.cluster[places] if rule.clusters else None
        mean = math.fsum(scores) / len(scores)
        found = bounded(scores, rule.sure, groups) if rule.sure else Bounds(mean, mean)
        figures[name] = Score(mean, len(scores), found.low, found.high)
    return verdict_of(run_checks({METRIC: figures}, {}, ladder)), figures


def selected(world: World, answers: Array, rule: Rule) -> int | None:
    """The place of the lever that the core's decision names."""
    ladder = contract(world, "confident" if rule.sure else "point")
    entries = {}
    for rung, values in zip(ladder.rungs, answers, strict=True):
        found, figures = verdict(world, ladder, values, rule)
        entries[rung.id] = RungEntry(
            "world", rung.id, rung.kind, "", "", "", "", len(values), 1, {METRIC: figures}, found
        )
    lever = decide(ladder, entries, {}, lambda: False).selected
    return next((place for place, rung in enumerate(ladder.rungs) if rung.id == lever), None)


def rules(world: World, kind: str = "") -> dict[str, Rule]:
    shared_error = Confidences.of(contract(world, "confident"))
    found = {
        "confident": Rule(shared_error), "each rung at 95 %": Rule(Confidences(CONFIDENCE, CONFIDENCE)),
        "plain mean": Rule(None),
    }  # fmt: skip
    return {"confident, clusters known": Rule(shared_error, clusters=True), **found} if kind in CLUSTERED else found


def levers(rng: np.random.Generator, kind: str, runs: int, most_cases: int, repeats: int) -> Iterator[Figure]:
    """How often the lever is truly below the target, and how often it is the lowest that is not."""
    false: Counter[str] = Counter()
    lowest: Counter[str] = Counter()
    dearer: Counter[str] = Counter()
    possible = 0
    for _ in range(runs):
        world = draw_world(rng, kind, most_cases)
        answers = world.answers(rng, repeats)
        right = next((rung for rung in range(world.rungs) if world.sufficient(rung)), None)
        possible += right is not None
        for name, rule in rules(world, kind).items():
            lever = selected(world, answers, rule)
            false[name] += lever is not None and not world.sufficient(lever)
            lowest[name] += lever is not None and lever == right
            dearer[name] += lever is not None and lever != right and world.sufficient(lever)
    what = f"{kind}, {runs} climbs" + (f" of {repeats} repeats" if repeats > 1 else "")
    for name in false:
        yield Figure("lever", f"{what}: truly below the target ({name})", 100 * false[name] / runs, "%")
    if possible:
        for name in false:
            share = 100 * lowest[name] / possible
            yield Figure("lever", f"{what}, {possible} with a sufficient rung: the lowest named ({name})", share, "%")
            share = 100 * dearer[name] / possible
            yield Figure("lever", f"{what}, {possible} with a sufficient rung: a dearer one ({name})", share, "%")


def power(rng: np.random.Generator, runs: int) -> Iterator[Figure]:
    """How often a rung that is truly above 0.85 is found to meet it."""
    target = 0.85
    for above in (0.03, 0.05, 0.10):
        for n in (50, 200, 500, 2000):
            right = rng.binomial(n, target + above, runs)
            for rungs in (1, 6):
                sure = Confidences(shared(CONFIDENCE, rungs), CONFIDENCE)
                met = np.mean([_binary(int(k), n, sure).low >= target for k in right])
                what = f"met, true score {above:.2f} above 0.85, n = {n}, {rungs} rung{'s' * (rungs > 1)}"
                yield Figure("power", what, 100 * float(met), "%")


def alike(rng: np.random.Generator, runs: int, most_cases: int) -> Iterator[Figure]:
    """Two systems of one true score whose answers go together in clusters: how often a regression is seen."""
    seen = Counter({"clusters known": 0, "clusters not known": 0})
    for _ in range(runs):
        world = draw_world(rng, "clustered", most_cases)
        one, other = (world.answers(rng, 1)[0] for _ in range(2))  # each has difficulties of its own
        for what, clusters in (("clusters known", world.cluster), ("clusters not known", None)):
            seen[what] += bool(_compared(world, one, other, clusters).regressions)
    for name, count in seen.items():
        yield Figure("A/A", f"clustered, {runs} pairs: regression ({name})", 100 * count / runs, "%")


def regressions(rng: np.random.Generator, runs: int, most_cases: int, repeats: int) -> Iterator[Figure]:
    """One system evaluated twice: how often either gate sees a loss, and how often verdicts differ."""
    seen: Counter[str] = Counter()
    for _ in range(runs):
        world = draw_world(rng, "spread", most_cases)
        rung = int(rng.integers(world.rungs))
        one, other = _same_cases(rng, world, rung, repeats)
        seen["regression, slices under Holm"] += bool(_compared(world, one, other).regressions)
        lost = any(other[places].mean() < one[places].mean() for places in world.slices.values() if len(places))
        seen["plain gate: a mean fell in some slice"] += lost
        for name, rule in rules(world).items():
            ladder = contract(world, "confident" if rule.sure else "point")
            verdicts = {verdict(world, ladder, values, rule)[0] for values in (one, other)}
            seen[f"met and short ({name})"] += verdicts == {Verdict.MET, Verdict.SHORT}
            seen[f"verdicts differ ({name})"] += len(verdicts) > 1
    what = f"{runs} pairs" + (f" of {repeats} repeats" if repeats > 1 else "")
    for name, count in seen.items():
        yield Figure("A/A", f"{what}: {name}", 100 * count / runs, "%")


def _same_cases(rng: np.random.Generator, world: World, rung: int, repeats: int) -> tuple[Array, Array]:
    """Two evaluations of one system on the same cases: the difficulties stay, the answers are new."""
    share = np.clip(world.truth[rung, world.group], 1e-3, 1 - 1e-3)
    spread = 1 / world.correlation - 1
    right = betaincinv(share * spread, (1 - share) * spread, rng.random(len(share)))
    return rng.binomial(repeats, right) / repeats, rng.binomial(repeats, right) / repeats


def _compared(world: World, before: Array, after: Array, clusters: Array | None = None) -> Any:
    slices = {name: [str(place) for place in places] for name, places in world.slices.items()}
    known = {} if clusters is None else {str(place): str(cluster) for place, cluster in enumerate(clusters)}
    pairs = Pairs(_named(before), _named(after), slices, known)
    return compare_family({"": pairs}, confidence=CONFIDENCE)[""]


def _named(values: Array) -> dict[str, float]:
    return {str(place): float(value) for place, value in enumerate(values)}


def losses(rng: np.random.Generator, runs: int) -> Iterator[Figure]:
    """How often a true loss is called a regression."""
    for loss in (0.05, 0.10):
        for n in (100, 200, 500, 1000):
            found = 0
            for _ in range(runs):
                right = betaincinv(0.9 * 2, 0.1 * 2, rng.random(n))
                before, after = rng.binomial(1, right), rng.binomial(1, right * (1 - loss / 0.9))
                ids = [str(place) for place in range(n)]
                found += bool(compare(_named(before), _named(after), {ALL: ids}).regressions)
            yield Figure("power", f"regression, true loss {loss:.2f} from 0.90, n = {n}", 100 * found / runs, "%")


def curtailed(rng: np.random.Generator, runs: int, n: int = 300, target: float = 0.8) -> Iterator[Figure]:
    """What ending early saves under each rule, by how far the true score lies from the target."""
    cases = order([Case(f"c{i}", f"q{i}", slices=(f"s{i % 3}",)) for i in range(n)], 7)
    for rule in ("point", "confident"):
        ladder = Ladder(
            "world", Path("x"), Path("x"), "", "", (), (MetricSpec(METRIC, "exact_match"),),
            {METRIC: {ALL: target, "s0": target}}, decision=DecisionPolicy(rule, CONFIDENCE),
        )  # fmt: skip
        for distance in (-0.4, -0.2, -0.1, 0.0, 0.1, 0.15):
            ends = [_curtail(ladder, cases, rng.random(n) < target + distance) for _ in range(runs)]
            what = f"{rule}, true score {distance:+.2f} from the target"
            saved = 100 * float(np.mean([1 - asked / n for asked, _ in ends]))
            yield Figure("curtail", f"{what}: calls saved", saved, "%")
            differ = sum(not same for _, same in ends)
            yield Figure("curtail", f"{what}: verdicts unlike the full run's, of {runs}", differ, "")


def _curtail(ladder: Ladder, cases: Sequence[Case], right: Array) -> tuple[int, bool]:
    """How many cases settle every verdict, by bisection (what is settled stays settled); and whether rightly."""
    evalset = EvalSet(tuple(cases))
    scores = [(case.id, float(value)) for case, value in zip(cases, right, strict=True)]

    def after(k: int) -> tuple[Standing, ...]:
        return standings(ladder, evalset, {METRIC: dict(scores[:k])}, binary=(METRIC,))

    asked = bisect_left(range(len(cases)), True, key=lambda k: not can_still_change(after(k)))
    return asked, [s.verdict for s in after(asked)] == [s.verdict for s in after(len(cases))]


def measure(runs: int, seed: int) -> list[Figure]:
    few = max(1, runs // 20)
    parts: list[Callable[[np.random.Generator], Iterator[Figure]]] = [
        lambda rng: levers(rng, "worst", runs, 2000, 1), lambda rng: levers(rng, "edge", runs, 2000, 1),
        lambda rng: levers(rng, "spread", runs, 2000, 1), lambda rng: levers(rng, "edge", few, 300, 3),
        lambda rng: levers(rng, "clustered", max(1, runs // 4), 2000, 1),
        lambda rng: levers(rng, "uneven", max(1, runs // 4), 2000, 1), lambda rng: power(rng, runs),
        lambda rng: losses(rng, max(1, runs // 8)), lambda rng: regressions(rng, runs, 2000, 1),
        lambda rng: alike(rng, max(1, runs // 4), 2000),
        lambda rng: regressions(rng, few, 300, 3), lambda rng: curtailed(rng, few),
    ]  # fmt: skip
    streams = np.random.default_rng(seed).spawn(len(parts))
    return [figure for part, rng in zip(parts, streams, strict=True) for figure in part(rng)]


if __name__ == "__main__":
    assert __doc__
    main(__doc__, {"runs": 4000, "seed": 1}, measure)
