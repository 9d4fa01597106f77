"""A scorer that compares the number in an answer with the expected one."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from decimal import Decimal
from typing import ClassVar

from pytest_ladder.core.canonical import Json
from pytest_ladder.core.scorers.expected import AgainstExpected
from pytest_ladder.core.scorers.options import choice
from pytest_ladder.core.scores import Outcome, Score, Unscored

_NUMBER = (
    r"(?<![\w.])"  # not inside a word (`m2`, `CO2`) nor after a point (`1.2.3`)
    r"[-+\u2212]?"
    r"(?:(?:\d{{1,3}}(?:[{group}'\u2019_\u00a0\u202f]\d{{3}})+(?!\d)|\d+)(?:{point}\d+)?|{point}\d+)"
    r"(?:[eE][-+]?\d+)?"
)


@dataclass(frozen=True, kw_only=True)
class Numeric(AgainstExpected):
    """1 if the number in the answer is near enough to the expected number, or to one of a list.

    Thousands separators count for nothing and units are passed over: `$1,234.50 a year` is 1234.5, `12 %` is 12.
    An answer without a number scores 0.
    """

    binary: ClassVar[bool] = True

    absolute: float = 0.0
    """How far it may be off, in its own unit."""
    relative: float = 0.0
    """How far it may be off, as a share of the expected number; the wider of the two tolerances holds."""
    which: str = choice("last", "first")
    """Which number of a text that has several."""
    decimal: str = choice(".", ",")
    """The decimal sign of the answer; the other one separates thousands."""

    def score(self, expected: Json, text: str, /) -> Outcome:
        """Find the number and compare."""
        accepted = [self._expected(item) for item in (expected if isinstance(expected, list) else [expected])]
        if not accepted or None in accepted:
            return Unscored("expected is not a number")
        number = self.find(text)
        if number is None:
            return Score(0.0, "no number in the answer")
        return Score(float(any(self._near(number, item) for item in accepted if item is not None)))

    def find(self, text: str) -> Decimal | None:
        """The last (or first) number of a text."""
        group = "." if self.decimal == "," else ","
        found = re.findall(_NUMBER.format(point=re.escape(self.decimal), group=re.escape(group)), text)
        if not found:
            return None
        token = found[-1 if self.which == "last" else 0].replace("\u2212", "-")
        mantissa = re.sub(rf"[{re.escape(group)}'\u2019_\u00a0\u202f]", "", token)
        return Decimal(mantissa.replace(self.decimal, "."))

    def _expected(self, value: Json) -> Decimal | None:
        if isinstance(value, str):
            return self.find(value)
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            return None
        return Decimal(str(value))

    def _near(self, number: Decimal, expected: Decimal) -> bool:
        """Compare in decimals, as the figures were written: 1.1 is within 0.1 of 1."""
        try:
            off = abs(number - expected)
            return off <= max(Decimal(str(self.absolute)), Decimal(str(self.relative)) * abs(expected))
        except ArithmeticError:
            return False
