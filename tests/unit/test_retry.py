"""Asking a hosted model again: when, how often, and when no more."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from pytest_ladder.core.answers import Reply, Request
from pytest_ladder.engine.limits import AdaptiveLimit
from pytest_ladder.engine.retry import Pace, RetryBudget
from pytest_ladder.errors import LadderError, ModelFailed, ModelRefused, ModelUnavailable

BROKEN = ModelUnavailable("m: the connection broke.")
DOWN = ModelUnavailable("m: the server cannot be reached.", unsent=True)


def limited(retry_after: float | None = None) -> ModelUnavailable:
    return ModelUnavailable("m: too many.", limited=True, retry_after=retry_after)


class Model:
    """Gives what its script says, one item a call; then replies."""

    def __init__(self, *script: LadderError | float) -> None:
        self.script: Iterator[LadderError | float] = iter(script)
        self.calls: list[float] = []

    async def complete(self, request: Request, /) -> Reply:
        self.calls.append(time.monotonic())
        await asyncio.sleep(0)
        for told in self.script:
            if isinstance(told, LadderError):
                raise told
            await asyncio.sleep(told)
            break
        return Reply("yes", "m-1", latency_s=0.001)

    def close(self) -> None:
        """Hold nothing."""


class Always(Model):
    """Fails for ever in one way."""

    def __init__(self, fault: LadderError) -> None:
        super().__init__()
        self.fault = fault

    async def complete(self, request: Request, /) -> Reply:
        self.calls.append(time.monotonic())
        await asyncio.sleep(0)
        raise self.fault


def pace(most: int = 8, **parts: Any) -> Pace:
    parts.setdefault("jitter", lambda least, greatest: 0.0)
    return Pace(AdaptiveLimit(most), **parts)


def ask(asked: Pace, model: Model, *, times: int = 1, within_s: float | None = None) -> list[Any]:
    """Ask so many times at once; replies and errors, in order."""

    async def work() -> list[Any]:
        deadline = None if within_s is None else time.monotonic() + within_s
        calls = [asked.complete(model, Request("m", ()), deadline) for _ in range(times)]
        return await asyncio.gather(*calls, return_exceptions=True)

    return asyncio.run(work())


def test_a_reply_says_how_many_calls_went_before_it():
    model = Model(BROKEN, BROKEN)

    (reply,) = ask(pace(), model)

    assert (reply.text, reply.retries) == ("yes", 2)
    assert len(model.calls) == 3


def test_what_asking_again_cannot_mend_is_raised_at_once():
    for fault in (ModelFailed("m: no."), ModelRefused("m: no key.")):
        model = Model(fault)
        (told,) = ask(pace(), model)
        assert told is fault
        assert len(model.calls) == 1


def test_when_it_takes_no_call_those_who_wait_are_sent_away_unasked():
    model = Always(ModelRefused("m: no key."))

    told = ask(pace(most=16), model, times=50)

    assert {(type(fault), str(fault)) for fault in told} == {(ModelRefused, "m: no key.")}
    assert len(model.calls) == 4  # the places that there are at the start


def test_those_who_wait_out_a_pause_are_sent_away_at_once():
    async def work() -> tuple[object, float]:
        asked, start = pace(), time.monotonic()
        asked.limit.pause(30.0)
        waiting = asyncio.create_task(asked.complete(Model(), Request("m", ()), None))
        await asyncio.sleep(0.01)
        asked.limit.dismiss(ModelRefused("m: no key."))
        return (await asyncio.gather(waiting, return_exceptions=True))[0], time.monotonic() - start

    told, waited = asyncio.run(work())

    assert isinstance(told, ModelRefused)
    assert waited < 5


def test_what_the_check_raises_is_raised_before_each_call():
    model, checked = Model(BROKEN), []

    def check() -> None:
        checked.append(len(model.calls))
        if model.calls:
            raise ModelRefused("the rung has ended")

    async def work() -> Pace:
        asked = pace()
        with pytest.raises(ModelRefused, match="the rung has ended"):
            await asked.complete(model, Request("m", ()), None, check)
        return asked

    assert asyncio.run(work()).limit.in_flight == 0
    assert (checked, len(model.calls)) == ([0, 1], 1)


def test_a_broken_call_is_made_six_times_at_most():
    model = Always(BROKEN)

    (told,) = ask(pace(), model)

    assert str(told) == "m: the connection broke. It was asked 6 times."
    assert len(model.calls) == 6


def test_a_broken_call_is_not_made_again_when_its_answer_would_come_too_late():
    model = Always(BROKEN)

    (told,) = ask(pace(jitter=lambda _least, most: most), model, within_s=0.3)

    assert str(told).endswith("There is no time to ask again within the time of the answer, or of the run.")
    assert len(model.calls) == 1


def test_repetitions_are_held_to_a_budget_that_answers_earn():
    broken = pace(budget=RetryBudget(left=3, most=10, an_answer=0.5))
    model = Always(BROKEN)
    told = ask(broken, model, times=10)
    assert len(model.calls) == 13
    assert str(told[-1]) == "m: the connection broke. So many calls fail that none is made again."

    ask(broken, Model(), times=4)
    assert broken.budget.left == pytest.approx(2.0)
    again = Always(BROKEN)
    ask(broken, again)
    assert len(again.calls) == 3


def test_the_wait_doubles_and_is_drawn_from_the_whole_of_it():
    drawn: list[tuple[float, float]] = []

    def jitter(least: float, greatest: float) -> float:
        drawn.append((least, greatest))
        return 0.0

    ask(pace(jitter=jitter, attempts=9), Always(BROKEN))

    assert drawn[:8] == [(0.0, 0.5), (0.0, 1.0), (0.0, 2.0), (0.0, 4.0), (0.0, 8.0), (0.0, 16.0), (0.0, 30.0),
                         (0.0, 30.0)]  # fmt: skip


@pytest.mark.parametrize("fault", [limited, lambda s: ModelUnavailable("m: busy.", retry_after=s)])
def test_it_is_never_asked_before_the_time_it_asks_for(fault: Callable[[float], ModelUnavailable]):
    model = Model(fault(0.2))

    (reply,) = ask(pace(), model)

    assert reply.retries == 1
    assert model.calls[1] - model.calls[0] >= 0.2


def test_while_it_asks_to_wait_nobody_asks():
    model = Model(limited(0.2))

    replies = ask(pace(most=1), model, times=5)

    assert [reply.text for reply in replies] == ["yes"] * 5
    assert model.calls[1] - model.calls[0] >= 0.2


def test_refusals_for_the_rate_do_not_spend_the_budget_of_repetitions():
    asked = pace(budget=RetryBudget(left=0, most=0))
    model = Model(*[limited() for _ in range(12)])

    (reply,) = ask(asked, model)

    assert reply.retries == 12
    assert asked.refused == 12


def test_only_refusals_for_the_rate_cut_the_calls_at_a_time():
    asked = pace(most=64)
    ask(asked, Model(BROKEN, DOWN, BROKEN))
    assert asked.limit.cuts == 0

    ask(asked, Model(limited()))
    assert (asked.limit.cuts, asked.limit.limit) == (1, 8)


def test_an_answer_is_not_waited_for_past_its_time():
    start = time.monotonic()

    (told,) = ask(pace(), Model(limited(30)), within_s=1)

    assert isinstance(told, ModelUnavailable)
    assert str(told) == "m: too many. The wait that this takes is longer than the answer, or the run, may take."
    assert time.monotonic() - start < 1


def test_the_others_learn_at_once_that_the_wait_is_too_long():
    model = Model(limited(30))

    told = ask(pace(most=1), model, times=20, within_s=1)

    assert len(model.calls) == 1
    assert all(isinstance(one, ModelUnavailable) for one in told)


@pytest.mark.parametrize(
    ("fault", "bound"), [(limited(), {"patience_s": 0.2}), (DOWN, {"unreachable_s": 0.2})], ids=["limited", "down"]
)
def test_a_provider_that_lets_no_call_through_ends_the_run(fault: ModelUnavailable, bound: dict[str, float]):
    start = time.monotonic()

    told = ask(pace(jitter=lambda _least, _most: 0.01, **bound), Always(fault), times=3)

    assert all(isinstance(one, ModelRefused) for one in told)
    assert "whatever was asked. Run again later to go on from what is recorded." in str(told[0])
    assert 0.2 < time.monotonic() - start < 5


def test_one_call_that_gets_through_renews_the_patience():
    asked = pace(patience_s=0.0, jitter=lambda _least, _most: 0.01)

    (told,) = ask(asked, Model(limited()))
    assert told.text == "yes"
    (told,) = ask(asked, Model(limited()))
    assert told.text == "yes"


def test_a_call_that_was_refused_for_what_it_says_got_through_too():
    asked = pace(patience_s=0.0, jitter=lambda _least, _most: 0.01)
    refused = ModelFailed("m: no.")

    assert ask(asked, Model(limited(), refused)) == [refused]
    assert ask(asked, Model(limited()))[0].text == "yes"


def test_a_server_that_comes_back_is_waited_for_without_spending_the_budget():
    asked = pace(budget=RetryBudget(left=0, most=0), jitter=lambda _least, _most: 0.01)

    (reply,) = ask(asked, Model(DOWN, DOWN, DOWN))

    assert reply.retries == 3


def test_a_call_that_is_cancelled_gives_its_place_back():
    asked = pace(most=1)

    async def work() -> None:
        task = asyncio.create_task(asked.complete(Model(60.0), Request("m", ()), None))
        await asyncio.sleep(0.01)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    asyncio.run(work())
    assert asked.limit.in_flight == 0
    assert ask(asked, Model())[0].text == "yes"
