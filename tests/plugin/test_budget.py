"""Bounds on calls, cost and time: a run that reaches one stops, keeps what it has and says so."""

from __future__ import annotations

import pytest

from tests.plugin.bench import MODEL, Bench

ASKING = "def answer(case, llm):\n    return llm.chat([{'role': 'user', 'content': case.input}]).text\n"


@pytest.fixture
def priced(bench: Bench) -> Bench:
    """One rung whose model costs 0.001 USD a call."""
    bench.make({"prompt": 10}, head='model = "models.py:reply"')
    bench.write("models.py", MODEL)
    bench.write("prompt.py", ASKING)
    return bench


def test_past_the_greatest_number_of_calls_nothing_is_asked_and_the_run_says_so(priced: Bench):
    ran = priced.run("--ladder-max-calls=4", "-v")

    assert ran.status == 1
    assert len(priced.asked("model")) == 4
    assert len(priced.recorded("prompt")) == 4
    assert "4 model calls are made" in ran.text
    assert "4 answers were given in this run, 4 of 10 are on record; not asked: c4, c5, c6, c7, c8, ..." in ran.flat
    assert not [entry for entry in priced.log if entry["kind"] == "decision"]


def test_the_next_run_goes_on_from_what_is_recorded(priced: Bench):
    priced.run("--ladder-max-calls=4")
    done = set(priced.asked("model"))

    assert priced.run("--ladder-max-calls=4").status == 1
    again = set(priced.asked("model"))
    assert priced.run("--ladder-max-calls=4").status == 0
    last = set(priced.asked("model"))

    assert (len(done), len(again), len(last)) == (4, 4, 2)
    assert len(done | again | last) == 10
    assert priced.verdicts[-1] == "selected prompt"


def test_replayed_calls_are_free(priced: Bench):
    priced.run()

    assert priced.run("--ladder-max-calls=1").status == 0


def test_past_the_greatest_cost_nothing_is_asked(priced: Bench):
    ran = priced.run("--ladder-max-cost=0.003", "--ladder-concurrency=1")

    assert ran.status == 1
    assert len(priced.asked("model")) == 3
    assert "--ladder-max-cost" in ran.text


def test_the_budget_of_the_ladder_holds_without_an_option(priced: Bench):
    priced.write("ladder.toml", priced.toml.read_text() + "[budget]\ncost_usd = 0.003\n")

    ran = priced.run("--ladder-concurrency=1")

    assert ran.status == 1
    assert len(priced.asked("model")) == 3
    assert "raise [budget] cost_usd" in ran.text


@pytest.mark.parametrize("workers", [(), ("-n", "2")])
def test_calls_of_all_ladders_count_together(priced: Bench, workers: tuple[str, ...]):
    other = Bench(priced.pytester, "other").make({"prompt": 10}, head='model = "models.py:reply"')
    other.write("models.py", MODEL)
    other.write("prompt.py", ASKING)

    ran = priced.run("--ladder-max-calls=15", *workers)

    assert ran.status == 1
    assert len(priced.asked("model")) + len(other.asked("model")) == 15


@pytest.mark.parametrize("option", ["max-calls=0", "max-calls=-1", "max-calls=x", "max-cost=-1", "timeout=0", "limit=0",
                                    "concurrency=0", "concurrency=1.5", "max-cost=nan", "timeout=inf"])  # fmt: skip
def test_a_bound_out_of_range_is_refused(bench: Bench, option: str):
    ran = bench.make().run(f"--ladder-{option}")

    assert ran.status == 4
    assert f"--ladder-{option.partition('=')[0]}: out of range" in ran.text


HANGS = {
    "sync": "import time\n\n\ndef answer(case):\n    if case.id == 'c3':\n        time.sleep(600)\n"
    "    return case.id\n",
    "async": "import asyncio\n\n\nasync def answer(case):\n    if case.id == 'c3':\n        await asyncio.sleep(600)\n"
    "    return case.id\n",
    "deaf": "import asyncio\n\n\nasync def answer(case):\n    while case.id == 'c3':\n        try:\n"
    "            await asyncio.sleep(600)\n        except asyncio.CancelledError:\n            break\n"
    "    return case.id\n",
}


@pytest.mark.parametrize("kind", ["sync", "async"])
def test_a_system_that_hangs_is_given_up_and_holds_up_no_end(bench: Bench, kind: str):
    bench.make({"prompt": 10})
    bench.write("prompt.py", HANGS[kind])

    ran = bench.spawn("--ladder-timeout=2", timeout=120)

    assert ran.returncode == 1
    assert "c3: no answer within 2 s" in ran.stdout
    assert bench.recorded("prompt") == [f"c{n}" for n in range(10) if n != 3]


def test_a_system_that_does_not_let_itself_be_cancelled_is_given_up_too(bench: Bench):
    bench.make({"prompt": 10})
    bench.write("prompt.py", HANGS["deaf"])

    ran = bench.run("--ladder-timeout=2")

    assert ran.status == 1
    assert "c3" not in bench.recorded("prompt")


def test_the_timeout_is_for_one_answer_not_for_the_rung(bench: Bench):
    bench.make({"prompt": 10})
    bench.write(
        "prompt.py",
        "import time\n\n\ndef answer(case):\n    time.sleep(0.3)\n"
        "    return case.input.replace('question', 'answer')\n",
    )

    assert bench.run("--ladder-timeout=2", "--ladder-concurrency=1").status == 0


COUNTS = """\
import asyncio

now = most = 0


async def answer(case):
    global now, most
    now += 1
    most = max(most, now)
    await asyncio.sleep(0.02)
    now -= 1
    return str(most)
"""


@pytest.mark.parametrize(("option", "most"), [((), 16), (("--ladder-concurrency=3",), 3)])
def test_so_many_answers_are_in_the_making_at_a_time(bench: Bench, option: tuple[str, ...], most: int):
    bench.make(
        {"prompt": 10},
        cases=40,
        test="import pytest\n\n\n@pytest.mark.ladder\ndef test_support(rung):\n"
        "    found = rung.evaluate()\n    print('<', max(int(c.answers[0].text) for c in found.cases), '>')\n",
    )
    bench.write("prompt.py", COUNTS)

    assert f"< {most} >" in bench.run("-s", *option).text


def test_bounds_have_ini_twins(priced: Bench):
    priced.ini("ladder_max_calls = 4", "ladder_concurrency = 2")

    assert "4 model calls are made" in priced.run().text


def test_an_ini_twin_out_of_range_is_named(bench: Bench):
    bench.make()
    bench.ini("ladder_timeout = soon")

    ran = bench.run()

    assert ran.status == 4
    assert "ladder_timeout (ini): out of range, got 'soon'" in ran.text
