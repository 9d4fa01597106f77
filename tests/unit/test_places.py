"""How messages name a key of ladder.toml."""

from __future__ import annotations

import pytest

from pytest_ladder.core.names import nearest, unknown
from pytest_ladder.core.places import Lines, Source
from pytest_ladder.store.toml_lines import locate

TEXT = """\
name = "x"

[thresholds]
answer = { all = 0.9, "policy-edge" = 0.8 }

[rungs.rag]
prompt = "a.md"

[[waiver]]
reason = "r"
"""


@pytest.mark.parametrize(
    ("path", "told"),
    [
        (("name",), "evals/ladder.toml:1: name"),
        (("thresholds", "answer", "policy-edge"), "evals/ladder.toml:4: [thresholds] answer.policy-edge"),
        (("rungs", "rag"), "evals/ladder.toml:6: [rungs.rag]"),
        (("rungs", "rag", "prompt"), "evals/ladder.toml:7: [rungs.rag] prompt"),
        (("rungs", "rag", "corpus"), "evals/ladder.toml:6: [rungs.rag] corpus"),
        (("waiver", 0, "reason"), "evals/ladder.toml:10: [waiver] reason"),
        (("limits", "latency_p95"), "evals/ladder.toml:1: limits.latency_p95"),
        ((), "evals/ladder.toml:1"),
    ],
)
def test_a_key_is_named_with_its_line_and_its_table(path: tuple[str | int, ...], told: str):
    assert Source("evals/ladder.toml", locate(TEXT)).at(*path) == told


@pytest.mark.parametrize(
    ("path", "told"),
    [
        (("name",), "ladder.toml: name"),
        (("thresholds", "answer", "all"), "ladder.toml: [thresholds] answer.all"),
        (("rungs", "rag", "prompt"), "ladder.toml: [rungs.rag] prompt"),
        ((), "ladder.toml"),
    ],
)
def test_without_the_text_a_key_is_named_without_a_line(path: tuple[str, ...], told: str):
    assert Source().at(*path) == told


def test_in_an_empty_file_everything_is_missing_on_its_first_line():
    assert Source("ladder.toml", Lines()).at("schema") == "ladder.toml:1: schema"


@pytest.mark.parametrize(("name", "near"), [("RAG", "rag"), ("fewshot", "few_shot"), ("zebra", None)])
def test_the_nearest_name_is_found_whatever_its_case(name: str, near: str | None):
    assert nearest(name, ("prompt", "few_shot", "rag")) == near


def test_an_unknown_name_is_told_with_the_known_ones():
    assert unknown("here", "rung", "Rag", ["prompt", "rag"]) == (
        "here: unknown rung, got 'Rag'; expected one of prompt, rag. Did you mean 'rag'?"
    )
