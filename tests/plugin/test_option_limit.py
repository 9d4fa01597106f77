"""`--ladder-limit`: a smoke run, never evidence."""

from __future__ import annotations

from tests.plugin.bench import Bench, case


def test_only_the_first_cases_of_each_slice_are_asked(bench: Bench):
    bench.make({"prompt": 10})
    bench.cases(case(n, slices=["low"] if n < 5 else ["high"]) for n in range(10))

    bench.run("--ladder-limit=2")

    assert bench.asked("prompt") == ["c0", "c1", "c5", "c6"]


def test_without_slices_the_first_cases_are_asked(bench: Bench):
    bench.make({"prompt": 10})
    bench.cases(case(n, slices=[]) for n in range(10))

    bench.run("--ladder-limit=3")

    assert bench.asked("prompt") == ["c0", "c1", "c2"]


def test_answers_are_kept_and_no_entry_is_written(bench: Bench):
    bench.make()

    ran = bench.run("--ladder-limit=2")

    assert ran.status == 0
    assert bench.recorded("prompt") != []
    assert not bench.log_path.exists()
    assert "smoke run" in ran.text


def test_a_smoke_run_selects_nothing(bench: Bench):
    ran = bench.make({"prompt": 10}).run("--ladder-limit=2", "-v")

    assert ran.status == 0
    assert ran.outcomes() == {"prompt": "MET"}


def test_the_full_run_after_it_asks_only_for_the_rest(bench: Bench):
    bench.make({"prompt": 10}).run("--ladder-limit=2")
    first = bench.asked("prompt")

    assert bench.run().status == 0
    assert sorted(first + bench.asked("prompt")) == [f"c{n}" for n in range(10)]
    assert bench.verdicts == ["prompt met", "selected prompt"]


def test_a_smoke_run_leaves_a_log_as_it_is(bench: Bench):
    bench.make().run()
    before = bench.log_path.read_bytes()
    bench.system("prompt", 5)

    bench.run("--ladder-limit=2")

    assert bench.log_path.read_bytes() == before


def test_a_smoke_run_that_misses_fails_as_any_other(bench: Bench):
    assert bench.make({"prompt": 0}).run("--ladder-limit=2").status == 1


def test_a_smoke_run_is_no_evidence_for_the_gate(bench: Bench):
    bench.make({"prompt": 0, "fine_tune": 10}, tables='[gate]\nrequired = ["prompt"]\n[gate.effort]\nprompt = 1')

    ran = bench.run("--ladder-limit=2", "--ladder-fine-tune")

    assert ran.status == 1
    assert "not_recorded: " in ran.text


def test_too_few_cases_for_the_rule_confident_are_no_error_in_a_smoke_run(bench: Bench):
    bench.make({"prompt": 30}, cases=30, tables='[decision]\nrule = "confident"')

    ran = bench.run("--ladder-limit=2")

    assert ran.status != 4
