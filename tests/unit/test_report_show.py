"""One case on a terminal: what it asks, and how each rung came to its answer."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pytest_ladder.core.answers import Answer
from pytest_ladder.core.case_summary import CaseSummary, RungCase, ShownCase
from pytest_ladder.report.show import MOST_SIGNS, render_case
from tests.tracing import AGENT, DECOMPOSED, GUARDED, OWN

RAG = RungCase({"answer": 0.0, "found": 0.5}, True, "reasoning", "Vista lamp", "answer: not the same",
               (Answer("Vista lamp", retrieved=("KB-1876",)),))  # fmt: skip
PARTS = RungCase({"answer": 1.0, "found": None}, False, "", "24 months [KB-2210]", "", (DECOMPOSED,))
CASE = CaseSummary(
    "c-1", ("orders", "two-step"), {"rag": RAG, "decompose": PARTS}, "How long is order 5316 covered?",
    "24 months", ("KB-1876", "KB-2210"),
)  # fmt: skip
SHOWN = ShownCase(
    "support", "evals/support/ladder.toml", CASE, "text", steps=("Which product? → Vista lamp",),
    tools=('refund(order="8")',), documents={"KB-1876": "Order 5316", "KB-2210": "The warranty of the Vista lamp"},
    absent={"fine_tune": "its answers are not on record"},
)  # fmt: skip


def text(
    shown: ShownCase = SHOWN, *, width: int = 100, color: bool = False, unicode: bool = True, **parts: bool
) -> str:
    return render_case(shown, width=width, color=color, unicode=unicode, **parts)


def told(shown: ShownCase = SHOWN, **parts: bool) -> list[str]:
    return [" ".join(line.split()) for line in text(shown, **parts).splitlines()]


def test_a_metric_that_does_not_apply_is_told_apart_from_a_score_that_is_lacking():
    found = RungCase({"answer": 1.0, "found": None, "judged": None}, False, apart=("found",))

    text = " ".join(told(replace(SHOWN, case=replace(CASE, rungs={"prompt": found}))))

    assert "prompt: right, answer 1.000, found n/a, judged unscored" in text


def of(answer: Answer, **parts: str) -> ShownCase:
    found = RungCase({"answer": 0.0}, True, "tool_use", answer.text, "", (answer,))
    return replace(SHOWN, case=replace(CASE, rungs={"agent": found}), absent={}, **parts)


def test_the_whole_of_a_case():
    assert text().splitlines()[1:] == [
        "  slices          orders, two-step",
        "  input           How long is order 5316 covered?",
        "  expected        24 months",
        "  steps           Which product? → Vista lamp",
        '  tools           refund(order="8")',
        "  evidence        ✓ KB-1876  Order 5316",
        "                  ✓ KB-2210  The warranty of the Vista lamp",
        "",
        "  rag: fails, answer 0.000, found 0.500, kind reasoning",
        "    answer        Vista lamp",
        "    note          answer: not the same",
        "    retrieved     ✓ KB-1876  Order 5316",
        "    missing       evidence of the case that was not retrieved",
        "                    KB-2210  The warranty of the Vista lamp",
        "",
        "  decompose: right, answer 1.000, found unscored",
        "    answer        24 months [KB-2210]",
        "    plan          1. Which product is in order 5316?",
        "                  2. What is the warranty of #1?",
        "    1 search      Which product is in order 5316?",
        "                  ✓ KB-1876  10.56  Order 5316",
        "                    KB-4703  5.316",
        "    1 answer      Which product is in order 5316?",
        "                  → The Vista lamp [KB-1876].",
        "    2 search      What is the warranty of The Vista lamp?",
        "                  ✓ KB-2210  12.7  The warranty of the Vista lamp",
        "                    KB-9395  10.3",
        "    2 answer      What is the warranty of The Vista lamp?",
        "                  → 24 months [KB-2210]",
        "                  finish_reason: length",
        "    merge         parts: 2",
        "",
        "  fine_tune: its answers are not on record",
    ]


def test_calls_refusals_and_failures_are_told():
    lines = told(of(AGENT))

    at = lines.index('refused call refund(amount=250, order="8")')
    assert lines[at + 1 : at + 3] == [
        "→ the rules forbid it: amount: 250 is greater than the maximum of 100", "rule: arguments",
    ]  # fmt: skip
    assert 'call look_up(fields=["state", "days"], order="8")' in lines
    assert "→ KeyError: '8'" in lines


def test_a_refusal_stands_out_in_colour():
    coloured = text(of(AGENT), color=True)

    assert "\x1b[1;31mrefused call" in coloured
    assert "\x1b" not in text(of(AGENT))


def test_several_answers_are_told_apart():
    case = replace(CASE, rungs={"rag": replace(RAG, answers=(GUARDED, OWN, GUARDED))})

    lines = told(replace(SHOWN, case=case))

    assert lines.index("2 of 3 answers:") < lines.index("1 of 3 answers:")
    assert lines.count("think thought: hm, took: 0.2") == 1


def test_a_long_text_is_cut_and_says_how_much_is_left_out():
    long = of(replace(AGENT, steps=({"step": "tool", "name": "dump", "arguments": {}, "result": "x" * 5_000},)))

    assert f"[cut here: {5_000 - MOST_SIGNS:,} characters left out; --whole shows them]" in told(long)
    assert text(long).count("x") < MOST_SIGNS + 50
    assert text(long, whole=True).count("x") >= 5_000
    assert "left out" not in text(long, whole=True)


def test_lines_of_a_text_stay_lines_and_nothing_in_it_steers_the_screen():
    hostile = of(Answer("one\ntwo\r\n\x1b[2Jthree\u202e\x07[bold]four[/bold]"))

    lines = told(hostile)

    at = lines.index("answer one")
    assert lines[at + 1 : at + 3] == ["two", "[2Jthree [bold]four[/bold]"]


def test_under_ids_it_says_that_texts_are_left_out():
    bare = replace(CASE, input=None, expected=None, rungs={"rag": RungCase({"answer": 0.0}, True, "facts")})

    assert told(replace(SHOWN, case=bare, show="ids", steps=(), tools=(), documents={}, absent={}))[1:] == [
        "slices orders, two-step", "evidence ✓ KB-1876", "✓ KB-2210",
        'texts and steps are left out: [privacy] show = "ids"', "", "rag: fails, answer 0.000, kind facts",
    ]  # fmt: skip


@pytest.mark.parametrize("width", [20, 40, 60, 100])
def test_a_screen_of_any_width_and_without_unicode(width: int):
    lines = text(width=width, unicode=False).splitlines()

    assert max(map(len, lines)) <= max(width, 40)
    assert "\n".join(lines).isascii()
