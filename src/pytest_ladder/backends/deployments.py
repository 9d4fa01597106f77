"""One hosted model at several places: whichever is free answers."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from pytest_ladder.core.answers import Reply, Request
from pytest_ladder.core.canonical import Json
from pytest_ladder.core.ports import Model
from pytest_ladder.core.prices import Price
from pytest_ladder.errors import ModelUnavailable

COOL_S = 5.0
"""How long a place that refused is left alone, where it does not say."""


@dataclass(eq=False)
class Place:
    """One deployment."""

    name: str
    model: Model
    options: Mapping[str, Json] = field(default_factory=dict)
    """Further options of its requests: its address."""
    in_flight: int = 0
    cool_until: float = 0.0
    """Left alone until then, on `time.monotonic`."""


class Deployments:
    """A `Model` of `core.ports` that asks the place with the fewest calls under way.

    A place that refuses for the rate, or cannot be reached, is left alone for as long as it asks, and the call goes to
    the next one at once. Only when all refuse does the call fail, with the time until the first is free again.
    """

    def __init__(self, places: Sequence[Place], price: Price) -> None:
        """Take the places, at least one, and the price that all share."""
        self.price = price
        self._places = tuple(places)

    async def complete(self, request: Request, /) -> Reply:
        """Ask the places until one answers, each at most once.

        Raises:
            ModelUnavailable: all refuse, or the one that was asked failed in another way.
            LadderError: whatever else a place raises.
        """
        last: ModelUnavailable | None = None
        for place in sorted(self._places, key=lambda place: place.in_flight):
            if place.cool_until > time.monotonic():
                continue
            try:
                return await self._ask(place, request)
            except ModelUnavailable as fault:
                if not (fault.limited or fault.unsent):
                    raise
                last = fault
                place.cool_until = time.monotonic() + (COOL_S if fault.retry_after is None else fault.retry_after)
        raise self._all_refuse(last)

    async def _ask(self, place: Place, request: Request) -> Reply:
        place.in_flight += 1
        try:
            asked = replace(request, model=place.name, options={**place.options, **request.options})
            return await place.model.complete(asked)
        finally:
            place.in_flight -= 1

    def _all_refuse(self, last: ModelUnavailable | None) -> ModelUnavailable:
        wait = max(0.0, min(place.cool_until for place in self._places) - time.monotonic())
        told = f"{last} " if last else ""
        unsent = last is not None and last.unsent
        return ModelUnavailable(
            f"{told}None of {len(self._places)} deployments takes a call.", retry_after=wait, limited=not unsent,
            unsent=unsent,
        )  # fmt: skip

    def close(self) -> None:
        """Close every place."""
        for place in self._places:
            place.model.close()
