"""Comparisons as JSON, in reports and on their own, and the schema of both."""

from __future__ import annotations

from pytest_ladder.core.canonical import Json
from pytest_ladder.core.cases import ALL
from pytest_ladder.core.compared import Compared
from pytest_ladder.core.differences import Comparison, Difference, SliceComparison
from pytest_ladder.core.gains import Gain
from pytest_ladder.core.paired_test import Method
from pytest_ladder.core.power import detectable

_NUMBER_OR_NULL: Json = {"type": ["number", "null"]}
_P: Json = {"type": "number", "minimum": 0, "maximum": 1}
_COUNT: Json = {"type": "integer", "minimum": 0}
_IDS: Json = {"type": "array", "items": {"type": "string"}}


def gain_json(gain: Gain | None) -> Json:
    """What a rung brought over the best cheaper one; None where there is none to compare with."""
    if gain is None:
        return None
    return {
        "over": gain.over, "plateau": gain.plateau,
        "metrics": {
            metric: {**comparison_json(found), "plateaus": list(gain.plateaus(metric))}
            for metric, found in gain.metrics.items()
        },
    }  # fmt: skip


def compared_json(compared: Compared) -> Json:
    """Two rungs, compared."""
    return {
        "schema": 1, "kind": "comparison", "ladder": compared.ladder, "where": compared.where,
        "before": compared.before, "after": compared.after, "cases": compared.cases,
        "confidence": compared.confidence, "min_effect": compared.min_effect, "cluster": compared.cluster,
        "notes": list(compared.notes),
        "metrics": {metric: comparison_json(found) for metric, found in compared.metrics.items()},
    }  # fmt: skip


def comparison_json(comparison: Comparison) -> dict[str, Json]:
    """One metric: the figures of each slice, and the cases won and lost on the whole set."""
    whole = comparison.slices[ALL]
    return {
        "slices": {name: _slice(found, comparison.confidence) for name, found in comparison.slices.items()},
        "gathering": dict(comparison.gathering), "won": list(whole.won), "lost": list(whole.lost),
    }  # fmt: skip


def _slice(found: SliceComparison, confidence: float) -> Json:
    return {
        "n": found.n, "units": found.units, "before": found.before, "after": found.after,
        "difference": found.difference, "low": found.low, "high": found.high,
        "wins": found.wins, "ties": found.ties, "losses": found.losses, "win_rate": found.win_rate,
        "effect_size": found.effect_size, "p_gain": found.p_gain, "p_loss": found.p_loss,
        "adjusted_gain": found.adjusted_gain, "adjusted_loss": found.adjusted_loss, "method": str(found.method),
        "verdict": str(found.verdict), "regression": found.regression, "detectable": detectable(found, confidence),
    }  # fmt: skip


def gain_schema() -> Json:
    """The JSON Schema of what `gain_json` writes."""
    metric = _object(
        slices={"type": "object", "additionalProperties": _slice_schema()},
        gathering={"type": "object", "additionalProperties": _P,
                   "description": "Slices that hold more of the losses than chance would put there: p after Holm."},
        won={**_IDS, "description": "Cases with a higher score than the other rung, the largest gain first."},
        lost={**_IDS, "description": "Cases with a lower score, the largest loss first."},
        plateaus={**_IDS, "description": "Slices in which nothing of min_effect is left to gain."},
    )  # fmt: skip
    found = _object(
        over={"type": "string", "description": "The best cheaper rung."},
        plateau={"type": "boolean", "description": "Whether all metrics have levelled off on the whole set."},
        metrics={"type": "object", "additionalProperties": metric},
    )  # fmt: skip
    return {**found, "description": "Over the best cheaper rung, on the cases that both answered."}


def _slice_schema() -> Json:
    return _object(
        n={**_COUNT, "description": "Pairs."}, units={**_COUNT, "description": "Clusters, or pairs without them."},
        before=_NUMBER_OR_NULL, after=_NUMBER_OR_NULL, difference=_NUMBER_OR_NULL,
        low=_NUMBER_OR_NULL, high=_NUMBER_OR_NULL, wins=_COUNT, ties=_COUNT, losses=_COUNT,
        win_rate={**_NUMBER_OR_NULL, "description": "Share of pairs won, a tie counting one half."},
        effect_size=_NUMBER_OR_NULL, p_gain=_P, p_loss=_P, adjusted_gain=_P, adjusted_loss=_P,
        method={"enum": [str(method) for method in Method]}, verdict={"enum": [str(v) for v in Difference]},
        regression={"type": "boolean"},
        detectable={**_NUMBER_OR_NULL, "description": "The smallest difference that would have shown at 80 % power."},
    )  # fmt: skip


def _object(**properties: Json) -> Json:
    return {"type": "object", "additionalProperties": False, "required": list(properties), "properties": properties}
