from __future__ import annotations

import json

import numpy as np
import pytest

from pytest_ladder.core.answers import Answer, Call, Record, Reply
from pytest_ladder.core.request_figures import RequestFigures, request_figures


def call(latency_s: float = 1.0, *, flags: tuple[str, ...] = (), parts: dict[str, int] | None = None, **reply: object):
    return Call("d", "m", Reply("a", "m", latency_s=latency_s, **reply), parts or {}, flags)  # type: ignore[arg-type]


def record(*calls: Call, validation: object = None) -> Record:
    return Record("c", "i", 0, "f", Answer("a", validation=validation), calls)


def test_times_are_those_of_the_calls_and_cold_ones_stand_apart():
    seconds = [5.0, 0.1, 0.4, 0.2, 0.9]
    flags = [("cold",), (), (), (), ()]
    found = request_figures([record(call(s, flags=f)) for s, f in zip(seconds, flags, strict=True)])
    assert found is not None
    assert (found.all.p50, found.all.p95) == pytest.approx(tuple(np.percentile(seconds, (50, 95))))
    assert (found.cold.calls, found.cold.p50) == (1, 5.0)
    assert (found.warm.p50, found.warm.p95) == pytest.approx(tuple(np.percentile(seconds[1:], (50, 95))))


def test_rates_count_calls_and_answers():
    valid, invalid = {"valid": True, "attempts": 2, "error": None}, {"valid": False, "attempts": 2, "error": "no"}
    found = request_figures([
        record(call(retries=2, cost_usd=0.02), call(flags=("repair",)), validation=valid),
        record(call(finish_reason="length"), call(flags=("repair", "fallback")), validation=invalid),
        record(call(finish_reason="content_filter"), validation="what my own system wrote"),
        record(),
    ])  # fmt: skip
    assert found is not None
    assert (found.answers, found.calls) == (4, 5)
    assert found.cost_usd == pytest.approx(0.004)
    assert (found.retried, found.retries, found.cut, found.filtered, found.fallbacks) == (1, 2, 1, 1, 1)
    assert (found.validated, found.invalid, found.repaired) == (2, 1, 1)


def test_parts_add_up_over_the_calls_in_their_order():
    found = request_figures([record(call(parts={"question": 3, "instructions": 7}), call(parts={"repair": 2}), call())])
    assert found is not None
    assert list(found.parts.items()) == [("instructions", 7), ("question", 3), ("repair", 2)]
    assert found.parted == 12


def test_what_became_of_answers_before_they_shipped_is_counted():
    def told(accepted: bool, resort: str | None, reason: str | None, **more: bool) -> Record:
        return record(validation={"accepted": accepted, "resort": resort, "reason": reason, **more})

    found = request_figures([
        told(True, None, None), told(True, "retry", "empty"), told(True, "fallback", "rejected"),
        told(False, "fallback", "empty"), told(False, "escalate", "invalid", escalated=True),
        told(False, "escalate", "route", escalated=True), told(False, "abstain", "length", abstained=True),
        record(validation={"escalated": True}), record(validation={"confidence": 0.5}), record(call()),
    ])  # fmt: skip
    assert found is not None
    assert (found.answers, found.checked, found.rejected) == (10, 6, 5)
    assert (found.by_retry, found.by_fallback, found.escalated, found.abstained) == (1, 2, 3, 1)


def test_answers_that_stand_back_are_told_of_without_a_call():
    found = request_figures([record(validation={"escalated": True}), record()])
    assert found is not None
    assert (found.calls, found.cost_usd, found.all.p50, found.escalated) == (0, 0.0, None, 1)


def test_without_a_call_there_are_none():
    assert request_figures([record()]) is None
    assert request_figures([]) is None


def test_they_survive_the_way_through_json():
    found = request_figures([record(call(parts={"question": 3}, flags=("cold",)))])
    assert found is not None
    assert RequestFigures.from_dict(json.loads(json.dumps(found.as_dict()))) == found


def test_flags_and_parts_survive_the_way_through_a_call():
    made = call(parts={"question": 3}, flags=("cold", "repair"))
    assert Call.from_dict(json.loads(json.dumps(made.as_dict()))) == made
    plain = call().as_dict()
    assert "flags" not in plain
    assert "parts" not in plain["usage"]
