"""What a change does to the metrics, the rungs and the sets of cases of a ladder."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from pytest_ladder.core.canonical import Json
from pytest_ladder.core.cases import Case, EvalSet
from pytest_ladder.core.ladder import Ladder
from pytest_ladder.core.policy_change import Change, Policy, counted, laxer, listed, other, stricter
from pytest_ladder.core.rungs import Kind


def metrics(before: Policy, now: Policy) -> Iterator[Change]:
    """Scorers, their options and their files. One that decides nothing is never laxer."""
    old = {metric.name: metric for metric in before.ladder.metrics}
    new = {metric.name: metric for metric in now.ladder.metrics}
    for name in dict.fromkeys([*old, *new]):
        decides = name in before.ladder.thresholds or name in now.ladder.thresholds
        told = laxer if decides else other
        if name not in old:
            yield other(f"metric {name} added")
        elif name not in new:
            yield told(f"metric {name} removed")
        elif old[name].scorer != new[name].scorer:
            yield told(f"metric {name} is scored by {new[name].scorer}, no longer by {old[name].scorer}")
        else:
            files = before.files.get(name, {}), now.files.get(name, {})
            yield from map(told, _regraded(name, (old[name].options, new[name].options), files))


def _regraded(
    name: str,
    options: tuple[Mapping[str, Json], Mapping[str, Json]],
    files: tuple[Mapping[str, str], Mapping[str, str]],
) -> Iterator[str]:
    """What one scorer is given that it was not given before."""
    if keys := _differing(*options):
        yield f"metric {name} has other options: {listed(keys)}"
    if changed := _differing(*files):
        yield f"metric {name} is graded by other content of {listed(changed)}"


def _differing(old: Mapping[str, Json], new: Mapping[str, Json]) -> list[str]:
    """The keys that only one side has, or that differ."""
    return [key for key in dict.fromkeys([*old, *new]) if key not in old or key not in new or old[key] != new[key]]


def rungs(old: Ladder, new: Ladder) -> Iterator[Change]:
    """Rungs that are gone, new, or of another kind."""
    was, now = ({rung.id: rung.kind for rung in ladder.rungs} for ladder in (old, new))
    for id_ in dict.fromkeys([*was, *now]):
        if id_ not in now:
            yield (other if was[id_] is Kind.FINE_TUNE else laxer)(f"rung {id_} removed")
        elif id_ not in was:
            yield other(f"rung {id_} added")
        elif was[id_] is not now[id_]:
            yield laxer(f"rung {id_} is of the kind {now[id_]}, no longer of {was[id_]}")


def sets(before: Policy, now: Policy) -> Iterator[Change]:
    """The eval set and the hold-out set: their files, and their cases."""
    for what, old, new, paths in (
        ("eval set", before.evalset, now.evalset, (before.ladder.evalset, now.ladder.evalset)),
        ("hold-out set", before.holdout, now.holdout, (before.ladder.holdout, now.ladder.holdout)),
    ):
        was, is_ = paths
        if was != is_:
            same = old is not None and new is not None and old.digest == new.digest
            told = stricter if was is None else other if same else laxer
            yield told(f"{what} {_repointed(was, is_)}")
        if old is not None and new is not None:
            yield from _cases(what, old, new)


def _repointed(was: str | None, now: str | None) -> str:
    if was is None:
        return f"added: {now}"
    return f"removed: it was {was}" if now is None else f"is {now}, no longer {was}"


_PARTS: Mapping[str, tuple[str, ...]] = {
    "with another input": ("input", "metadata"),
    "with another expected answer": ("expected", "evidence", "steps", "tools"),
    "in other slices": ("slices",),
}
"""What a case may differ in, and the parts of it that tell."""


def _cases(what: str, old: EvalSet, new: EvalSet) -> Iterator[Change]:
    if gone := [id_ for id_ in old.by_id if id_ not in new.by_id]:
        yield laxer(f"{what}: {counted(gone, 'removed')}")
    both = [(old.by_id[id_], new.by_id[id_]) for id_ in old.by_id if id_ in new.by_id]
    for part, keys in _PARTS.items():
        if changed := [was.id for was, now in both if _parts(was, keys) != _parts(now, keys)]:
            yield laxer(f"{what}: {counted(changed, part)}")
    if added := [id_ for id_ in new.by_id if id_ not in old.by_id]:
        yield other(f"{what}: {counted(added, 'added')}")


def _parts(case: Case, keys: Sequence[str]) -> list[Json]:
    whole = case.as_dict()
    return [whole.get(key) for key in keys]
