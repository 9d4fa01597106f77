"""The client that rungs ask: it counts, bounds, replays and records."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest

from pytest_ladder.core.answers import Call, Reply, Request
from pytest_ladder.core.prices import Price
from pytest_ladder.engine.client import Client, Ledger, current_ledger
from pytest_ladder.engine.meter import Meter
from pytest_ladder.errors import BudgetSpent, InvalidRequest, MissingRecording, ModelFailed

MESSAGES = [{"role": "user", "content": "hello"}]


class Echo:
    """A model that answers with the number of the request."""

    def __init__(self, error: Exception | None = None) -> None:
        self.requests: list[Request] = []
        self.error = error

    async def complete(self, request: Request, /) -> Reply:
        self.requests.append(request)
        await asyncio.sleep(0)
        if self.error:
            raise self.error
        return Reply(f"reply {len(self.requests)}", "echo-1", latency_s=0.25)

    def close(self) -> None:
        """Hold nothing."""


def client(model: Echo | None = None, known: Mapping[str, Call] | None = None, **parts: Any) -> Client:
    model = model or Echo()
    parts.setdefault("meter", Meter())
    parts.setdefault("read_only", False)
    return Client(
        name=parts.pop("name", "echo"), open_model=parts.pop("open_model", lambda _: model),
        options={"temperature": 0.5}, seed=17, recorded=dict(known or {}).get, where="ladder.toml: [rungs.prompt]",
        **parts,
    )  # fmt: skip


def ask(asked: Client, ledger: Ledger | None = None, **options: Any) -> Reply:
    async def work() -> Reply:
        current_ledger.set(ledger)
        return await asked.chat(MESSAGES, **options)

    return asyncio.run(work())


def test_the_time_of_a_call_without_a_reply_is_no_part_of_the_time_of_an_answer_that_goes_on():
    class Slow(Echo):
        async def complete(self, request: Request, /) -> Reply:
            await asyncio.sleep(0.05)
            return await super().complete(request)

    ledger = Ledger()
    with pytest.raises(ModelFailed):
        ask(client(Slow(ModelFailed("no response_format"))), ledger)

    assert 0.05 <= ledger.idle_s < 30
    assert ledger.calls == []


def test_what_is_asked_is_all_that_decides_the_reply():
    model = Echo()

    ask(client(model), Ledger(repeat=2), max_tokens=5)

    (request,) = model.requests
    assert request == Request("echo", tuple(MESSAGES), {"temperature": 0.5, "max_tokens": 5}, 17, 2)


def test_options_of_a_call_go_before_those_of_the_rung():
    model = Echo()

    ask(client(model), temperature=0.0)

    assert model.requests[0].options == {"temperature": 0.0}


def test_a_call_on_record_is_not_made_again():
    model = Echo()
    first = Ledger()
    ask(client(model), first)
    again = Ledger()

    reply = ask(client(model, {call.request_digest: call for call in first.calls}), again)

    assert reply.text == "reply 1"
    assert len(model.requests) == 1
    assert (first.asked, again.asked) == (1, 0)
    assert again.calls == first.calls


def test_read_only_a_call_that_is_not_on_record_is_named():
    with pytest.raises(MissingRecording, match=r"a call of echo is not on record \(request [0-9a-f]{12}\).*commit"):
        ask(client(read_only=True))


def test_without_a_model_the_rung_is_named():
    with pytest.raises(InvalidRequest, match=r"\[rungs\.prompt\]: no model is named"):
        ask(client(name=None))


def test_the_model_is_built_at_the_first_call_and_once():
    built: list[str] = []

    def open_model(name: str) -> Echo:
        built.append(name)
        return Echo()

    asked = client(open_model=open_model)
    assert built == []
    ask(asked)
    ask(asked)

    assert built == ["echo"]


def test_a_model_that_is_on_record_is_never_built():
    ledger = Ledger()
    ask(client(), ledger)

    def open_model(_: str) -> Echo:
        raise AssertionError

    ask(client(known={call.request_digest: call for call in ledger.calls}, open_model=open_model))


def test_a_spent_budget_stops_before_the_model_is_asked():
    model, meter = Echo(), Meter(max_calls=1)
    ask(client(model, meter=meter))

    with pytest.raises(BudgetSpent):
        ask(client(model, meter=meter))
    assert len(model.requests) == 1


def test_a_call_that_failed_gives_its_reservation_back():
    meter = Meter(max_calls=1)

    with pytest.raises(ModelFailed):
        ask(client(Echo(ModelFailed("no")), meter=meter))

    assert (meter.reserved, meter.spent.calls) == (0, 0)


def test_a_call_outside_an_answer_is_put_on_record_by_itself():
    stray: list[Call] = []

    ask(client(stray=stray.append))

    assert [call.reply.text for call in stray] == ["reply 1"]


def test_a_replayed_call_outside_an_answer_is_not_put_on_record_twice():
    stray: list[Call] = []
    ask(client(stray=stray.append))

    ask(client(known={stray[0].request_digest: stray[0]}, stray=stray.append))

    assert len(stray) == 1


def test_the_time_that_was_not_the_models_own_is_idle():
    ledger = Ledger()
    call = Call("sha256:r", "m", Reply("yes", "m", latency_s=0.5))

    ledger.note(call, 2.0, asked=True)
    ledger.note(call, 0.0, asked=False)

    assert (ledger.asked, len(ledger.calls)) == (1, 2)
    assert ledger.idle_s == pytest.approx(1.5 - 0.5)


# --- calls that belong to no answer have its bounds -------------------------------------------------------------------


class Slow(Echo):
    """Takes its time, and counts how many wait for it at once."""

    def __init__(self, seconds: float = 0.01) -> None:
        super().__init__()
        self.seconds, self.now, self.most = seconds, 0, 0

    async def complete(self, request: Request, /) -> Reply:
        self.now += 1
        self.most = max(self.most, self.now)
        await asyncio.sleep(self.seconds)
        self.now -= 1
        return await super().complete(request)


@pytest.mark.parametrize("concurrency", [1, 3])
def test_no_more_of_them_are_made_at_a_time_than_answers_may_be(concurrency: int):
    model = Slow()
    asked = client(model, concurrency=concurrency)

    async def work() -> None:
        await asyncio.gather(*(asked.chat([{"role": "user", "content": str(n)}]) for n in range(9)))

    asyncio.run(work())
    assert (len(model.requests), model.most) == (9, concurrency)


def test_one_that_gets_no_reply_ends_with_the_time_of_an_answer():
    with pytest.raises(ModelFailed, match=r"prompt.*: echo gave no reply within 0.01 s\. Raise `--ladder-t"):
        ask(client(Slow(30), timeout_s=0.01))


def test_a_time_out_of_the_model_itself_is_not_taken_for_it():
    with pytest.raises(TimeoutError, match="of its own"):
        ask(client(Echo(TimeoutError("of its own"))))


@pytest.mark.parametrize(
    ("price", "bounds", "usd", "tokens"),
    [
        (Price(1.0, 1.0), {}, False, False),
        (Price(1.0, 1.0), {"max_cost_usd": 5.0}, True, True),
        (Price(0.0, 0.0), {"max_cost_usd": 5.0}, False, False),
        (Price(0.0, 0.0), {"max_tokens": 5000}, False, True),
        (Price(1.0, 1.0), {"whole": Meter(max_cost_usd=5.0)}, True, True),
        (None, {"whole": Meter(max_tokens=5000)}, False, True),
    ],
)
def test_a_call_in_flight_is_reserved_where_a_budget_bounds_it(
    price: Price | None, bounds: dict[str, Any], usd: bool, tokens: bool
):
    meter = Meter(**bounds)
    seen = []

    class Paid(Echo):
        async def complete(self, request: Request, /) -> Reply:
            seen.append((meter.expected_usd > 0, meter.expected_tokens > 0))
            return await super().complete(request)

    model = Paid()
    if price is not None:
        model.price = price  # type: ignore[attr-defined]
    ask(client(model, meter=meter), Ledger())

    assert seen == [(usd, tokens)]
    assert (meter.expected_usd, meter.expected_tokens) == (0.0, 0.0)
