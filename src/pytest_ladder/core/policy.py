"""What a change does to the rules that a ladder is judged by: before against after, in a few words each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from enum import StrEnum

from pytest_ladder.core.canonical import Json
from pytest_ladder.core.cases import Case, EvalSet
from pytest_ladder.core.ladder import DecisionPolicy, Ladder, Waiver
from pytest_ladder.core.rungs import Kind

SHOWN = 10
"""How many ids a change lists."""

FAIL = "fail"
"""The value of `[gate] policy_change` under which a laxer rule is refused."""


class Direction(StrEnum):
    """Which way a rule moved."""

    LAXER = "laxer"
    """It asks less, or it cannot be told from the files whether it does."""
    STRICTER = "stricter"
    OTHER = "other"
    """Worth knowing, and no easier to pass."""


@dataclass(frozen=True, slots=True)
class Change:
    """One rule that is not what it was."""

    text: str
    direction: Direction


@dataclass(frozen=True, slots=True)
class Policy:
    """Everything by which a ladder is judged."""

    ladder: Ladder
    waivers: tuple[Waiver, ...] = ()
    evalset: EvalSet | None = None
    """None where it cannot be read: then its cases are not compared."""
    holdout: EvalSet | None = None
    files: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """Metric -> file that its scorer uses -> digest of the content."""


def refuses(before: Ladder, now: Ladder) -> bool:
    """Whether a laxer rule is refused: by the word of either side, so that no change takes its own guard away."""
    return FAIL in (before.gate.policy_change, now.gate.policy_change)


def changes(before: Policy, now: Policy) -> tuple[Change, ...]:
    """Every rule that differs: the laxer ones first, else in the order of ladder.toml."""
    return tuple(sorted(_changes(before, now), key=lambda change: change.direction is not Direction.LAXER))


def _changes(before: Policy, now: Policy) -> Iterator[Change]:
    old, new = before.ladder, now.ladder
    yield from _thresholds(old.thresholds, new.thresholds)
    yield from _limits(old, new)
    yield from _decision(old.decision, new.decision)
    yield from _gate(old, new)
    yield from _waivers(before, now)
    yield from _metrics(before, now)
    yield from _rungs(old, new)
    yield from _sets(before, now)
    yield from _rest(old, new)


def _laxer(text: str) -> Change:
    return Change(text, Direction.LAXER)


def _stricter(text: str) -> Change:
    return Change(text, Direction.STRICTER)


def _other(text: str) -> Change:
    return Change(text, Direction.OTHER)


def _moved(name: str, old: float, new: float, *, more_is_laxer: bool) -> Iterator[Change]:
    """A figure that went up or down."""
    if old != new:
        word = "raised" if new > old else "lowered"
        text = f"{name} {word} from {old:g} to {new:g}"
        yield _laxer(text) if (new > old) == more_is_laxer else _stricter(text)


# --- [thresholds], [limits], [decision] -------------------------------------------------------------------------------


def _thresholds(old: Mapping[str, Mapping[str, float]], new: Mapping[str, Mapping[str, float]]) -> Iterator[Change]:
    for metric, slice_ in _places(old, new):
        name = f"threshold {metric}[{slice_}]"
        was, now = old.get(metric, {}).get(slice_), new.get(metric, {}).get(slice_)
        if was is None:
            yield _stricter(f"{name} added: {now:g}")
        elif now is None:
            yield _laxer(f"{name} removed: it was {was:g}")
        else:
            yield from _moved(name, was, now, more_is_laxer=False)


def _places(*tables: Mapping[str, Mapping[str, float]]) -> list[tuple[str, str]]:
    found = [(metric, slice_) for table in tables for metric, row in table.items() for slice_ in row]
    return list(dict.fromkeys(found))


def _limits(old: Ladder, new: Ladder) -> Iterator[Change]:
    for name in ("cost_per_case", "latency_p95"):
        was, now = getattr(old.limits, name), getattr(new.limits, name)
        if was == now:
            continue
        if was is None:
            yield _stricter(f"limit {name} added: {now:g}")
        elif now is None:
            yield _laxer(f"limit {name} removed: it was {was:g}")
        else:
            yield from _moved(f"limit {name}", was, now, more_is_laxer=True)


_WORDS: Mapping[str, tuple[str, str]] = {
    "rule": ("confident", "point"), "undecided": ("refuse", "allow"), "de_escalate": ("fail", "warn"),
    "confirm": ("holdout", "none"),
}  # fmt: skip
"""Key of `[decision]` -> the strict word and the lax one."""
_NUMBERS: Mapping[str, bool] = {"confidence": False, "min_effect": True, "max_error_rate": True}
"""Key of `[decision]` -> whether more of it asks less."""


def _decision(old: DecisionPolicy, new: DecisionPolicy) -> Iterator[Change]:
    for key, more_is_laxer in _NUMBERS.items():
        yield from _moved(f"[decision] {key}", getattr(old, key), getattr(new, key), more_is_laxer=more_is_laxer)
    for key, (_, lax) in _WORDS.items():
        was, now = getattr(old, key), getattr(new, key)
        if was != now:
            text = f"[decision] {key} changed from {was} to {now}"
            yield _laxer(text) if now == lax else _stricter(text)
    if old.stop != new.stop:
        yield _other(f"[decision] stop changed from {old.stop} to {new.stop}")
    if old.cluster != new.cluster:
        text = f"[decision] cluster changed from {old.cluster or 'none'} to {new.cluster or 'none'}"
        yield _stricter(text) if old.cluster is None else _laxer(text)


# --- [gate], waivers --------------------------------------------------------------------------------------------------


def _gate(before: Ladder, now: Ladder) -> Iterator[Change]:
    old, new = before.gate, now.gate
    for kind in Kind:
        if (kind in old.required) != (kind in new.required):
            gone = kind in old.required
            text = f"[gate] {kind} is {'no longer' if gone else 'now'} required"
            yield _laxer(text) if gone else _stricter(text)
        elif kind in new.required:
            yield from _moved(f"[gate.effort] {kind}", old.effort_of(kind), new.effort_of(kind), more_is_laxer=False)
    yield from _moved("[gate] min_form_share", old.min_form_share, new.min_form_share, more_is_laxer=False)
    yield from _moved("[gate] max_age_days", old.max_age_days, new.max_age_days, more_is_laxer=True)
    for name in dict.fromkeys([*old.exempt, *new.exempt]):
        if name not in old.exempt:
            yield _laxer(f"[gate.exempt] {name} added: {new.exempt[name]}")
        elif name not in new.exempt:
            yield _stricter(f"[gate.exempt] {name} removed")
        elif old.exempt[name] != new.exempt[name]:
            yield _other(f"[gate.exempt] {name} has another reason: {new.exempt[name]}")
    if old.policy_change != new.policy_change:
        text = f"[gate] policy_change changed from {old.policy_change} to {new.policy_change}"
        yield _laxer(text) if old.policy_change == FAIL else _stricter(text)


def _waivers(before: Policy, now: Policy) -> Iterator[Change]:
    old, new = _by_kind(before), _by_kind(now)
    for kind in dict.fromkeys([*old, *new]):
        was, is_ = old.get(kind), new.get(kind)
        if is_ is None:
            yield _stricter(f"waiver {kind} removed")
        elif was is None:
            yield _laxer(f"waiver {kind} added: approved by {is_.approved_by} until {is_.expires}")
        elif replace(was, ladder=is_.ladder) != is_:
            yield _rewritten(was, is_)


def _rewritten(was: Waiver, now: Waiver) -> Change:
    if was.expires != now.expires:
        longer = now.expires > was.expires
        text = f"waiver {now.kind} {'extended' if longer else 'shortened'} from {was.expires} to {now.expires}"
        return _laxer(text) if longer else _stricter(text)
    return _other(f"waiver {now.kind} has another reason or signature: approved by {now.approved_by}")


def _by_kind(policy: Policy) -> dict[str, Waiver]:
    """Kind -> the ladder's waiver of it that lasts longest."""
    found: dict[str, Waiver] = {}
    for waiver in policy.waivers:
        last: date = found[waiver.kind].expires if waiver.kind in found else date.min
        if waiver.ladder == policy.ladder.name and waiver.expires > last:
            found[waiver.kind] = waiver
    return found


# --- [metrics], [rungs], sets -----------------------------------------------------------------------------------------


def _metrics(before: Policy, now: Policy) -> Iterator[Change]:
    old = {metric.name: metric for metric in before.ladder.metrics}
    new = {metric.name: metric for metric in now.ladder.metrics}
    for name in dict.fromkeys([*old, *new]):
        decides = name in before.ladder.thresholds or name in now.ladder.thresholds
        told = _laxer if decides else _other
        if name not in old:
            yield _other(f"metric {name} added")
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
        yield f"metric {name} has other options: {_listed(keys)}"
    if changed := _differing(*files):
        yield f"metric {name} is graded by other content of {_listed(changed)}"


def _differing(old: Mapping[str, Json], new: Mapping[str, Json]) -> list[str]:
    """The keys that only one side has, or that differ."""
    return [key for key in dict.fromkeys([*old, *new]) if key not in old or key not in new or old[key] != new[key]]


def _rungs(old: Ladder, new: Ladder) -> Iterator[Change]:
    was, now = ({rung.id: rung.kind for rung in ladder.rungs} for ladder in (old, new))
    for id_ in dict.fromkeys([*was, *now]):
        if id_ not in now:
            yield (_other if was[id_] is Kind.FINE_TUNE else _laxer)(f"rung {id_} removed")
        elif id_ not in was:
            yield _other(f"rung {id_} added")
        elif was[id_] is not now[id_]:
            yield _laxer(f"rung {id_} is of the kind {now[id_]}, no longer of {was[id_]}")


def _sets(before: Policy, now: Policy) -> Iterator[Change]:
    for what, old, new, paths in (
        ("eval set", before.evalset, now.evalset, (before.ladder.evalset, now.ladder.evalset)),
        ("hold-out set", before.holdout, now.holdout, (before.ladder.holdout, now.ladder.holdout)),
    ):
        was, is_ = paths
        if was != is_:
            same = old is not None and new is not None and old.digest == new.digest
            told = _stricter if was is None else _other if same else _laxer
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
        yield _laxer(f"{what}: {_counted(gone, 'removed')}")
    both = [(old.by_id[id_], new.by_id[id_]) for id_ in old.by_id if id_ in new.by_id]
    for part, keys in _PARTS.items():
        if changed := [was.id for was, now in both if _parts(was, keys) != _parts(now, keys)]:
            yield _laxer(f"{what}: {_counted(changed, part)}")
    if added := [id_ for id_ in new.by_id if id_ not in old.by_id]:
        yield _other(f"{what}: {_counted(added, 'added')}")


def _parts(case: Case, keys: Sequence[str]) -> list[Json]:
    whole = case.as_dict()
    return [whole.get(key) for key in keys]


def _rest(old: Ladder, new: Ladder) -> Iterator[Change]:
    if old.name != new.name:
        yield _laxer(f"the ladder is named {new.name}, no longer {old.name}: its log begins anew")
    if old.store != new.store:
        text = f"[recordings] store changed from {old.store} to {new.store}"
        yield _stricter(text) if new.store == "commit" else _laxer(f"{text}: answers cannot be verified from git")
    if old.task != new.task:
        yield _other("the task is worded otherwise")
    yield from _moved("repeats", old.repeats, new.repeats, more_is_laxer=False)


def _counted(ids: Sequence[str], what: str) -> str:
    return f"{len(ids)} {'case' if len(ids) == 1 else 'cases'} {what}: {_listed(ids)}"


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + more
