"""How often the garbage collector looks while answers are in the making."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Iterator

import pytest

from pytest_ladder.core.answers import Answer
from pytest_ladder.core.cases import Question
from pytest_ladder.engine.collect import Job, Progress, Terms, collect
from pytest_ladder.engine.garbage import YOUNG, YOUNG_TEXTS, seldom_collected
from pytest_ladder.engine.meter import Meter


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    thresholds, enabled = gc.get_threshold(), gc.isenabled()
    yield
    gc.set_threshold(*thresholds)
    (gc.enable if enabled else gc.disable)()


@pytest.mark.parametrize(("texts", "ours"), [(False, YOUNG), (True, YOUNG_TEXTS)])
def test_it_looks_seldom_meanwhile_and_as_before_afterwards(texts: bool, ours: int) -> None:
    gc.set_threshold(700, 11, 12)
    with seldom_collected(texts):
        assert gc.get_threshold() == (ours, 11, 12)
    assert gc.get_threshold() == (700, 11, 12)


@pytest.mark.parametrize("young", [0, YOUNG_TEXTS, 50_000])
def test_one_that_is_off_or_looks_more_seldom_is_left_as_it_is(young: int) -> None:
    gc.set_threshold(young, 10, 10)
    with seldom_collected(texts=True):
        assert gc.get_threshold() == (young, 10, 10)
    assert gc.get_threshold() == (young, 10, 10)


def test_what_somebody_sets_meanwhile_stays() -> None:
    gc.set_threshold(700, 10, 10)
    with seldom_collected(texts=False):
        gc.set_threshold(900, 10, 10)
    assert gc.get_threshold()[0] == 900


def test_it_looks_as_before_when_a_rung_has_ended_badly() -> None:
    gc.set_threshold(700, 10, 10)
    seen = []

    class System:
        async def answer(self, question: Question, /) -> Answer:
            seen.append(gc.get_threshold()[0])
            return Answer(question.text)

    def full(_: object) -> None:
        raise OSError("no space left on device")

    terms = Terms(fingerprint="sha256:" + "0" * 64, record=full, meter=Meter())
    jobs = [Job(Question("1", "one", {}), "sha256:" + "1" * 64, 0)]
    errors = asyncio.run(collect(jobs, System(), terms, Progress(1)))
    assert seen == [YOUNG]
    assert "no space left" in errors[0].message
    assert gc.get_threshold() == (700, 10, 10)
