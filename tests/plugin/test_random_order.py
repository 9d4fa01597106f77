"""Shuffled by pytest-randomly, the rungs of a ladder still run in order."""

from __future__ import annotations

import pytest

from tests.plugin.bench import TIMES, Bench

RUNGS = {"prompt": 1, "few_shot": 2, "rag": 3, "advanced_rag": 4, "decompose": 10}


@pytest.fixture
def shuffled(bench: Bench) -> Bench:
    bench.args = ()
    bench.make(RUNGS)
    bench.pytester.makepyfile(test_plain="import pytest\n@pytest.mark.parametrize('n', range(9))\ndef test(n): pass\n")
    return bench


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_rungs_run_in_order_under_any_seed(shuffled: Bench, seed: int):
    ran = shuffled.run(f"--randomly-seed={seed}", "-v")

    assert ran.status == 0
    assert [rung for rung in ran.outcomes() if rung in RUNGS] == list(RUNGS)
    assert shuffled.verdicts[-1] == "selected decompose"


def test_other_tests_are_shuffled_still(shuffled: Bench):
    orders = {tuple(shuffled.run(f"--randomly-seed={seed}", "-v", "-k", "test_plain").outcomes()) for seed in range(4)}

    assert len(orders) > 1


def test_the_log_does_not_depend_on_the_order(shuffled: Bench):
    def lines() -> list[dict[str, object]]:
        return [{key: value for key, value in entry.items() if key not in TIMES} for entry in shuffled.log]

    shuffled.run("--randomly-seed=1")
    first = lines()
    shuffled.log_path.unlink()

    assert shuffled.run("--randomly-seed=2").status == 0
    assert lines() == first


def test_a_reordering_by_the_project_itself_changes_nothing(shuffled: Bench):
    shuffled.pytester.makeconftest("def pytest_collection_modifyitems(items):\n    items.reverse()\n")

    ran = shuffled.run("-p", "no:randomly", "-v")

    assert [rung for rung in ran.outcomes() if rung in RUNGS] == list(RUNGS)


def test_with_workers_and_a_shuffle_the_order_holds(shuffled: Bench):
    ran = shuffled.run("-n", "2", "--randomly-seed=3", "-v")

    assert ran.status == 0, ran.text
    assert [rung for rung in ran.outcomes() if rung in RUNGS] == list(RUNGS)
