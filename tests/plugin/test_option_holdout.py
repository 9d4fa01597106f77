"""`--ladder-holdout`: the hold-out set is scored only where it is asked for, and each look is counted."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.plugin.bench import Bench, case


@pytest.fixture
def held(bench: Bench) -> Bench:
    bench.make({"prompt": 4, "few_shot": 200}, head='holdout = "holdout.jsonl"')
    bench.write("holdout.jsonl", "".join(json.dumps(case(n)) + "\n" for n in range(100, 106)))
    return bench


def looks(bench: Bench) -> list[dict[str, Any]]:
    return [entry for entry in bench.log if entry["kind"] == "rung" and entry["cases"] == 6]


def test_without_the_option_it_is_not_asked(held: Bench):
    assert held.run().status == 0
    assert not [asked for asked in held.asked() if "c10" in asked]
    assert looks(held) == []


def test_with_it_the_rung_that_meets_is_scored_on_it_too(held: Bench):
    ran = held.run("--ladder-holdout")

    assert ran.status == 0
    assert "hold-out few_shot met: answer[all] 1.00 >= 0.90 (n = 6, within noise), 1st look at this set" in ran.flat
    assert [asked for asked in held.asked() if "c10" in asked] == [f"few_shot c{n}" for n in range(100, 106)]


def test_each_look_is_counted_in_the_log(held: Bench):
    held.run("--ladder-holdout")
    held.system("few_shot", range(150))
    held.run("--ladder-holdout")

    assert [entry["reason"] for entry in looks(held)] == ["hold-out, look 1", "hold-out, look 2"]


def test_a_look_is_no_evidence_for_the_decision(held: Bench):
    held.run("--ladder-holdout")
    before = held.log_path.read_bytes()

    assert held.run().status == 0
    assert held.run("--ladder-record=none").status == 0
    assert held.log_path.read_bytes() == before


def test_under_none_a_look_on_record_is_repeated(held: Bench):
    held.run("--ladder-holdout")
    held.asked()
    before = held.log_path.read_bytes()

    assert held.run("--ladder-holdout", "--ladder-record=none").status == 0
    assert held.asked() == []
    assert held.log_path.read_bytes() == before


def test_a_smoke_run_takes_no_look(held: Bench):
    held.run("--ladder-holdout", "--ladder-limit=2")

    assert held.log == []
    assert not [asked for asked in held.asked() if "c10" in asked]


def test_a_ladder_without_a_hold_out_set_says_so(bench: Bench):
    ran = bench.make().run("--ladder-holdout")

    assert ran.status == 0
    assert "the key `holdout` names no set to look at" in ran.flat
