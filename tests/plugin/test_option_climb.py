"""`--ladder-climb`: how far up."""

from __future__ import annotations

import pytest

from tests.plugin.bench import Bench

FOUR = {"prompt": 4, "few_shot": 10, "rag": 3, "decompose": 10}


def test_all_measures_the_rungs_above_the_lever_too(bench: Bench):
    ran = bench.make(FOUR).run("-v", "--ladder-climb=all")

    assert ran.status == 0
    assert ran.outcomes() == {"prompt": "SHORT", "few_shot": "SELECTED", "rag": "SHORT", "decompose": "MET"}
    assert bench.verdicts == [
        "prompt short", "few_shot met", "rag short", "decompose met", "selected few_shot",
    ]  # fmt: skip


def test_a_last_rung_above_the_lever_never_fails_for_being_short(bench: Bench):
    ran = bench.make({"prompt": 10, "few_shot": 3}).run("-v", "--ladder-climb=all")

    assert ran.status == 0
    assert ran.outcomes() == {"prompt": "SELECTED", "few_shot": "SHORT"}


def test_a_rung_above_the_lever_in_error_fails_all_the_same(bench: Bench):
    bench.make({"prompt": 10, "few_shot": 3})
    bench.write("few_shot.py", "def answer(case):\n    raise ValueError('no luck')\n")

    assert bench.run("--ladder-climb=all").status == 1


def test_without_a_lever_the_last_rung_fails(bench: Bench):
    ran = bench.make({"prompt": 4, "few_shot": 3}).run("-v", "--ladder-climb=all")

    assert ran.status == 1
    assert ran.outcomes() == {"prompt": "SHORT", "few_shot": "FAILED"}


def test_all_never_trains(bench: Bench):
    bench.make({"prompt": 10, "fine_tune": 10})
    bench.edit("ladder.toml", 'system = "fine_tune.py:answer"', 'base = "local:models/base"\ntrain = "train.jsonl"')
    bench.write("train.jsonl", '{"input": "a", "expected": "b"}\n')

    ran = bench.run("-v", "--ladder-climb=all")

    assert ran.status == 0
    assert ran.outcomes() == {"prompt": "SELECTED", "fine_tune": "NOT NEEDED"}


def test_the_ini_twin_is_the_default_and_the_option_overrules_it(bench: Bench):
    bench.make(FOUR)
    bench.ini("ladder_climb = all")

    assert bench.run("-v").outcomes()["rag"] == "SHORT"
    assert bench.run("-v", "--ladder-climb=needed").outcomes()["rag"] == "NOT NEEDED"


def test_after_a_run_of_all_a_run_of_what_is_needed_changes_no_byte(bench: Bench):
    bench.make(FOUR).run("--ladder-climb=all")
    before = bench.log_path.read_bytes()

    assert bench.run().status == 0
    assert bench.run("--ladder-record=none").status == 0
    assert bench.run("--ladder-record=none", "--ladder-climb=all").status == 0
    assert bench.log_path.read_bytes() == before


def test_under_none_a_rung_above_the_lever_without_a_record_fails_only_where_it_is_asked_for(bench: Bench):
    bench.make(FOUR).run()

    assert bench.run("--ladder-record=none").status == 0
    ran = bench.run("--ladder-record=none", "--ladder-climb=all")
    assert ran.status == 1
    assert "rung rag: 10 answers are not on record" in ran.text


def test_an_unknown_value_is_refused(bench: Bench):
    assert bench.make().run("--ladder-climb=most").status == 4


@pytest.mark.parametrize("workers", [(), ("-n", "2")])
def test_workers_make_no_difference(bench: Bench, workers: tuple[str, ...]):
    ran = bench.make(FOUR).run("-v", "--ladder-climb=all", *workers)

    assert ran.status == 0
    assert ran.outcomes() == {"prompt": "SHORT", "few_shot": "SELECTED", "rag": "SHORT", "decompose": "MET"}
