"""How every number is written; the one home of formats.

| what | rule | looks like |
|---|---|---|
| score | three decimals; more where three would show it as 0, 1 or its threshold, which it is not | `0.974`, `0.8996` |
| interval | two decimals a bound, more by the same rule | `[0.94, 0.99]` |
| difference | as a score and its interval, with their signs | `+0.729`, `[+0.68, +0.77]` |
| p-value | three decimals; more where three would show it as 0.05, which it is not | `0.012`, `<0.001` |
| threshold | at least two decimals, as many as it was declared with, at most six | `0.90`, `0.995` |
| limit | as a threshold, with its unit | `$0.01`, `2.00 s` |
| against a limit | two decimals of a second, four of a dollar, or as scores or money ask | `1.30 s`, `$0.0021` |
| money | two decimals from a dollar up, four below, two significant digits below $0.0001 | `$12.30`, `$0.0123` |
| tokens | as they are below a thousand, then k, M and G with one decimal | `840`, `12.3k`, `1.2M` |
| seconds | milliseconds below one, then seconds, then minutes, then hours | `340 ms`, `1.24 s`, `2 min 05 s` |
| count | commas between thousands | `12,345` |
| percent | no decimals where it is whole | `95 %`, `97.5 %` |
| confidence | a percentage, rounded down to a tenth | `99.1 %` |

What is absent or not finite is written `-`. Every form is ASCII.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

MISSING = "-"
_MOST_DECIMALS = 6


def _absent(value: float | None) -> bool:
    return value is None or not math.isfinite(value)


def _near(value: float, decimals: int, marks: Iterable[float]) -> str:
    """Round, with more decimals while the text would equal a mark that the value is not."""
    distinct = [mark for mark in marks if abs(mark - value) > 0.5 * 10**-_MOST_DECIMALS]
    for places in range(decimals, _MOST_DECIMALS + 1):
        text = f"{value:.{places}f}"
        if all(float(text) != round(mark, places) for mark in distinct):
            break
    return text


def score(value: float | None, *, threshold: float | None = None) -> str:
    """Write a mean score; never rounded on to a threshold that it is not at."""
    if value is None or _absent(value):
        return MISSING
    return _near(value, 3, (0.0, 1.0) if threshold is None else (0.0, 1.0, threshold))


def bound(value: float | None, *, threshold: float | None = None) -> str:
    """Write one bound of an interval."""
    if value is None or _absent(value):
        return MISSING
    return _near(value, 2, () if threshold is None else (threshold,))


def interval(low: float | None, high: float | None, *, threshold: float | None = None) -> str:
    """Write an interval; empty where neither bound is known."""
    if _absent(low) and _absent(high):
        return ""
    return f"[{bound(low, threshold=threshold)}, {bound(high, threshold=threshold)}]"


def difference(value: float | None, decimals: int = 3) -> str:
    """Write a difference of two scores with its sign; never rounded to 0, which it is not."""
    if value is None or _absent(value):
        return MISSING
    text = _near(value, decimals, (0.0,))
    return f"{'+' if float(text) > 0 else ''}{text}" if float(text) else text.lstrip("-")


def reach(low: float | None, high: float | None) -> str:
    """Write the interval of a difference; empty where neither bound is known."""
    if _absent(low) and _absent(high):
        return ""
    return f"[{difference(low, 2)}, {difference(high, 2)}]"


def p_value(p: float) -> str:
    """Write a p-value."""
    return "<0.001" if p < 0.001 else _near(p, 3, (0.05, 1.0))


def threshold(value: float) -> str:
    """Write a threshold as it was declared, with at least two decimals."""
    if _absent(value):
        return MISSING
    text = f"{value:.{_MOST_DECIMALS}f}".rstrip("0")
    whole, _, decimals = text.partition(".")
    return f"{whole}.{decimals:0<2}"


def money(usd: float | None) -> str:
    """Write US dollars."""
    if usd is None or _absent(usd):
        return MISSING
    sign, size = ("-" if usd < 0 else ""), abs(usd)
    if size == 0 or size >= 0.995:
        return f"{sign}${size:,.2f}"
    if size >= 0.000995:
        return f"{sign}${size:.4f}"
    return f"{sign}${size:.{1 - math.floor(math.log10(size))}f}" if size >= 1e-9 else f"{sign}<$0.000000001"


def tokens(value: float | None) -> str:
    """Write a number of tokens."""
    if value is None or _absent(value):
        return MISSING
    if abs(value) < 999.5:
        return f"{value:.0f}"
    for unit in ("k", "M", "G"):
        value /= 1000
        if abs(value) < 999.95 or unit == "G":
            break
    return f"{value:,.1f}{unit}"


def seconds(value: float | None) -> str:
    """Write a duration."""
    if value is None or _absent(value):
        return MISSING
    if value < 0.9995:
        return f"{value * 1000:.0f} ms" if value >= 0.00995 or value <= 0 else f"{value * 1000:.1f} ms"
    if value < 59.95:
        return f"{value:.2f} s" if value < 9.995 else f"{value:.1f} s"
    whole = round(value)
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600:,} h {whole % 3600 // 60:02d} min"


def count(value: float | None) -> str:
    """Write a whole number."""
    return MISSING if value is None or _absent(value) else f"{value:,.0f}"


def percent(share: float | None) -> str:
    """Write a share from 0 to 1 as a percentage."""
    if share is None or _absent(share):
        return MISSING
    text = f"{share * 100:.1f}"
    return f"{text.removesuffix('.0')} %"


def level(confidence: float) -> str:
    """Write a confidence to a tenth of a per cent, rounded down: `99.1 %`."""
    return percent(math.floor(confidence * 1000 + 1e-9) / 1000)


def plural(value: int, one: str, many: str | None = None) -> str:
    """Write a count with its noun: `1 case`, `2 cases`."""
    return f"{count(value)} {one if value == 1 else many or one + 's'}"


def asked(answered: int, cases: int) -> str:
    """How far a rung got that ended early: `asked 120 of 240: certain`."""
    return f"asked {count(answered)} of {count(cases)}: certain"


def ceiling(name: str, value: float | None, *, limit: float | None = None) -> str:
    """Write a limit's measured value: latencies in seconds, all else in dollars; never rounded on to the limit."""
    if value is None or _absent(value):
        return MISSING
    marks = () if limit is None else (limit,)
    if _is_latency(name):
        return f"{_near(value, 2, marks)} s"
    near = _near(value, 4, marks)
    return f"${near}" if float(near) or not value else money(value)


def limit(name: str, value: float) -> str:
    """Write a limit as it was declared, with its unit."""
    if _is_latency(name):
        return f"{threshold(value)} s"
    return f"${threshold(value)}" if value >= 10**-_MOST_DECIMALS else money(value)


def _is_latency(name: str) -> bool:
    return name.startswith("latency")
