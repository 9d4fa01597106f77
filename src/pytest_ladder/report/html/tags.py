"""Where the numbers of a picture stand: on their point, or where they would hide each other beside it."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from operator import itemgetter

Place = tuple[float, float]
"""Across and down, in units of the picture."""
Tie = tuple[Place, Place]
"""A line from a point to the tag that names it."""

HEIGHT = 17.0
"""Of a tag of one line, and least width of any."""
LINE = 13.0
"""From one line of a tag to the next."""
_SIGN, _PAD = 6.5, 10.0
_SAME = 3.0
"""Points that are nearer to one another cannot be told apart, and share a tag."""
_DOT, _GAP = 3.0, 2.0
_RINGS = tuple(range(22, 320, 8))
"""How far from its point a tag may stand."""
_TURNS = 16
_HIDDEN, _CROSSED, _WORST = 10_000.0, 400.0, 100
_RUN, _ROW = 3, 4
"""Numbers that follow one another and are told as a range; parts of a line."""


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle: its middle and its size."""

    x: float
    y: float
    width: float
    height: float

    def meets(self, other: Box) -> bool:
        """Whether another one overlaps it, or comes too near."""
        across, down = (self.width + other.width) / 2 + _GAP, (self.height + other.height) / 2 + _GAP
        return abs(self.x - other.x) < across and abs(self.y - other.y) < down

    def holds(self, place: Place, room: float) -> bool:
        """Whether a place is inside, or nearer to it than some room."""
        return abs(place[0] - self.x) < self.width / 2 + room and abs(place[1] - self.y) < self.height / 2 + room

    def within(self, other: Box) -> bool:
        """Whether it is wholly inside another one."""
        return (
            abs(self.x - other.x) <= (other.width - self.width) / 2
            and abs(self.y - other.y) <= (other.height - self.height) / 2
        )

    def at(self, place: Place) -> Box:
        """The same around another place."""
        return Box(*place, self.width, self.height)


@dataclass(frozen=True, slots=True)
class Tag:
    """What names a point, or several that cannot be told apart."""

    members: tuple[int, ...]
    """Which of the points, from 0."""
    point: Place
    lines: tuple[str, ...]
    """Their numbers, from 1."""
    box: Box
    """Around the point, or beside it."""

    @property
    def aside(self) -> bool:
        """Whether it stands beside its point."""
        return (self.box.x, self.box.y) != self.point

    @property
    def left(self) -> float:
        """Where it begins."""
        return round(self.box.x - self.box.width / 2, 1)

    @property
    def top(self) -> float:
        """Its upper end."""
        return round(self.box.y - self.box.height / 2, 1)

    @property
    def rows(self) -> tuple[tuple[float, str], ...]:
        """Each line with its base."""
        return tuple((round(self.top + 12.5 + LINE * row, 1), text) for row, text in enumerate(self.lines))


def tags(points: Sequence[Place], kinds: Sequence[bool], field: Box) -> tuple[Tag, ...]:
    """Name points by number so that no name hides another, or a point that another one stands for.

    Points of one kind at the same place share a tag. A tag that no other would touch stands on its point; the others
    stand beside theirs, as near as there is room. Only where the field is full do tags overlap.

    Args:
        points: Where they are.
        kinds: Of the points: a tag is of one kind.
        field: Where tags may stand beside their points.
    """
    plain = [_tag(members, points[members[0]]) for members in _groups(points, kinds)]
    crowded = {at for at, one in enumerate(plain) if any(one.box.meets(it.box) for it in plain if it is not one)}
    put = [one for at, one in enumerate(plain) if at not in crowded]
    dots = [points[member] for at in crowded for member in plain[at].members]
    for at in sorted(crowded):
        put.append(_beside(plain[at], field, put, dots))
    return tuple(sorted(put, key=lambda tag: tag.members))


def _groups(points: Sequence[Place], kinds: Sequence[bool]) -> list[list[int]]:
    """The points that share a tag, each by its place in the list."""
    found: list[list[int]] = []
    for at, point in enumerate(points):
        same = (one for one in found if kinds[one[0]] == kinds[at] and math.dist(points[one[0]], point) < _SAME)
        group = next(same, None)
        if group is None:
            found.append([at])
        else:
            group.append(at)
    return found


def _tag(members: Sequence[int], point: Place) -> Tag:
    lines = _lines([*_parts([at + 1 for at in members])])
    width = max(HEIGHT, *(_SIGN * len(line) + _PAD for line in lines)) if len(members) > 1 else HEIGHT
    return Tag(tuple(members), point, lines, Box(*point, width, HEIGHT + LINE * (len(lines) - 1)))


def _parts(numbers: Sequence[int]) -> Iterator[str]:
    """Numbers in words, three and more that follow one another as a range."""
    runs: list[list[int]] = []
    for number in numbers:
        if runs and number == runs[-1][-1] + 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    for run in runs:
        yield from [f"{run[0]}–{run[-1]}"] if len(run) >= _RUN else map(str, run)


def _lines(parts: Sequence[str]) -> tuple[str, ...]:
    return tuple(", ".join(parts[at : at + _ROW]) for at in range(0, len(parts), _ROW))


def _beside(tag: Tag, field: Box, put: Sequence[Tag], dots: Sequence[Place]) -> Tag:
    """A tag at the nearest place beside its point where it does no harm, or where it does the least."""
    ties = [(one.point, (one.box.x, one.box.y)) for one in put if one.aside]
    around = [(math.dist(tag.point, (box.x, box.y)), box) for box in _around(tag) if box.within(field)]
    best, least = tag.box, math.inf
    for far, box in sorted(around, key=itemgetter(0)):
        worst = least - far
        if worst <= 0:
            break
        harm = _harm((tag.point, (box.x, box.y)), box, put, dots, ties, worst)
        if harm < worst:
            best, least = box, harm + far
    return Tag(tag.members, tag.point, tag.lines, best)


def _around(tag: Tag) -> Iterator[Box]:
    """The places on rings around a point, the nearest first, on each from the right on upwards."""
    (x, y), box = tag.point, tag.box
    for ring in _RINGS:
        across, down = ring + (box.width - HEIGHT) / 2, ring + (box.height - HEIGHT) / 2
        for turn in range(_TURNS):
            angle = (turn + 0.5) * math.tau / _TURNS
            yield box.at((round(x + across * math.cos(angle), 1), round(y - down * math.sin(angle), 1)))


def _harm(tie: Tie, box: Box, put: Sequence[Tag], dots: Sequence[Place], ties: Sequence[Tie], worst: float) -> float:
    """How bad it is to put a tag somewhere, however far: what it hides and crosses; no count goes on past `worst`."""
    harm = _HIDDEN * (_WORST * sum(box.meets(tag.box) for tag in put) + sum(box.holds(dot, _DOT + 1) for dot in dots))
    if harm < worst:
        harm += _CROSSED * sum(_cross(tie, other) for other in ties)
    if harm < worst:
        harm += _HIDDEN * (sum(_through(tie, tag.box) for tag in put) + sum(_through(other, box) for other in ties))
    return harm


def _through(tie: Tie, box: Box) -> bool:
    """Whether a line goes through a box, or close by."""
    (x0, y0), (x1, y1) = tie
    across, down = box.width / 2 + 1, box.height / 2 + 1
    if max(x0, x1) <= box.x - across or min(x0, x1) >= box.x + across:
        return False
    if max(y0, y1) <= box.y - down or min(y0, y1) >= box.y + down:
        return False
    steps = max(1, math.ceil(math.dist(*tie) / 3))
    return any(box.holds((x0 + (x1 - x0) * n / steps, y0 + (y1 - y0) * n / steps), 1) for n in range(steps + 1))


def _cross(one: Tie, other: Tie) -> bool:
    return _divides(one, other) and _divides(other, one)


def _divides(line: Tie, other: Tie) -> bool:
    """Whether the ends of another line lie on different sides of a line."""
    (x0, y0), (x1, y1) = line
    first, last = ((x1 - x0) * (y - y0) - (y1 - y0) * (x - x0) for x, y in other)
    return first * last < 0
