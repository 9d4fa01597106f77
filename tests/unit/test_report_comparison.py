"""Comparisons in words, tables and JSON."""

from __future__ import annotations

import jsonschema
import pytest

from pytest_ladder.core.compared import Compared
from pytest_ladder.core.gains import Gain
from pytest_ladder.core.pairing import Pairs, compare_family
from pytest_ladder.report.compare import render_compare
from pytest_ladder.report.comparison import gain_words, listed
from pytest_ladder.report.comparison_json import compared_json, gain_json, gain_schema
from pytest_ladder.report.json_report import dump

IDS = [f"c{i:02}" for i in range(80)]


def pairs(wins: int, losses: int, **slices: list[str]) -> Pairs:
    before = {id_: 0.0 if i < wins else 1.0 for i, id_ in enumerate(IDS)}
    after = {id_: 0.0 if wins <= i < wins + losses else 1.0 for i, id_ in enumerate(IDS)}
    return Pairs(before, after, {"all": IDS, **slices})


def gain(min_effect: float = 0.0, **metrics: Pairs) -> Gain:
    return Gain("prompt", compare_family(metrics, min_effect=min_effect))


def compared(**parts: Pairs) -> Compared:
    metrics = compare_family(parts)
    return Compared("support", "evals/ladder.toml", "prompt", "rag", 80, metrics, 0.95, 0.0)


def shown(found: Compared, width: int = 100, *, unicode: bool = True, cases: int | None = 5) -> str:
    return render_compare(found, width=width, color=False, unicode=unicode, cases=cases)


def test_metrics_that_fare_alike_are_told_together():
    assert gain_words(gain(answer=pairs(8, 0), note=pairs(9, 0))) == (
        "better than prompt: answer +0.100 [+0.04, +0.17], note +0.113 [+0.05, +0.19]"
    )


def test_the_other_rung_is_named_once():
    told = gain_words(gain(answer=pairs(8, 0), note=pairs(4, 4), tone=pairs(1, 1)))

    assert told.startswith("better than prompt: answer +0.100 [")
    assert "; no difference shown: note 0.000 [" in told
    assert "; too few pairs: tone 0.000 [" in told
    assert told.count("prompt") == 1


def test_a_plateau_takes_the_place_of_no_difference():
    assert gain_words(gain(0.5, answer=pairs(4, 4))).startswith("plateau over prompt: answer 0.000 [")


def test_a_slice_that_got_worse_is_named_though_the_whole_did_not():
    found = gain(answer=pairs(8, 8, late=IDS[8:40]))

    assert gain_words(found).endswith("; worse in answer[late]")


@pytest.mark.parametrize(("most", "text"), [(None, "a, b, c"), (3, "a, b, c"), (1, "a and 2 more")])
def test_ids_are_listed_up_to_a_number(most: int | None, text: str):
    assert listed(["a", "b", "c"], most) == text


@pytest.mark.parametrize("width", [40, 60, 100, 140])
@pytest.mark.parametrize("unicode", [True, False])
def test_no_line_is_wider_than_the_screen_and_nothing_is_cut(width: int, unicode: bool):
    found = compared(answer=pairs(8, 1, late=IDS[40:]), note=pairs(0, 0))

    text = shown(found, width, unicode=unicode)

    assert max(map(len, text.splitlines())) <= width
    assert unicode or text.isascii()
    flat = "".join(text.split())
    for part in ("better", "nodifferenceshown", "0.900", "0.988", "+0.087", "lost1c08", "and3more"):
        assert part in flat


def test_no_ids_where_none_are_asked_for():
    assert "lost" not in shown(compared(answer=pairs(0, 8)), cases=0).split("worse")[1]


def test_slices_where_losses_gather_stand_below_the_table():
    told = " ".join(shown(compared(answer=pairs(0, 8, early=IDS[:12]))).split())

    assert "losses gather in early (p <0.001)" in told


def test_json_of_a_gain_fits_its_schema_and_holds_every_id():
    found = gain(0.5, answer=pairs(4, 4, late=IDS[40:]))

    value = gain_json(found)

    jsonschema.validate(value, gain_schema())
    assert value["plateau"] is True
    assert value["metrics"]["answer"]["won"] == IDS[:4]
    assert value["metrics"]["answer"]["plateaus"] == ["all", "late"]
    assert gain_json(None) is None


def test_what_is_not_finite_is_null_in_json():
    graded = Pairs({"a": 0.1, "b": 0.3}, {"a": 0.2, "b": 0.4}, {"all": ["a", "b"]})

    assert '"effect_size": null' in dump(compared_json(compared(answer=graded)))
