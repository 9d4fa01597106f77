"""How rungs end, and how pytest tells it."""

from __future__ import annotations

import xml.etree.ElementTree as ET

import pytest

from tests.plugin.bench import Bench

THREE = {"prompt": 4, "few_shot": 10, "rag": 10}


def test_the_lowest_rung_that_meets_is_selected_and_those_above_are_not_needed(bench: Bench):
    ran = bench.make(THREE).run("-v")

    assert ran.status == 0
    assert ran.outcomes() == {"prompt": "SHORT", "few_shot": "SELECTED", "rag": "NOT NEEDED"}
    assert bench.verdicts == ["prompt short", "few_shot met", "selected few_shot"]


def test_letters_and_counts_are_the_plugins_own(bench: Bench):
    ran = bench.make(THREE).run()

    ran.has("*test_support.py SLn *", "*1 short, 1 selected, 1 not needed*")


def test_quiet_shows_letters_alone(bench: Bench):
    ran = bench.make(THREE).run("-q")

    ran.has("SLn *")


def test_the_summary_of_skipped_tests_tells_the_missed_threshold(bench: Bench):
    ran = bench.make(THREE).run("-rs")

    ran.has(
        f"SHORT {bench.test}?prompt? - answer?all? 0.400 < 0.90",
        f"NOT NEEDED {bench.test}?rag? - not needed: few_shot meets the target",
    )
    assert "SHORT evals" not in bench.run().text


def test_the_last_rung_fails_with_its_figures_and_worst_cases(bench: Bench):
    ran = bench.make({"prompt": 4, "few_shot": 6}).run("-v")

    assert ran.status == 1
    assert ran.outcomes() == {"prompt": "SHORT", "few_shot": "FAILED"}
    ran.has("*below its target: 1 of 1 threshold*", "*answer?all? 0.600 < 0.90*95*0.3*n = 10*", "*c6 *answer*")
    assert bench.verdicts == ["prompt short", "few_shot short", "selected None"]


def test_every_missed_threshold_is_named(bench: Bench):
    ran = bench.make({"prompt": 4}, thresholds='answer = { all = 0.9, "odd" = 0.8 }').run()

    ran.has("*2 of 2 thresholds not met*", "*answer?all? 0.400*", "*answer?odd? 0.400*")


def test_one_missed_slice_is_short(bench: Bench):
    ran = bench.make({"prompt": [0, 2, 4, 6, 8, 1, 3], "few_shot": 10}, thresholds="answer = { all = 0.7, odd = 0.8 }")
    ran = ran.run("-v", "-rs")

    assert ran.outcomes() == {"prompt": "SHORT", "few_shot": "SELECTED"}
    ran.has("*answer?odd? 0.400 < 0.80*")


def test_a_rung_in_error_fails_the_run_and_no_decision_is_written(bench: Bench):
    bench.make()
    bench.write("prompt.py", "def answer(case):\n    raise ValueError('no luck')\n")

    ran = bench.run("-v")

    assert ran.status == 1
    assert ran.outcomes() == {"prompt": "FAILED", "few_shot": "MET"}
    ran.has("*10 of 10 cases in error*", "*ValueError: no luck (prompt.py:2)*")
    assert not [entry for entry in bench.log if entry["kind"] == "decision"]


def test_below_the_greatest_error_rate_a_rung_is_judged(bench: Bench):
    bench.make(tables="[decision]\nmax_error_rate = 0.1")
    bench.write(
        "few_shot.py",
        "def answer(case):\n    if case.id == 'c3':\n        raise ValueError('no luck')\n"
        "    return case.input.replace('question', 'answer')\n",
    )

    ran = bench.run("-v")

    assert ran.status == 0
    assert ran.outcomes() == {"prompt": "SHORT", "few_shot": "SELECTED"}


CONFIDENT = '[decision]\nrule = "confident"'


def test_an_undecided_rung_lets_the_climb_go_on_and_a_higher_one_is_selected_with_a_warning(bench: Bench):
    bench.make({"prompt": 56, "few_shot": 60}, cases=60, tables=CONFIDENT)

    ran = bench.run("-v")

    assert ran.status == 0
    assert ran.outcomes() == {"prompt": "UNDECIDED", "few_shot": "SELECTED"}
    assert bench.verdicts == ["prompt inconclusive", "few_shot met", "selected few_shot"]
    assert "a cheaper rung than few_shot may do; about 257 more cases for answer[all] would tell" in ran.flat


def test_under_confident_a_rung_is_short_only_where_the_upper_bound_says_so(bench: Bench):
    bench.make({"prompt": 40, "few_shot": 60}, cases=60, tables=CONFIDENT)

    assert bench.run("-v").outcomes() == {"prompt": "SHORT", "few_shot": "SELECTED"}


def test_rungs_share_the_error_so_that_too_small_a_set_is_refused_before_anything_is_asked(bench: Bench):
    bench.make({"prompt": 10, "few_shot": 30}, cases=30, tables=CONFIDENT)

    ran = bench.run("-v")

    assert ran.status == 4
    assert "n = 30 cannot confirm 0.9 at 97.5 % (95 % over 2 rungs)" in ran.flat
    assert "n >= 36 (29 for one rung alone)" in ran.flat
    assert bench.asked() == []


def test_under_point_a_verdict_within_the_noise_is_marked(bench: Bench):
    bench.make({"prompt": 5, "few_shot": 37}, cases=40)

    ran = bench.run()

    assert ran.status == 0
    ran.has("*~ within noise*", "*few_shot*selected*0.925 ✓~*")


def test_under_point_a_slice_too_small_to_decide_is_told(bench: Bench):
    ran = bench.make({"prompt": 20}, cases=20).run()

    assert ran.status == 0
    assert "20 cases cannot show answer[all] >= 0.9 at 95 %: with every case right it takes 29" in ran.flat


def test_an_undecided_last_rung_fails(bench: Bench):
    bench.make({"prompt": 28}, cases=30, tables=CONFIDENT)

    ran = bench.run("-v")

    assert ran.status == 1
    ran.has("*undecided against 0.90*")


def test_under_confident_a_threshold_that_n_cannot_confirm_is_an_error(bench: Bench):
    ran = bench.make({"prompt": 28}, cases=28, tables=CONFIDENT).run()

    assert ran.status == 4
    assert "n = 28 cannot confirm 0.9" in ran.text
    assert "n >= 29" in ran.text


def test_a_threshold_on_an_empty_slice_is_an_error(bench: Bench):
    ran = bench.make(thresholds="answer = { all = 0.9, missing = 0.8 }").run()

    assert ran.status == 4
    assert "no case is in it" in ran.text


def test_a_stop_by_content_filter_is_an_answer(bench: Bench):
    bench.make()
    bench.write("prompt.py", "def answer(case):\n    return {'text': '', 'finish_reason': 'content_filter'}\n")

    assert bench.run("-v").outcomes() == {"prompt": "SHORT", "few_shot": "SELECTED"}


# --- JUnit -----------------------------------------------------------------------------------------------------------


def junit(bench: Bench, *args: str) -> dict[str, ET.Element]:
    bench.run("--junitxml=junit.xml", *args)
    return {one.get("name", ""): one for one in ET.parse(bench.pytester.path / "junit.xml").iter("testcase")}


def properties(one: ET.Element) -> dict[str, str]:
    return {found.get("name", ""): found.get("value", "") for found in one.iter("property")}


def test_junit_shows_a_short_rung_as_skipped_with_the_missed_thresholds(bench: Bench):
    bench.make(THREE)

    found = junit(bench)

    assert list(found) == ["test_support[prompt]", "test_support[few_shot]", "test_support[rag]"]
    skipped = found["test_support[prompt]"].find("skipped")
    assert skipped is not None
    assert "answer[all] 0.400 < 0.90" in skipped.get("message", "")
    assert len(found["test_support[few_shot]"].findall("*")) == 1
    not_needed = found["test_support[rag]"].find("skipped")
    assert not_needed is not None
    assert not_needed.get("message") == "not needed: few_shot meets the target"


def test_junit_carries_states_and_figures_as_properties(bench: Bench):
    bench.make(THREE)

    found = {name: properties(one) for name, one in junit(bench).items()}

    assert found["test_support[prompt]"]["ladder.state"] == "short"
    assert found["test_support[prompt]"]["ladder.verdict"] == "short"
    assert found["test_support[prompt]"]["ladder.score.answer.all"].startswith("0.4 [")
    assert found["test_support[few_shot]"]["ladder.state"] == "selected"
    assert found["test_support[rag]"]["ladder.state"] == "not needed"


def test_junit_shows_the_last_rung_as_a_failure(bench: Bench):
    bench.make({"prompt": 4})

    failure = junit(bench)["test_support[prompt]"].find("failure")

    assert failure is not None
    assert "answer[all] 0.400 < 0.90" in (failure.text or "")


# --- pytest's own options --------------------------------------------------------------------------------------------


def test_exitfirst_does_not_stop_at_a_short_rung(bench: Bench):
    assert bench.make(THREE).run("-x", "-v").outcomes()["few_shot"] == "SELECTED"


def test_exitfirst_stops_at_a_rung_in_error(bench: Bench):
    bench.make()
    bench.write("prompt.py", "def answer(case):\n    raise ValueError('no luck')\n")

    ran = bench.run("-x", "-v")

    assert ran.status == 1
    assert list(ran.outcomes()) == ["prompt"]
    assert not [entry for entry in bench.log if entry["kind"] == "decision"]


def test_last_failed_runs_the_failed_rung_alone(bench: Bench):
    bench.make({"prompt": 4, "few_shot": 6})
    bench.run()
    bench.system("few_shot", 10)

    ran = bench.run("--lf", "-v")

    assert ran.status == 0
    assert ran.outcomes() == {"few_shot": "SELECTED"}


def test_k_selects_rungs(bench: Bench):
    assert list(bench.make(THREE).run("-k", "prompt or rag", "-v").outcomes()) == ["prompt", "rag"]


def test_m_selects_ladder_tests_alone(bench: Bench):
    bench.make()
    bench.pytester.makepyfile(test_other="def test_other(): assert False")

    assert bench.run("-m", "ladder").status == 0


def test_collect_only_lists_the_rungs_in_order_and_asks_nothing(bench: Bench):
    ran = bench.make(THREE).run("--collect-only", "-q")

    assert ran.status == 0
    assert ran.lines[:3] == [f"{bench.test}[{rung}]" for rung in THREE]
    assert bench.asked() == []
    assert not bench.log_path.exists()


def test_a_node_id_runs_one_rung(bench: Bench):
    bench.make(THREE)

    assert bench.run("-v", f"{bench.test}[few_shot]").outcomes() == {"few_shot": "MET"}
    assert bench.asked("prompt") == []


@pytest.mark.parametrize("verbosity", ["-qq", "-q", "-v", "-vv"])
def test_every_verbosity_ends_the_same(bench: Bench, verbosity: str):
    assert bench.make(THREE).run(verbosity).status == 0
