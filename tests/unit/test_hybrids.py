"""Which rungs a rung refers to, and the seeds of further attempts."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from pytest_ladder.core.answers import Answer, Reply, Request
from pytest_ladder.core.hybrids import (
    circle,
    one_way,
    referred,
    refers,
    seed_of_attempt,
    stands_back,
    stood_back,
    targets,
)  # fmt: skip
from pytest_ladder.core.rungs import Kind, RungSpec
from pytest_ladder.engine.client import Client, attempt
from pytest_ladder.engine.meter import Meter


def rung(name: str, **options: Any) -> RungSpec:
    return RungSpec(name, Kind.DECOMPOSE, options=options)


RULES = [{"matches": "x", "to": "rag"}, {"when": {}, "to": "escalate"}, {"to": "rag"}]


def test_what_a_table_refers_to():
    ruled = {"router": RULES, "fallback": "prompt"}
    assert (targets(ruled), refers(ruled)) == (("rag", "escalate"), ("rag", "prompt"))
    chosen = {"router": "classifier", "routes": {"a": "x", "abstain": "y"}, "default_route": "b", "fallback": "a"}
    assert (targets(chosen), refers(chosen)) == (("a", "abstain", "b"), ("a", "b"))
    assert targets({"fallback": "rag"}) == ()
    assert refers({"fallback": "rag"}) == ("rag",)


def test_rungs_at_several_removes_in_the_order_of_the_ladder():
    rungs = [rung("a"), rung("b", fallback="a"), rung("c"), rung("d", fallback="b"), rung("e", router=[{"to": "d"}])]
    assert [one.id for one in referred(rungs, rungs[4])] == ["a", "b", "d"]
    assert referred(rungs, rungs[2]) == ()


def test_a_way_back():
    rungs = [rung("a", fallback="b"), rung("b", fallback="c"), rung("c", fallback="a"), rung("d", fallback="a")]
    assert circle(rungs, rungs[0]) == ("a", "b", "c", "a")
    assert circle(rungs, rungs[3]) == ()
    assert [one.id for one in referred(rungs, rungs[3])] == ["a", "b", "c"]


def route(to: str) -> Answer:
    return Answer("x", steps=({"step": "route", "to": to, "by": "default"}, {"step": "search"}))


def test_a_router_that_sends_everything_one_way():
    assert one_way([route("rag"), route("rag")]) == "rag"
    assert one_way([route("rag"), route("prompt")]) == ""
    assert one_way([Answer("x", steps=("plain",)), Answer("y")]) == ""
    fallen = replace(route("rag"), validation={"accepted": True, "resort": "fallback", "reason": "empty"})
    assert one_way([route("rag"), fallen]) == ""
    back = stood_back("escalate", "Wait.", "route")
    assert one_way([replace(back, steps=route("escalate").steps)]) == "escalate"


@pytest.mark.parametrize("validation", [None, "escalated", {"escalated": "yes"}, {"abstained": False}])
def test_nothing_else_stands_back(validation: Any):
    assert not stands_back(Answer("x", validation=validation))


def test_the_first_attempt_of_all_has_the_seed_of_the_ladder():
    assert {seed_of_attempt(17, path) for path in ((), (0,), (0, 0))} == {17}


def test_every_other_attempt_has_one_of_its_own():
    paths = [(), (1,), (2,), (0, 1), (1, 1), (1, 0, 1)]
    seeds = [seed_of_attempt(17, path) for path in paths]
    assert len(set(seeds)) == len(paths)
    assert all(0 <= seed < 2**30 for seed in seeds)
    assert seed_of_attempt(17, (1, 0)) == seed_of_attempt(17, (1,)) != seed_of_attempt(18, (1,))


def test_calls_within_an_attempt_are_requests_of_their_own():
    seen: list[Request] = []

    class Model:
        async def complete(self, request: Request, /) -> Reply:
            seen.append(request)
            return Reply("yes", "m")

        def close(self) -> None:
            raise AssertionError

    client = Client(
        "m", lambda _: Model(), {}, 17, Meter(), lambda _: None, False, "here"
    )  # fmt: skip

    async def one(number: int) -> None:
        with attempt(number):
            await asyncio.sleep(0)
            await client.chat([{"role": "user", "content": "q"}])

    async def main() -> None:
        await client.chat([{"role": "user", "content": "q"}])
        await asyncio.gather(*(one(number) for number in range(3)))
        with attempt(1):
            await one(1)

    asyncio.run(main())
    assert [request.seed == 17 for request in seen] == [True, True, False, False, False]
    assert len({request.digest for request in seen}) == 4
