"""`--ladder-rung`, and other runs that leave rungs out: by node id, by keyword."""

from __future__ import annotations

import pytest

from tests.plugin.bench import Bench

THREE = {"prompt": 4, "few_shot": 6, "rag": 10}


@pytest.fixture
def three(bench: Bench) -> Bench:
    return bench.make(THREE)


def narrow(bench: Bench, how: str) -> tuple[str, ...]:
    return {"option": ("--ladder-rung=rag",), "node id": (f"{bench.test}[rag]",), "keyword": ("-k", "rag")}[how]


HOW = pytest.mark.parametrize("how", ["option", "node id", "keyword"])


@HOW
def test_a_rung_that_meets_passes_but_is_not_selected_where_cheaper_evidence_lacks(three: Bench, how: str):
    ran = three.run("-v", *narrow(three, how))

    assert ran.status == 0
    assert ran.outcomes() == {"rag": "MET"}
    assert three.verdicts == ["rag met"]
    assert "has no current record" in ran.flat


@HOW
def test_it_is_selected_where_every_cheaper_rung_has_current_evidence(three: Bench, how: str):
    three.run()
    three.system("rag", range(10))

    ran = three.run("-v", *narrow(three, how))

    assert ran.status == 0
    assert ran.outcomes() == {"rag": "SELECTED"}


def test_a_version_measured_alone_is_selected_on_standing_evidence(three: Bench):
    three.run()
    three.system("rag", [*range(9)])

    ran = three.run("-v", "--ladder-rung=rag")

    assert ran.outcomes() == {"rag": "SELECTED"}
    assert three.verdicts[-2:] == ["rag met", "selected rag"]


def test_cheaper_evidence_that_is_out_of_date_does_not_count(three: Bench):
    three.run()
    three.system("prompt", 5)

    ran = three.run("-v", "--ladder-rung=rag")

    assert ran.status == 0
    assert ran.outcomes() == {"rag": "MET"}
    assert three.verdicts[-1] == "selected rag"  # the decision of the first run
    assert len(three.log) == 4


def test_rungs_measured_one_by_one_come_to_a_decision(three: Bench):
    for rung in THREE:
        three.run(f"--ladder-rung={rung}")

    assert [line for line in three.verdicts if line != "selected None"] == [
        "prompt short", "few_shot short", "rag met", "selected rag",
    ]  # fmt: skip


def test_the_last_selected_rung_fails_where_it_is_short(three: Bench):
    ran = three.run("-v", "--ladder-rung=prompt", "--ladder-rung=few_shot")

    assert ran.status == 1
    assert ran.outcomes() == {"prompt": "SHORT", "few_shot": "FAILED"}


def test_one_rung_alone_that_is_short_fails(three: Bench):
    ran = three.run("-v", "--ladder-rung=prompt")

    assert ran.status == 1
    assert ran.outcomes() == {"prompt": "FAILED"}


def test_not_needed_looks_at_this_run_only(bench: Bench):
    bench.make({"prompt": 10, "few_shot": 10, "rag": 10})
    bench.run()
    bench.asked()

    ran = bench.run("-v", "--ladder-rung=few_shot", "--ladder-rung=rag")

    assert ran.status == 0
    assert ran.outcomes() == {"few_shot": "MET", "rag": "NOT NEEDED"}
    assert bench.asked() == [f"few_shot c{n}" for n in range(10)]


def test_a_rung_left_out_between_two_others_leaves_a_gap(three: Bench):
    ran = three.run("-v", "--ladder-rung=prompt", "--ladder-rung=rag")

    assert ran.status == 0
    assert ran.outcomes() == {"prompt": "SHORT", "rag": "MET"}
    assert three.verdicts == ["prompt short", "rag met"]


def test_rungs_are_counted_as_deselected(three: Bench):
    assert "2 deselected" in three.run("--ladder-rung=rag").text


def test_rungs_given_in_any_order_run_in_that_of_the_ladder(three: Bench):
    assert list(three.run("-v", "--ladder-rung=rag", "--ladder-rung=prompt").outcomes()) == ["prompt", "rag"]


def test_node_ids_in_any_order_run_in_that_of_the_ladder(three: Bench):
    ran = three.run("-v", f"{three.test}[rag]", f"{three.test}[prompt]")

    assert list(ran.outcomes()) == ["prompt", "rag"]


def test_an_unknown_rung_is_refused_with_the_nearest(three: Bench):
    ran = three.run("--ladder-rung=rga")

    assert ran.status == 4
    assert "--ladder-rung: no such rung, got 'rga'; expected one of few_shot, prompt, rag." in ran.text
    assert "Did you mean 'rag'?" in ran.text
    assert three.asked() == []


def test_a_rung_of_another_ladder_deselects_this_one(three: Bench):
    Bench(three.pytester, "other").make({"decompose": 10})

    ran = three.run("-v", "--ladder-rung=decompose")

    assert ran.status == 0
    assert ran.outcomes() == {"decompose": "SELECTED"}
    assert three.asked() == []
