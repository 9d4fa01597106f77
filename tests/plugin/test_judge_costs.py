"""What judges cost, told before they are asked, and how far they have come, told meanwhile."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from pytest_ladder.report import progress
from tests.extras import needs
from tests.loopback import OK, Act, Loopback, Seen
from tests.plugin.bench import Bench, Ran
from tests.plugin.judging import asked_judge, judged, label, verdicts, with_model

needs("aiohttp", "http", module=True)

import aiohttp  # noqa: E402, F401  loaded here, once: an inner run forgets what it was the first to import


@pytest.fixture
def server() -> Iterator[Loopback]:
    with Loopback(verdicts) as made:
        yield made


def told(ran: Ran) -> list[str]:
    """The lines that say what is to come."""
    return [line for line in ran.lines if re.search(r" answers? to (ask|be judged)", line)]


def test_judges_are_in_the_estimate_that_is_told_first(bench: Bench, server: Loopback):
    with_model(bench, server.model)

    ran = bench.run()

    [line] = told(ran)
    assert re.fullmatch(
        r"support prompt: 10 answers to ask; the judge of quality about [\d.]+ USD by the length of its prompt and "
        r"`max_tokens`; 5.00 USD of the budget are left; it will not last to the end", line,
    )  # fmt: skip
    assert float(re.findall(r"about ([\d.]+)", line)[0]) == pytest.approx(10 * (1040 / 4 + 256) / 1000, rel=0.05)
    assert ran.text.index(line) < ran.text.index("ladders")
    assert told(bench.run()) == []


def test_a_rung_and_its_judge_are_told_of_in_one_line(bench: Bench, server: Loopback):
    server.script = verdicts_and_answers
    with_model(bench, server.model)
    bench.write("prompt.md", "{{ input }}")
    bench.edit("ladder.toml", 'system = "prompt.py:answer"', f'model = "{server.model}"\nprompt = "prompt.md"')

    [line] = told(bench.run())

    assert re.match(r"support prompt: 10 answers to ask, about [\d.]+ USD by .+; the judge of quality about ", line)


def verdicts_and_answers(seen: Seen) -> Act:
    return verdicts(seen) if "<" in seen.asked else OK


def test_answers_on_record_that_are_to_be_judged_anew_are_told_of(bench: Bench, server: Loopback):
    with_model(bench, server.model).run()
    asked = len(server.requests)
    bench.write("judge.md", "Think. Is <{{ expected }}> what <{{ answer }}> says?")

    [line] = told(bench.run())

    assert re.match(
        r"support prompt: 10 answers to be judged; the judge of quality about [\d.]+ USD by the length", line
    )
    assert len(server.requests) == asked + 10
    bench.system("prompt", 9)
    [line] = told(bench.run())
    assert "10 answers to ask; the judge of quality about " in line
    assert "by what its calls used so far" in line
    assert float(re.findall(r"about ([\d.]+)", line)[0]) < 0.2


def test_a_budget_that_the_judges_will_not_keep_is_told_of(bench: Bench, server: Loopback):
    with_model(bench, server.model)

    assert "it will not last to the end" in told(bench.run("--ladder-max-cost=0.01"))[0]


def test_labelled_answers_are_told_of_before_they_are_judged(bench: Bench, server: Loopback):
    with_model(bench, server.model).run()
    label(bench, ["yes"] * 10, "prompt")
    bench.system("prompt", 9)
    bench.write("judge.md", "Think. Is <{{ expected }}> what <{{ answer }}> says?")

    first, second = told(bench.run())

    assert first.startswith("support prompt: 10 answers to be judged")
    assert second.startswith("support prompt: 10 answers to ask")


def test_a_judge_without_a_price_has_none_to_tell(bench: Bench):
    assert told(judged(bench).run()) == []


@pytest.mark.parametrize("stop", ["never", "certain"])
def test_judging_is_shown_as_it_goes(bench: Bench, stop: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(progress, "EVERY_CI_S", 0.05)
    slow = '(__import__("time").sleep(0.2), "yes" if expected == answer else "no")[1]'
    judged(bench, {"prompt": 10}, first=slow, tables=f'[decision]\nstop = "{stop}"')
    bench.run("--ladder-max-calls=1")
    assert len(bench.recorded("prompt")) >= 9
    assert len(asked_judge(bench)) == 1

    ran = bench.run("--ladder-concurrency=1")

    shown = [line for line in ran.lines if line.startswith("support prompt judged ")]
    assert ran.status == 0
    assert len(shown) > 3
    assert all(re.search(r" \d/(8|9)(  |$)", line) for line in shown), shown
