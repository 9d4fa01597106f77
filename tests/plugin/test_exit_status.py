"""The exit status is part of the contract; with workers it is the same."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.plugin.bench import Bench


def lever(bench: Bench) -> None:
    bench.make()


def no_lever(bench: Bench) -> None:
    bench.make({"prompt": 4, "few_shot": 6})


def in_error(bench: Bench) -> None:
    bench.make()
    bench.write("prompt.py", "def answer(case):\n    raise ValueError('no luck')\n")


def refused(bench: Bench) -> None:
    bench.make({"prompt": 4, "few_shot": 10, "fine_tune": 10}, tables='[gate]\nrequired = ["prompt", "few_shot"]')
    bench.args += ("--ladder-fine-tune",)


def bad_toml(bench: Bench) -> None:
    bench.make()
    bench.write("ladder.toml", "schema = \n")


def bad_cases(bench: Bench) -> None:
    bench.make()
    bench.write("cases.jsonl", '{"id": "c0", "input": "question 0"}\n{"id": "c0", "input": "question 1"}\n')


def bad_labels(bench: Bench) -> None:
    bench.make()
    bench.write("labels.jsonl", '{"case": "c0"}\n')


def bad_log(bench: Bench) -> None:
    bench.make()
    bench.write("escalation.jsonl", "<<<<<<< HEAD\n")


def bad_waivers(bench: Bench) -> None:
    bench.make()
    bench.write("waivers.toml", '[[waiver]]\nladder = "support"\n')


def bad_scorer(bench: Bench) -> None:
    bench.make()
    bench.edit("ladder.toml", "exact_match", "exact_mach")


def missing_system(bench: Bench) -> None:
    bench.make()
    bench.edit("ladder.toml", "prompt.py:answer", "prompts.py:answer")


def missing_evalset(bench: Bench) -> None:
    bench.make()
    (bench.folder / "cases.jsonl").unlink()


def two_tests(bench: Bench) -> None:
    bench.make()
    bench.write("test_second.py", (bench.folder / "test_support.py").read_text())


def unknown_rung(bench: Bench) -> None:
    bench.make()
    bench.args += ("--ladder-rung=fewshot",)


def not_on_record(bench: Bench) -> None:
    bench.make()
    bench.args += ("--ladder-record=none",)


def out_of_date(bench: Bench) -> None:
    bench.make().run()
    bench.log_path.unlink()
    bench.args += ("--ladder-record=none",)


def altered(bench: Bench) -> None:
    bench.make().run()
    bench.edit("escalation.jsonl", '"mean":0.4,', '"mean":0.5,')


def no_tests(bench: Bench) -> None:
    bench.make()
    bench.args += ("-k", "nothing_of_this_name")


CASES = (
    (lever, 0, "few_shot is the lowest rung"), (no_lever, 1, "below its target"), (in_error, 1, "cases in error"),
    (refused, 1, "met: "), (not_on_record, 1, "not on record (c0, c1, c2, c3, c4, ...)"),
    (out_of_date, 1, "log out of date: run `pytest --ladder` and commit"), (altered, 1, "altered"),
    (bad_toml, 4, "evals/support/ladder.toml:1"), (bad_cases, 4, "evals/support/cases.jsonl:2: "),
    (bad_labels, 4, "evals/support/labels.jsonl:1: "), (bad_log, 4, "evals/support/escalation.jsonl:1: "),
    (bad_waivers, 4, "evals/support/waivers.toml:1"), (bad_scorer, 4, "exact_match"),
    (missing_system, 4, "prompts.py"), (missing_evalset, 4, "cases.jsonl"), (two_tests, 4, "two tests ask"),
    (unknown_rung, 4, "Did you mean 'few_shot'?"), (no_tests, 5, ""),
)  # fmt: skip
WITH_WORKERS = (lever, no_lever, in_error, refused, out_of_date, bad_toml, bad_log, two_tests, unknown_rung, no_tests)


@pytest.mark.parametrize(("prepare", "status", "told"), CASES, ids=lambda value: getattr(value, "__name__", None))
def test_exit_status(bench: Bench, prepare: Callable[[Bench], None], status: int, told: str):
    prepare(bench)

    ran = bench.run()

    assert ran.status == status, ran.text
    assert told in ran.text
    assert "INTERNALERROR" not in ran.text
    assert "Traceback" not in ran.text


@pytest.mark.parametrize(
    ("prepare", "status", "told"),
    [row for row in CASES if row[0] in WITH_WORKERS],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_exit_status_with_workers(bench: Bench, prepare: Callable[[Bench], None], status: int, told: str):
    prepare(bench)

    ran = bench.run("-n", "2")

    assert ran.status == status, ran.text
    assert told in ran.text
    assert "INTERNALERROR" not in ran.text
    assert "Traceback" not in ran.text


def test_a_broken_ladder_leaves_other_failures_visible(bench: Bench):
    bench.make()
    Bench(bench.pytester, "other").make().write("ladder.toml", "schema = \n")

    ran = bench.run("--continue-on-collection-errors", "-v")

    assert ran.status == 4
    assert "evals/other/ladder.toml:1" in ran.text
    assert ran.outcomes() == {"prompt": "SHORT", "few_shot": "SELECTED"}


def test_another_modules_collection_error_stays_an_interruption(bench: Bench):
    bench.make()
    bench.pytester.makepyfile(test_other="import no_module_of_this_name")

    ran = bench.run()

    assert ran.status == 2
    assert "goes on from there" not in ran.text


def test_a_ladder_that_cannot_be_read_is_not_told_as_interrupted(bench: Bench):
    bench.make().write("ladder.toml", "schema = \n")

    ran = bench.run()

    assert ran.status == 4
    assert "ladder: interrupted" not in ran.text


def test_a_failing_ordinary_test_fails_the_run_and_the_ladder_is_logged_all_the_same(bench: Bench):
    bench.make()
    bench.pytester.makepyfile(test_other="def test_other(): assert False")

    assert bench.run().status == 1
    assert bench.verdicts[-1] == "selected few_shot"


def test_what_fails_beyond_the_tests_has_a_report_of_its_own(bench: Bench):
    out_of_date(bench)

    ran = bench.run("--junitxml=junit.xml", "-v")

    ran.has("*evals/support/ladder.toml::log FAILED*")
    ran.has("*FAILED evals/support/ladder.toml::log*")
    assert "log out of date" in (bench.pytester.path / "junit.xml").read_text(encoding="utf-8")


def test_a_refusal_has_a_report_of_its_own_that_names_each_code(bench: Bench):
    refused(bench)

    ran = bench.run("--junitxml=junit.xml", "-v")

    ran.has("*evals/support/ladder.toml::gate FAILED*")
    junit = (bench.pytester.path / "junit.xml").read_text(encoding="utf-8")
    assert "fine-tuning refused: met, effort" in junit
