"""What a change does to the rules: each rule, in each direction."""

from __future__ import annotations

from dataclasses import fields, replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from pytest_ladder.core.cases import Case, EvalSet
from pytest_ladder.core.ladder import DecisionPolicy, GatePolicy, Ladder, Limits, Waiver
from pytest_ladder.core.policy import Policy, changes, refuses
from pytest_ladder.core.rungs import Kind, RungSpec
from pytest_ladder.core.scores import MetricSpec

LADDER = Ladder(
    name="support", path=Path("/p/evals/ladder.toml"), rootdir=Path("/p"), task="t", evalset="cases.jsonl",
    rungs=(RungSpec("prompt", Kind.PROMPT), RungSpec("rag", Kind.RAG), RungSpec("tuned", Kind.FINE_TUNE)),
    metrics=(MetricSpec("answer", "exact_match", {"strip": True}), MetricSpec("length", "length")),
    thresholds={"answer": {"all": 0.9, "odd": 0.8}}, limits=Limits(0.01, None), holdout="holdout.jsonl",
    decision=DecisionPolicy(rule="confident", confidence=0.95, min_effect=0.02, de_escalate="fail", confirm="holdout"),
    gate=GatePolicy(exempt={"rag": "no facts"}),
)  # fmt: skip
CASES = tuple(Case(f"c{n}", f"q{n}", f"a{n}", ("odd",) if n % 2 else ()) for n in range(4))
SIGNED = Waiver("support", "fixed_format", "because", "J. Doe", date(2027, 1, 1))
POLICY = Policy(
    LADDER, (SIGNED,), EvalSet(CASES), EvalSet((Case("h", "hq", "ha"),)), {"answer": {"scorers.py": "sha256:1"}}
)


def told(now: Policy, before: Policy = POLICY) -> list[str]:
    return [f"{change.direction}: {change.text}" for change in changes(before, now)]


def ladder(**parts: Any) -> Policy:
    return replace(POLICY, ladder=replace(LADDER, **parts))


def decision(**parts: Any) -> Policy:
    return ladder(decision=replace(LADDER.decision, **parts))


def gate(**parts: Any) -> Policy:
    return ladder(gate=replace(LADDER.gate, **parts))


def cases(*found: Case) -> Policy:
    return replace(POLICY, evalset=EvalSet(found))


def test_the_same_rules_are_no_change():
    assert told(POLICY) == []


def test_the_order_of_cases_and_a_line_number_are_no_change():
    assert told(cases(*(replace(case, line=9) for case in reversed(CASES)))) == []


TWO_WAYS = {
    "threshold lowered": (
        ladder(thresholds={"answer": {"all": 0.85, "odd": 0.8}}), "threshold answer[all] lowered from 0.9 to 0.85",
        "threshold answer[all] raised from 0.85 to 0.9",
    ),
    "threshold removed": (
        ladder(thresholds={"answer": {"all": 0.9}}), "threshold answer[odd] removed: it was 0.8",
        "threshold answer[odd] added: 0.8",
    ),
    "limit raised": (
        ladder(limits=Limits(0.02, None)), "limit cost_per_case raised from 0.01 to 0.02",
        "limit cost_per_case lowered from 0.02 to 0.01",
    ),
    "limit removed": (
        ladder(limits=Limits(None, None)), "limit cost_per_case removed: it was 0.01",
        "limit cost_per_case added: 0.01",
    ),
    "rule": (
        decision(rule="point"), "[decision] rule changed from confident to point",
        "[decision] rule changed from point to confident",
    ),
    "confidence": (
        decision(confidence=0.9), "[decision] confidence lowered from 0.95 to 0.9",
        "[decision] confidence raised from 0.9 to 0.95",
    ),
    "min_effect": (
        decision(min_effect=0.5), "[decision] min_effect raised from 0.02 to 0.5",
        "[decision] min_effect lowered from 0.5 to 0.02",
    ),
    "max_error_rate": (
        decision(max_error_rate=0.1), "[decision] max_error_rate raised from 0 to 0.1",
        "[decision] max_error_rate lowered from 0.1 to 0",
    ),
    "undecided": (
        decision(undecided="allow"), "[decision] undecided changed from refuse to allow",
        "[decision] undecided changed from allow to refuse",
    ),
    "confirm": (
        decision(confirm="none"), "[decision] confirm changed from holdout to none",
        "[decision] confirm changed from none to holdout",
    ),
    "de_escalate": (
        decision(de_escalate="warn"), "[decision] de_escalate changed from fail to warn",
        "[decision] de_escalate changed from warn to fail",
    ),
    "required": (
        gate(required=(Kind.PROMPT, Kind.FEW_SHOT, Kind.ADVANCED_RAG, Kind.DECOMPOSE)),
        "[gate] rag is no longer required", "[gate] rag is now required",
    ),
    "effort": (
        gate(effort={Kind.PROMPT: 1}), "[gate.effort] prompt lowered from 2 to 1",
        "[gate.effort] prompt raised from 1 to 2",
    ),
    "min_form_share": (
        gate(min_form_share=0.0), "[gate] min_form_share lowered from 0.5 to 0",
        "[gate] min_form_share raised from 0 to 0.5",
    ),
    "max_age_days": (
        gate(max_age_days=365), "[gate] max_age_days raised from 90 to 365",
        "[gate] max_age_days lowered from 365 to 90",
    ),
    "exemption": (
        gate(exempt={"rag": "no facts", "decompose": "too slow"}), "[gate.exempt] decompose added: too slow",
        "[gate.exempt] decompose removed",
    ),
    "waiver added": (
        replace(POLICY, waivers=(SIGNED, replace(SIGNED, kind="distillation"))),
        "waiver distillation added: approved by J. Doe until 2027-01-01", "waiver distillation removed",
    ),
    "waiver extended": (
        replace(POLICY, waivers=(replace(SIGNED, expires=date(2028, 1, 1)),)),
        "waiver fixed_format extended from 2027-01-01 to 2028-01-01",
        "waiver fixed_format shortened from 2028-01-01 to 2027-01-01",
    ),
    "hold-out set removed": (
        replace(ladder(holdout=None), holdout=None), "hold-out set removed: it was holdout.jsonl",
        "hold-out set added: holdout.jsonl",
    ),
    "recordings out of git": (
        ladder(store="local"),
        "[recordings] store changed from commit to local: answers cannot be verified from git",
        "[recordings] store changed from local to commit",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("laxer", "there", "back"), TWO_WAYS.values(), ids=TWO_WAYS)
def test_what_is_laxer_one_way_is_stricter_the_other(laxer: Policy, there: str, back: str):
    assert told(laxer) == [f"laxer: {there}"]
    assert told(POLICY, before=laxer) == [f"stricter: {back}"]


NEVER_TOLD_APART = {
    "case removed": (cases(*CASES[1:]), "laxer: eval set: 1 case removed: c0"),
    "input": (cases(replace(CASES[0], input="x"), *CASES[1:]), "laxer: eval set: 1 case with another input: c0"),
    "metadata": (
        cases(replace(CASES[0], metadata={"a": 1}), *CASES[1:]), "laxer: eval set: 1 case with another input: c0",
    ),
    "expected": (
        cases(replace(CASES[0], expected="x"), *CASES[1:]),
        "laxer: eval set: 1 case with another expected answer: c0",
    ),
    "slices": (
        cases(CASES[0], replace(CASES[1], slices=()), *CASES[2:]), "laxer: eval set: 1 case in other slices: c1",
    ),
    "scorer": (
        ladder(metrics=(MetricSpec("answer", "contains", {"strip": True}), LADDER.metrics[1])),
        "laxer: metric answer is scored by contains, no longer by exact_match",
    ),
    "options": (
        ladder(metrics=(MetricSpec("answer", "exact_match", {"strip": False}), LADDER.metrics[1])),
        "laxer: metric answer has other options: strip",
    ),
    "content of a scorer's file": (
        replace(POLICY, files={"answer": {"scorers.py": "sha256:2"}}),
        "laxer: metric answer is graded by other content of scorers.py",
    ),
    "rung removed": (ladder(rungs=(LADDER.rungs[0], LADDER.rungs[2])), "laxer: rung rag removed"),
    "rung of another kind": (
        ladder(rungs=(LADDER.rungs[0], RungSpec("rag", Kind.PROMPT), LADDER.rungs[2])),
        "laxer: rung rag is of the kind prompt, no longer of rag",
    ),
    "another eval set": (
        replace(ladder(evalset="easy.jsonl"), evalset=None), "laxer: eval set is easy.jsonl, no longer cases.jsonl",
    ),
    "another name": (
        replace(ladder(name="help"), waivers=(replace(SIGNED, ladder="help"),)),
        "laxer: the ladder is named help, no longer support: its log begins anew",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("now", "expected"), NEVER_TOLD_APART.values(), ids=NEVER_TOLD_APART)
def test_what_may_ask_less_counts_as_laxer(now: Policy, expected: str):
    assert told(now) == [expected]


OTHER = {
    "a case added": (cases(*CASES, Case("c9", "q")), "other: eval set: 1 case added: c9"),
    "a rung added": (ladder(rungs=(*LADDER.rungs, RungSpec("x", Kind.RAG))), "other: rung x added"),
    "a tuned rung removed": (ladder(rungs=LADDER.rungs[:2]), "other: rung tuned removed"),
    "a metric that decides nothing": (ladder(metrics=LADDER.metrics[:1]), "other: metric length removed"),
    "the same cases in another file": (
        ladder(evalset="moved.jsonl"), "other: eval set is moved.jsonl, no longer cases.jsonl",
    ),
    "another reason": (gate(exempt={"rag": "still none"}), "other: [gate.exempt] rag has another reason: still none"),
    "another signature": (
        replace(POLICY, waivers=(replace(SIGNED, approved_by="R. Roe"),)),
        "other: waiver fixed_format has another reason or signature: approved by R. Roe",
    ),
    "the task": (ladder(task="u"), "other: the task is worded otherwise"),
}  # fmt: skip


@pytest.mark.parametrize(("now", "expected"), OTHER.values(), ids=OTHER)
def test_what_is_no_easier_is_told_and_never_refused(now: Policy, expected: str):
    assert told(now) == [expected]


def test_another_cluster_is_laxer_and_the_first_one_stricter():
    assert told(decision(cluster="user")) == ["stricter: [decision] cluster changed from none to user"]
    assert told(POLICY, before=decision(cluster="user")) == ["laxer: [decision] cluster changed from user to none"]


def test_a_waiver_of_another_ladder_is_none_of_this_one():
    assert told(replace(POLICY, waivers=(SIGNED, replace(SIGNED, ladder="other", kind="distillation")))) == []


def test_laxer_rules_come_first_and_long_lists_are_cut():
    many = tuple(Case(f"x{n:02}", f"q{n}") for n in range(14))
    before = replace(POLICY, evalset=EvalSet((*CASES, *many)))
    found = told(decision(stop="certain"), before=before)

    assert found == [
        "laxer: eval set: 14 cases removed: x00, x01, x02, x03, x04, x05, x06, x07, x08, x09 and 4 more",
        "other: [decision] stop changed from never to certain",
    ]


@pytest.mark.parametrize(
    ("before", "now", "expected"),
    [("print", "print", False), ("fail", "print", True), ("print", "fail", True), ("fail", "fail", True)],
)
def test_a_guard_holds_whichever_side_has_it(before: str, now: str, expected: bool):
    sides = [gate(policy_change=word).ladder for word in (before, now)]

    assert refuses(*sides) is expected


def test_taking_the_guard_away_is_laxer():
    assert told(POLICY, before=gate(policy_change="fail")) == ["laxer: [gate] policy_change changed from fail to print"]


OTHERWISE: dict[type, dict[str, Any]] = {
    DecisionPolicy: {
        "rule": "point", "confidence": 0.9, "min_effect": 0.5, "max_error_rate": 0.1, "stop": "certain",
        "undecided": "allow", "de_escalate": "warn", "confirm": "none", "cluster": "talk",
    },
    GatePolicy: {
        "required": (Kind.PROMPT,), "effort": {Kind.PROMPT: 3}, "min_form_share": 0.1, "max_age_days": 1, "exempt": {},
        "policy_change": "fail",
    },
    Limits: {"cost_per_case": 1.0, "latency_p95": 1.0},
}  # fmt: skip
"""Table -> key -> a value that `LADDER` does not have."""


@pytest.mark.parametrize("table", OTHERWISE)
def test_no_key_of_a_table_of_rules_is_forgotten(table: type):
    attribute = {DecisionPolicy: "decision", GatePolicy: "gate", Limits: "limits"}[table]

    assert set(OTHERWISE[table]) == {one.name for one in fields(table)}
    for key, value in OTHERWISE[table].items():
        now = ladder(**{attribute: replace(getattr(LADDER, attribute), **{key: value})})
        assert told(now), key
