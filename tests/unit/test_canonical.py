"""Digests are the same on every machine: the literal values here stand in committed logs."""

from __future__ import annotations

import pytest

from pytest_ladder.core.canonical import canonical, digest, normalised, rounded, short


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"b": 1, "a": [True, None, "é"]}, '{"a":[true,null,"é"],"b":1}'),
        ({"x": 1.0, "y": 0.1, "z": 1e21}, '{"x":1,"y":0.1,"z":1e+21}'),
        ("line\nline", '"line\\nline"'),
    ],
)
def test_canonical_form(value: object, expected: str):
    assert canonical(value).decode() == expected


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 2**53 + 1, {1: "a"}, {"a": object()}])
def test_what_is_no_portable_json_is_refused(value: object):
    with pytest.raises((ValueError, TypeError)):
        canonical(value)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({}, "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"),
        (
            {"id": "a", "input": "Wie heißt die Hauptstadt?"},
            "sha256:113575757216f0e3780e1e371c716e2381ae50d143b2f77835da214de1757ad9",
        ),
    ],
)
def test_digests_stay_what_they_are(value: object, expected: str):
    assert digest(value) == expected


def test_the_order_of_keys_and_the_line_ends_of_a_checkout_change_no_digest():
    assert digest({"a": "x\r\ny\rz", "b": 1}) == digest({"b": 1, "a": "x\ny\nz"})


def test_line_ends_are_mended_in_keys_and_lists_too():
    assert normalised({"a\r\nb": ["c\r", ("d\r\n",)]}) == {"a\nb": ["c\n", ["d\n"]]}


def test_figures_keep_six_decimals_and_no_negative_zero():
    assert rounded({"mean": [1 / 3, -0.0000001], "n": 3}) == {"mean": [0.333333, 0.0], "n": 3}
    assert canonical(rounded(-1e-9)) == b"0"


def test_a_short_digest_is_its_first_twelve_digits():
    assert short("sha256:44136fa355b3678a1146") == "44136fa355b3"
