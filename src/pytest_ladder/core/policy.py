"""What a change does to the rules that a ladder is judged by: before against after, in a few words each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import date

from pytest_ladder.core.ladder import DecisionPolicy, Ladder, Waiver
from pytest_ladder.core.policy_change import Change, Direction, Policy, laxer, moved, other, stricter
from pytest_ladder.core.policy_sets import metrics, rungs, sets
from pytest_ladder.core.rungs import Kind

__all__ = ["FAIL", "Change", "Direction", "Policy", "changes", "refuses"]

FAIL = "fail"
"""The value of `[gate] policy_change` under which a laxer rule is refused."""


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
    yield from metrics(before, now)
    yield from rungs(old, new)
    yield from sets(before, now)
    yield from _rest(old, new)


# --- [thresholds], [limits], [decision] -------------------------------------------------------------------------------


def _thresholds(old: Mapping[str, Mapping[str, float]], new: Mapping[str, Mapping[str, float]]) -> Iterator[Change]:
    for metric, slice_ in _places(old, new):
        name = f"threshold {metric}[{slice_}]"
        was, now = old.get(metric, {}).get(slice_), new.get(metric, {}).get(slice_)
        if was is None:
            yield stricter(f"{name} added: {now:g}")
        elif now is None:
            yield laxer(f"{name} removed: it was {was:g}")
        else:
            yield from moved(name, was, now, more_is_laxer=False)


def _places(*tables: Mapping[str, Mapping[str, float]]) -> list[tuple[str, str]]:
    found = [(metric, slice_) for table in tables for metric, row in table.items() for slice_ in row]
    return list(dict.fromkeys(found))


def _limits(old: Ladder, new: Ladder) -> Iterator[Change]:
    for name in ("cost_per_case", "latency_p95"):
        was, now = getattr(old.limits, name), getattr(new.limits, name)
        if was == now:
            continue
        if was is None:
            yield stricter(f"limit {name} added: {now:g}")
        elif now is None:
            yield laxer(f"limit {name} removed: it was {was:g}")
        else:
            yield from moved(f"limit {name}", was, now, more_is_laxer=True)


_WORDS: Mapping[str, tuple[str, str]] = {
    "rule": ("confident", "point"), "undecided": ("refuse", "allow"), "de_escalate": ("fail", "warn"),
    "confirm": ("holdout", "none"),
}  # fmt: skip
"""Key of `[decision]` -> the strict word and the lax one."""
_NUMBERS: Mapping[str, bool] = {"confidence": False, "min_effect": True, "max_error_rate": True}
"""Key of `[decision]` -> whether more of it asks less."""


def _decision(old: DecisionPolicy, new: DecisionPolicy) -> Iterator[Change]:
    for key, more_is_laxer in _NUMBERS.items():
        yield from moved(f"[decision] {key}", getattr(old, key), getattr(new, key), more_is_laxer=more_is_laxer)
    for key, (_, lax) in _WORDS.items():
        was, now = getattr(old, key), getattr(new, key)
        if was != now:
            text = f"[decision] {key} changed from {was} to {now}"
            yield laxer(text) if now == lax else stricter(text)
    if old.stop != new.stop:
        yield other(f"[decision] stop changed from {old.stop} to {new.stop}")
    if old.cluster != new.cluster:
        text = f"[decision] cluster changed from {old.cluster or 'none'} to {new.cluster or 'none'}"
        yield stricter(text) if old.cluster is None else laxer(text)


# --- [gate], waivers --------------------------------------------------------------------------------------------------


def _gate(before: Ladder, now: Ladder) -> Iterator[Change]:
    old, new = before.gate, now.gate
    for kind in Kind:
        if (kind in old.required) != (kind in new.required):
            gone = kind in old.required
            text = f"[gate] {kind} is {'no longer' if gone else 'now'} required"
            yield laxer(text) if gone else stricter(text)
        elif kind in new.required:
            yield from moved(f"[gate.effort] {kind}", old.effort_of(kind), new.effort_of(kind), more_is_laxer=False)
    yield from moved("[gate] min_form_share", old.min_form_share, new.min_form_share, more_is_laxer=False)
    yield from moved("[gate] max_age_days", old.max_age_days, new.max_age_days, more_is_laxer=True)
    for name in dict.fromkeys([*old.exempt, *new.exempt]):
        if name not in old.exempt:
            yield laxer(f"[gate.exempt] {name} added: {new.exempt[name]}")
        elif name not in new.exempt:
            yield stricter(f"[gate.exempt] {name} removed")
        elif old.exempt[name] != new.exempt[name]:
            yield other(f"[gate.exempt] {name} has another reason: {new.exempt[name]}")
    if old.policy_change != new.policy_change:
        text = f"[gate] policy_change changed from {old.policy_change} to {new.policy_change}"
        yield laxer(text) if old.policy_change == FAIL else stricter(text)


def _waivers(before: Policy, now: Policy) -> Iterator[Change]:
    old, new = _by_kind(before), _by_kind(now)
    for kind in dict.fromkeys([*old, *new]):
        was, is_ = old.get(kind), new.get(kind)
        if is_ is None:
            yield stricter(f"waiver {kind} removed")
        elif was is None:
            yield laxer(f"waiver {kind} added: approved by {is_.approved_by} until {is_.expires}")
        elif replace(was, ladder=is_.ladder) != is_:
            yield _rewritten(was, is_)


def _rewritten(was: Waiver, now: Waiver) -> Change:
    if was.expires != now.expires:
        longer = now.expires > was.expires
        text = f"waiver {now.kind} {'extended' if longer else 'shortened'} from {was.expires} to {now.expires}"
        return laxer(text) if longer else stricter(text)
    return other(f"waiver {now.kind} has another reason or signature: approved by {now.approved_by}")


def _by_kind(policy: Policy) -> dict[str, Waiver]:
    """Kind -> the ladder's waiver of it that lasts longest."""
    found: dict[str, Waiver] = {}
    for waiver in policy.waivers:
        last: date = found[waiver.kind].expires if waiver.kind in found else date.min
        if waiver.ladder == policy.ladder.name and waiver.expires > last:
            found[waiver.kind] = waiver
    return found


def _rest(old: Ladder, new: Ladder) -> Iterator[Change]:
    if old.name != new.name:
        yield laxer(f"the ladder is named {new.name}, no longer {old.name}: its log begins anew")
    if old.store != new.store:
        text = f"[recordings] store changed from {old.store} to {new.store}"
        yield stricter(text) if new.store == "commit" else laxer(f"{text}: answers cannot be verified from git")
    if old.task != new.task:
        yield other("the task is worded otherwise")
    yield from moved("repeats", old.repeats, new.repeats, more_is_laxer=False)
