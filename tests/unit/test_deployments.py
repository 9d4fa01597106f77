"""One model at several places."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from typing import Any

import pytest

from pytest_ladder.backends.deployments import Deployments, Place
from pytest_ladder.core.answers import Reply, Request
from pytest_ladder.core.prices import Price
from pytest_ladder.errors import LadderError, ModelFailed, ModelUnavailable

FULL = ModelUnavailable("m: too many.", limited=True, retry_after=0.2)
DOWN = ModelUnavailable("m: cannot be reached.", unsent=True)
BROKEN = ModelUnavailable("m: the connection broke.")


class Model:
    """Answers with its own name, or fails as it is told."""

    def __init__(self, name: str, fault: LadderError | None = None) -> None:
        self.name, self.fault = name, fault
        self.requests: list[Request] = []
        self.closed = False

    async def complete(self, request: Request, /) -> Reply:
        self.requests.append(request)
        await asyncio.sleep(0.001)
        if self.fault:
            raise self.fault
        return Reply(self.name, "m-1")

    def close(self) -> None:
        self.closed = True


def among(*models: Model) -> Deployments:
    places = [Place(f"azure/{model.name}", model, {"api_base": f"http://{model.name}"}) for model in models]
    return Deployments(places, Price(1, 2))


def ask(deployments: Deployments, times: int = 1) -> list[Any]:
    async def work() -> list[Any]:
        request = Request("m", ({"role": "user", "content": "x"},), {"max_tokens": 3})
        return await asyncio.gather(*(deployments.complete(request) for _ in range(times)), return_exceptions=True)

    return asyncio.run(work())


def test_calls_are_spread_evenly():
    a, b, c = Model("a"), Model("b"), Model("c")

    replies = ask(among(a, b, c), 30)

    assert Counter(reply.text for reply in replies) == {"a": 10, "b": 10, "c": 10}


def test_each_place_is_asked_by_its_own_name_and_address():
    a = Model("a")
    ask(among(a))

    (request,) = a.requests
    assert (request.model, request.options) == ("azure/a", {"api_base": "http://a", "max_tokens": 3})


@pytest.mark.parametrize("fault", [FULL, DOWN])
def test_a_place_that_refuses_is_left_alone_and_another_answers(fault: ModelUnavailable):
    a, b = Model("a", fault), Model("b")
    deployments = among(a, b)

    assert [ask(deployments)[0].text for _ in range(5)] == ["b"] * 5
    assert len(a.requests) == 1


def test_after_the_time_it_asked_for_it_is_asked_again():
    a, b = Model("a", FULL), Model("b")
    deployments = among(a, b)
    ask(deployments)
    a.fault = None
    time.sleep(0.21)

    assert ask(deployments)[0].text == "a"


def test_when_all_refuse_it_says_when_the_first_is_free_again():
    deployments = among(Model("a", FULL), Model("b", FULL))

    for _ in range(2):
        (fault,) = ask(deployments)
        assert isinstance(fault, ModelUnavailable)
        assert fault.limited
        assert fault.retry_after is not None
        assert 0 < fault.retry_after <= 0.2
        assert "None of 2 deployments takes a call." in str(fault)


def test_when_none_can_be_reached_that_is_told():
    (fault,) = ask(among(Model("a", DOWN), Model("b", DOWN)))

    assert isinstance(fault, ModelUnavailable)
    assert (fault.unsent, fault.limited) == (True, False)


@pytest.mark.parametrize("fault", [BROKEN, ModelFailed("m: no.")])
def test_another_failure_is_raised_and_the_place_stays(fault: LadderError):
    a, b = Model("a", fault), Model("b")
    deployments = among(a, b)

    assert ask(deployments) == [fault]
    assert b.requests == []
    assert ask(deployments) == [fault]


def test_all_are_closed():
    a, b = Model("a"), Model("b")
    among(a, b).close()

    assert a.closed
    assert b.closed
