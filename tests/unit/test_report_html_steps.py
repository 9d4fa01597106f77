"""The steps of answers in the HTML report, as its script gets them: cut, bounded, and harmless."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from pytest_ladder.core.answers import Answer
from pytest_ladder.core.canonical import Json
from pytest_ladder.core.case_summary import CaseSummary, Details, RungCase
from pytest_ladder.report.html.render import render_html
from pytest_ladder.report.html.steps import LEFT_OUT, MOST_BYTES, MOST_LINES, SIGNS
from tests.pages import Page
from tests.summaries import run
from tests.tracing import AGENT, DECOMPOSED, GUARDED
from tests.unit.test_report_html import FULL
from tests.unit.test_report_html_hostile import HOSTILE

TITLES = {"KB-1876": "Order 5316", "KB-2210": "The warranty of the Vista lamp"}
RUNG = 2
"""Place of `rag` in the data of a case."""


def case(*answers: Answer, name: str = "c-1", failed: bool = True, evidence: tuple[str, ...] = ()) -> CaseSummary:
    found = RungCase({"answer": 0.0 if failed else 1.0}, failed, "unknown" if failed else "", "said", "", answers)
    right = RungCase({"answer": 0.0}, True, "facts", "else")
    return CaseSummary(name, (), {"prompt": right, "rag": found}, "asked", "expected", evidence)


def html_of(*cases: CaseSummary, titles: Mapping[str, str] | None = None, **parts: Any) -> str:
    return render_html(run(replace(FULL, details=Details(cases, documents=titles or {}), **parts)))


class Data:
    """What a page's script reads, put together again."""

    def __init__(self, html: str) -> None:
        self.page = Page(html)
        self.data = self.page.data()
        self.rung = self.data["rungs"].index("rag")

    def text(self, at: int) -> Json:
        return self.data["texts"][at] if at >= 0 else ""

    def raw(self, at: int = 0) -> Any:
        one = self.data["cases"][at][4][self.rung]
        return one[4] if len(one) > 4 else None

    def lines(self, at: int = 0, way: int = 0) -> list[dict[str, Any]]:
        return [self.line(line) for line in self.raw(at)[way][2]]

    def line(self, line: list[Any]) -> dict[str, Any]:
        name, part, asked, result, note, tone, more, *found = line
        pairs = [(self.data["documents"][found[at]], found[at + 1]) for at in range(0, len(found), 2)]
        return {
            "name": self.data["steps"][name], "part": part, "asked": self.text(asked), "result": self.text(result),
            "note": self.text(note), "tone": tone, "more": more, "found": pairs,
        }  # fmt: skip


def test_each_step_is_there_with_its_texts_and_documents():
    data = Data(html_of(case(DECOMPOSED, evidence=("KB-1876", "KB-2210")), titles=TITLES))

    lines = data.lines()
    assert [f"{line['part']} {line['name']}".strip() for line in lines] == [
        "plan", "1 search", "1 answer", "2 search", "2 answer", "merge",
    ]  # fmt: skip
    assert lines[1]["asked"] == "Which product is in order 5316?"
    assert lines[1]["found"] == [(["KB-1876", "Order 5316"], "10.56"), (["KB-4703", ""], "5.316")]
    assert lines[2]["result"] == "The Vista lamp [KB-1876]."
    assert [data.data["documents"][at][0] for at in data.data["cases"][0][5]] == ["KB-1876", "KB-2210"]


def test_a_refusal_and_a_failure_have_a_tone():
    lines = Data(html_of(case(AGENT))).lines()

    assert [line["tone"] for line in lines[:3]] == [0, 2, 1]
    assert lines[1]["asked"] == 'refund(amount=250, order="8")'


def test_several_answers_say_how_many_came_about_in_one_way():
    raw = Data(html_of(case(DECOMPOSED, GUARDED, DECOMPOSED))).raw()

    assert [told for told, *_ in raw] == ["2 of 3 answers", "1 of 3 answers"]
    assert [told for told, *_ in Data(html_of(case(DECOMPOSED, DECOMPOSED))).raw()] == [""]


def test_an_answer_without_steps_has_none():
    data = Data(html_of(case(Answer("yes"))))

    assert data.raw() is None
    assert data.data["steps"] == []


def test_a_long_text_is_cut_and_says_how_much_is_left_out():
    answer = replace(AGENT, steps=({"step": "tool", "name": "dump", "arguments": {}, "result": "x" * 100_000},))

    (line, *_) = Data(html_of(case(answer))).lines()

    assert line["result"] == ["x" * SIGNS[0], 100_000 - SIGNS[0]]


def test_of_too_many_steps_the_first_are_shown_and_the_others_counted():
    answer = Answer("x", steps=tuple({"step": "rewrite", "query": f"q{n}"} for n in range(MOST_LINES + 7)))

    ((_, more, lines),) = Data(html_of(case(answer))).raw()

    assert (more, len(lines)) == (7, MOST_LINES)


def test_of_too_many_documents_the_others_are_counted():
    found = [{"rank": n, "id": f"d{n}", "score": 1} for n in range(100)]
    answer = Answer("x", retrieved=("d0",), steps=({"step": "search", "query": "q", "found": found},))

    line = Data(html_of(case(answer, evidence=("d90",)))).lines()[0]

    assert [document[0] for document, _ in line["found"]] == [*(f"d{n}" for n in range(20)), "d90"]
    assert line["more"] == 79


def test_texts_are_there_once_and_the_text_of_a_case_is_not_cut_for_its_steps():
    long = "y" * 3_000
    answers = [
        Answer(long, steps=({"step": "answer", "question": "asked", "answer": long, "part": n},)) for n in range(2)
    ]
    first = replace(case(answers[0]), input=long)
    many = [case(Answer("x", steps=({"step": "rewrite", "query": f"{n}" * 4_000},))) for n in range(2_500)]

    texts = Data(html_of(first, *many)).data["texts"]

    assert texts.count(long) == 1
    assert max(len(text[0]) for text in texts if isinstance(text, list)) == SIGNS[1]


def test_where_there_is_no_room_failed_answers_are_served_first():
    steps = lambda n: tuple({"step": "rewrite", "query": f"{n} {at} " + "<" * 240} for at in range(MOST_LINES))  # noqa: E731
    cases = [
        case(Answer("x", steps=steps(n)), name=f"c-{n}", failed=n % 2 == 1) for n in range(200)
    ]  # fmt: skip

    html = html_of(*cases)

    data = Data(html)
    shown = [n for n in range(200) if data.raw(n) != LEFT_OUT]
    assert shown == [n for n in range(200) if n % 2][: len(shown)]
    assert 0 < len(shown) < 100
    assert len(html.encode()) < MOST_BYTES * 1.2


def test_no_label_however_long_fills_the_page():
    long = "z" * 100_000
    step = {"step": long, "part": long, "found": [{"id": long, "score": long}]}

    html = html_of(case(Answer("x", retrieved=(long,), steps=(step, {**step, "step": "search"})), evidence=(long,)))

    assert len(html) < 150_000


@pytest.mark.parametrize("text", [*HOSTILE, "a\x1b[31mb\u202ec\0\ud800"])
def test_a_hostile_text_in_a_step_is_data_wherever_it_stands(text: str):
    steps: tuple[Json, ...] = (
        {"step": text, "part": text, text: text},
        {"step": "tool", "name": text, "arguments": {text: text}, "result": text, "at": text},
        {"step": "refused", "name": text, "arguments": text, "error": text},
        {"step": "search", "query": text, "found": [{"rank": 1, "id": text, "score": text}]},
        text,
    )
    harmless = [str(n) for n in range(2)]
    pages = [
        Page(html_of(case(Answer(said, retrieved=(said,), steps=made, validation=said), evidence=(said,)),
                     titles={said: said}))
        for said, made in ((text, steps), (harmless[0], ({"step": "tool", "name": "f"}, "x")))
    ]  # fmt: skip

    assert pages[0].faults == []
    shapes = [[(e.tag, tuple(sorted(e.attributes))) for e in page.elements] for page in pages]
    assert shapes[0] == shapes[1]
    read = Data(pages[0].source)
    assert len(read.lines()) == len(steps) + 1
    if text in HOSTILE:
        assert read.lines()[0]["note"] == f"{text}: {text}"


def test_under_ids_no_step_is_in_the_file():
    told = "canary-in-a-step"
    answer = Answer(told, retrieved=(told,), steps=({"step": told, told: told},))
    cases = (replace(case(answer, evidence=(told,)), input=None, expected=None),)

    assert told in html_of(*cases, titles={told: told})
    assert told not in html_of(*cases, titles={told: told}, show="ids")
