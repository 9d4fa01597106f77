"""The picture of cost against quality: every rung can be read, also where several stand at one point."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_ladder.core.answers import Usage
from pytest_ladder.core.entries import RungEntry
from pytest_ladder.core.summary import LadderSummary
from pytest_ladder.core.tradeoff import tradeoffs
from pytest_ladder.report.html.tags import Box, Tag, tags
from tests.pages import Element, Page
from tests.summaries import figure
from tests.unit.test_report_html import DETAILS, ENTRIES, FULL, page

FIELD = Box(199, 106, 322, 212)
PLACE = st.tuples(st.integers(38, 344), st.integers(16, 212)).map(lambda place: (float(place[0]), float(place[1])))
Told = tuple[str, float, float]
"""A rung, its score, and its USD a case."""


CROWD = (
    *((f"r{n}", 0.9, 0.001) for n in range(6)), *((f"s{n}", 0.9 + 0.004 * n, 0.001 + 0.00003 * n) for n in range(1, 6)),
)  # fmt: skip


def rung(name: str, mean: float, usd: float) -> RungEntry:
    entry = ENTRIES[2]
    return replace(
        entry, rung=name, usage=Usage(218, 1, 1, usd * entry.cases), scores={"answer": {"all": figure(mean)}}
    )


def ladder_of(*told: Told) -> LadderSummary:
    entries = tuple(rung(*one) for one in told)
    return replace(FULL, details=replace(DETAILS, tradeoffs=tradeoffs(entries, ("answer",))))


def marks(read: Page) -> list[str]:
    return [e.text for e in read.all("text") if "spot" in e.parents[-1].classes]


def ties(read: Page) -> list[Element]:
    return [e for e in read.all("path") if "tie" in e.classes]


TWINS = (("prompt", 0.7, 0.001), ("few_shot", 0.7, 0.001), ("rag", 0.95, 0.002))


def test_two_rungs_at_one_point_share_a_mark_with_both_numbers():
    read = page(ladder_of(*TWINS))

    assert marks(read) == ["1, 2", "3"]
    assert ties(read) == []
    assert "Rungs at one point share a mark" in read.text


def test_marks_that_would_hide_each_other_stand_beside_their_points_and_are_tied_to_them():
    read = page(ladder_of(("prompt", 0.7, 0.001), ("few_shot", 0.73, 0.0010), ("rag", 0.95, 0.002)))

    assert sorted(marks(read)) == ["1", "2", "3"]
    assert len(ties(read)) == 2
    points = [e for e in read.all("circle") if "spot" in e.parents[-1].classes]
    starts = [e.attributes["d"].partition("L")[0].removeprefix("M") for e in ties(read)]
    assert starts == [f"{e.attributes['cx']} {e.attributes['cy']}" for e in points]


def test_where_nothing_is_crowded_numbers_stand_on_their_points():
    read = page(ladder_of(("prompt", 0.7, 0.001), ("rag", 0.95, 0.002)))

    assert marks(read) == ["1", "2"]
    assert ties(read) == []
    assert "share a mark" not in read.text


def test_a_rung_of_the_frontier_and_one_beside_it_keep_their_own_marks():
    found = tags([(100.0, 100.0), (100.5, 100.0)], [True, False], FIELD)

    assert [tag.lines for tag in found] == [("1",), ("2",)]
    assert all(tag.aside for tag in found)


@pytest.mark.parametrize(("members", "told"), [
    (range(40), ("1–40",)), ([0, 1], ("1, 2",)), ([0, 1, 2, 4], ("1–3, 5",)),
    (range(0, 12, 2), ("1, 3, 5, 7", "9, 11")),
])  # fmt: skip
def test_a_mark_of_many_rungs_has_ranges_and_lines(members: range | list[int], told: tuple[str, ...]):
    points = [(100.0, 100.0) if at in members else (300.0, 30.0) for at in range(max(members) + 1)]

    (mark,) = [tag for tag in tags(points, [True] * len(points), FIELD) if tag.point == (100.0, 100.0)]
    assert mark.lines == told


def test_forty_rungs_in_three_near_places_hide_nothing():
    points = [(300.0, 150.0 + 4 * (at % 3)) for at in range(40)]

    no_tag_hides_another(tags(points, [at % 3 == 0 for at in range(40)], FIELD))


@given(st.lists(PLACE, min_size=1, max_size=9))
def test_every_rung_is_named_once_and_no_tag_hides_another(points: list[tuple[float, float]]):
    found = tags(points, [True] * len(points), FIELD)

    assert sorted(member for tag in found for member in tag.members) == [*range(len(points))]
    assert all(math.dist(points[member], tag.point) < 3 for tag in found for member in tag.members)
    assert found == tags(points, [True] * len(points), FIELD)
    no_tag_hides_another(found)


@given(st.lists(PLACE, min_size=1, max_size=4))
def test_no_tag_hides_a_point_that_another_stands_for(points: list[tuple[float, float]]):
    found = tags(points, [True] * len(points), FIELD)

    dots = [points[member] for tag in found if tag.aside for member in tag.members]
    assert not any(tag.box.holds(dot, 0) for tag in found if tag.aside for dot in dots)


def no_tag_hides_another(found: tuple[Tag, ...]) -> None:
    for one, other in combinations(found, 2):
        assert not one.box.meets(other.box), (one, other)
    for tag in found:
        if tag.aside:
            assert tag.box.within(FIELD)
