"""`--ladder`: without it the plugin is asleep."""

from __future__ import annotations

import pytest

from tests.plugin.bench import Bench


def test_without_it_the_test_is_collected_once_and_deselected(bench: Bench):
    bench.make()

    ran = bench.run("--collect-only", "-q", ladder=False)

    assert ran.status == 5
    assert "1 deselected" in ran.text


def test_without_it_a_broken_ladder_is_not_read(bench: Bench):
    bench.make()
    bench.write("ladder.toml", "this is not TOML")
    bench.pytester.makepyfile(test_other="def test_other(): pass")

    ran = bench.run(ladder=False)

    assert ran.status == 0
    assert "1 passed, 1 deselected" in ran.text
    assert bench.asked() == []


def test_without_it_a_missing_ladder_is_not_missed(bench: Bench):
    bench.make()
    bench.toml.unlink()

    assert bench.run(ladder=False).status == 5


def test_with_it_the_other_tests_run_too(bench: Bench):
    bench.make()
    bench.pytester.makepyfile(test_other="def test_other(): pass")

    ran = bench.run()

    assert ran.status == 0
    assert "1 passed" in ran.text
    assert "1 selected" in ran.text


def test_with_it_and_the_marker_the_ladder_tests_run_alone(bench: Bench):
    bench.make()
    bench.pytester.makepyfile(test_other="def test_other(): pass")

    ran = bench.run("-m", "ladder")

    assert "1 passed" not in ran.text
    assert "1 selected" in ran.text


def test_with_it_a_project_without_ladders_is_as_ever(bench: Bench):
    bench.pytester.makepyfile(test_other="def test_other(): pass")

    ran = bench.run()

    assert ran.status == 0
    assert "= ladders =" not in ran.text


def test_without_it_nothing_of_the_engine_is_imported(bench: Bench):
    bench.make()
    bench.pytester.makeconftest(
        "import sys\n\n\ndef pytest_unconfigure():\n"
        "    heavy = {'numpy', 'scipy', 'pydantic', 'jinja2', 'rich', 'pytest_ladder.session', 'pytest_ladder.core'}\n"
        "    print('<heavy:', sorted(heavy & set(sys.modules)), '>')\n"
    )

    found = bench.pytester.runpytest_subprocess("-p", "no:randomly", "-p", "no:hypothesispytest")

    assert "<heavy: [] >" in found.stdout.str()


@pytest.mark.parametrize("option", ["--ladder-fine-tune", "--ladder-rung=prompt", "--ladder-holdout"])
def test_without_it_an_option_that_asks_for_a_run_is_refused(bench: Bench, option: str):
    ran = bench.make().run(option, ladder=False)

    assert ran.status == 4
    assert "Add --ladder" in ran.text
    assert bench.asked() == []


def test_without_it_how_to_record_may_stay_on_the_command_line(bench: Bench):
    bench.make()

    assert bench.run("--ladder-record=all", ladder=False).status == 5
    assert bench.asked() == []


@pytest.mark.parametrize("workers", [(), ("-n", "1")])
def test_without_it_workers_are_left_alone(bench: Bench, workers: tuple[str, ...]):
    bench.make()
    bench.pytester.makepyfile(test_other="import pytest\n@pytest.mark.parametrize('n', range(3))\ndef test(n): pass\n")

    ran = bench.run(*workers, ladder=False)

    assert ran.status == 0
    assert "3 passed" in ran.text


def test_every_option_is_in_the_help_under_one_heading(bench: Bench):
    text = bench.run("--help", ladder=False).text

    for option in ("ladder", "record", "rung", "climb", "fine-tune", "holdout", "concurrency", "timeout", "max-calls",
                   "max-cost", "report", "limit"):  # fmt: skip
        assert f"--ladder-{option}" in text or option == "ladder"
    assert "--ladder " in text
