"""Secrets stay out of what is written."""

from __future__ import annotations

import pytest

from pytest_ladder.store.secrets import MARK, Redactor

PLAIN = Redactor({})
KEY = "-----BEGIN RSA PRIVATE KEY-----\nMIIE\nabc=\n-----END RSA PRIVATE KEY-----"


@pytest.mark.parametrize(
    "name", ["API_KEY", "openai_api_key", "GH_TOKEN", "MY_SECRET", "DB_PASSWORD", "AZURE_CREDENTIALS"]
)
def test_values_of_variables_with_a_secret_name_are_replaced(name: str):
    assert Redactor({name: "hunter2-long"}).clean("it is hunter2-long, yes") == f"it is {MARK}, yes"


@pytest.mark.parametrize("environ", [{"API_KEY": "short"}, {"HOME": "/home/someone"}, {"API_KEY": ""}])
def test_short_values_and_other_variables_stay(environ: dict[str, str]):
    assert Redactor(environ).clean("short /home/someone") == "short /home/someone"


@pytest.mark.parametrize(
    "secret",
    [
        "sk-" + "abcDEF123456" * 3, "sk-ant-api03-" + "a1B2_" * 8, "sk-proj-" + "a1B2" * 8, "AKIA" + "ABCDEFGH12345678",
        "ghp_" + "a1" * 18, "github_pat_" + "A1_" * 10, "glpat-" + "a1b2c3d4e5f6g7h8i9j0", "xoxb-123456789012-abc",
        "AIza" + "Sy" * 16 + "abc", "hf_" + "abcDEFgh" * 4, "Bearer abcdef0123456789==", "eyJhbGciOi.eyJzdWIiOiI.c2ln",
        KEY, KEY[:40],
    ],
)  # fmt: skip
def test_well_known_forms_are_replaced(secret: str):
    assert PLAIN.clean(f"before {secret} after") in (f"before {MARK} after", f"before {MARK}")


@pytest.mark.parametrize(
    "text",
    [
        "risk-assessment-of-something-very-long-2", "a task-based-approach-to-something-1",
        "the bearer of responsibilities", "hf_short", "AKIA", "sk-learn", "eyJ.x.y",
        "Bearer of 2 letters", "-----BEGIN CERTIFICATE-----",
    ],
)  # fmt: skip
def test_ordinary_texts_stay(text: str):
    assert PLAIN.clean(text) == text


def test_a_value_within_another_leaves_no_rest():
    both = Redactor({"A_KEY": "abcdefgh", "B_KEY": "abcdefgh-and-more"})

    assert both.clean("abcdefgh-and-more abcdefgh") == f"{MARK} {MARK}"


def test_cleaning_twice_changes_nothing_more():
    awkward = Redactor({"A_KEY": "ab[secret]", "B_KEY": "01234567", "C_KEY": MARK})

    once = awkward.clean("ab01234567 01234567 [secret]")

    assert once == awkward.clean(once) == f"{MARK} {MARK} {MARK}"


def test_every_text_of_a_json_value_is_cleaned():
    redactor = Redactor({"A_KEY": "hunter2-long"})
    value = {"a": ["hunter2-long", 1, None, {"hunter2-long": True}], "b": 1.5}

    assert redactor.clean_json(value) == {"a": [MARK, 1, None, {MARK: True}], "b": 1.5}
