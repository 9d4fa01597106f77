"""Several questions at once: how sure each must be, so that all of them together are as sure as was promised.

Three cases, which must not be mixed up:

- *Every* slice must hold at once ("met"): an intersection-union test. Each slice is tested at the full level, and the
  claim of all of them is wrong at most as often. No correction.
  Source: Berger, "Multiparameter hypothesis testing and acceptance sampling", Technometrics 24 (1982).
- *Any* slice may raise the alarm ("short", a regression): a union. Holm.
- *Any* of K rungs may be named the lever: a union over rungs. Each gets an equal share of the error, after Bonferroni.
"""

from __future__ import annotations

from collections.abc import Mapping

from pytest_ladder.errors import InvalidRequest, message


def holm(p_values: Mapping[str, float]) -> dict[str, float]:
    """Adjust p-values so that the chance of any false alarm stays at the level they are held against.

    Returns:
        The same names in the same order; each value at least the one given, at most 1. Reject where it is at most
        1 - confidence.

    Source: Holm, "A simple sequentially rejective multiple test procedure", Scandinavian Journal of Statistics 6
    (1979). It holds whatever the dependence: slices share cases.

    Raises:
        InvalidRequest: a p-value outside 0 to 1.
    """
    for name, p in p_values.items():
        if not 0.0 <= p <= 1.0:
            raise InvalidRequest(message(f"p-value of {name!r}", "it is out of range", got=p, expected="0 to 1"))
    adjusted: dict[str, float] = {}
    least = 0.0
    for rank, name in enumerate(sorted(p_values, key=lambda name: p_values[name])):
        least = max(least, min(1.0, (len(p_values) - rank) * p_values[name]))
        adjusted[name] = least
    return {name: adjusted[name] for name in p_values}


def shared(confidence: float, parts: int) -> float:
    """The confidence that each of so many claims takes, so that all of them hold at `confidence`.

    The lever is the first rung found to meet the target. At the plain confidence six rungs that all lie just below
    it yield a false lever in about a quarter of the climbs. With equal shares, 1 - (1 - confidence) / parts, at most
    1 - confidence do, whatever the rungs have in common.

    Source: Bonferroni's inequality, as in Dunn, "Multiple comparisons among means", Journal of the American
    Statistical Association 56 (1961).

    Raises:
        InvalidRequest: less than one part, or a confidence outside 0.5 to 1.
    """
    if parts < 1:
        raise InvalidRequest(message("confidence", "there is nothing to share it", got=parts, expected="at least one"))
    if not 0.5 <= confidence < 1.0:
        raise InvalidRequest(message("confidence", "it is out of range", got=confidence, expected="0.5 to 1"))
    return confidence if parts == 1 else 1 - (1 - confidence) / parts
