"""The HTML report with texts that mean harm, that are private, or that are too long."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from pytest_ladder.core.case_summary import CaseSummary, Details, RungCase
from pytest_ladder.core.summary import LadderSummary
from pytest_ladder.report.html.payload import MOST_BYTES, MOST_SIGNS, most_signs, script_json
from pytest_ladder.report.html.render import render_html
from pytest_ladder.report.html.texts import visible
from tests.pages import Page
from tests.summaries import LADDER, RAG, REFUSALS, run
from tests.unit.test_report_html import DETAILS, FULL

HOSTILE = (
    "<script>alert(1)</script>",
    "</script><script>alert(1)</script>",
    "<!--<script>",
    "<img src=x onerror=alert(1)>",
    '" onmouseover="alert(1)" x=\'',
    "' onfocus='alert(1)",
    "</title></style></noscript><svg/onload=alert(1)>",
    "{{ 7 * 7 }}{% raw %}",
    "javascript:alert(1)",
    "]]><x>&lt;b&gt;&#60;",
)


def case(text: str, **parts: str) -> CaseSummary:
    found = RungCase({"answer": 0.0}, True, "unknown", text, text)
    return replace(CaseSummary("c-1", ("s",), {"rag": found}, text, text), **parts)


def everywhere(text: str) -> LadderSummary:
    """A ladder that says a text wherever there is one."""
    entry = FULL.rows[2].entry
    assert entry is not None
    scores = {text: {"all": entry.scores["answer"]["all"], text: entry.scores["answer"]["all"]}}
    entry = replace(entry, rung=text, scores=scores, model_returned=(text,), reason=text, artifacts={text: text})
    cases = (replace(case(text), case=text, slices=(text,), rungs={text: case(text).rungs["rag"]}),)
    return replace(
        FULL, name=text, where=text, task=text, decided=text, recommendation=text, notes=(text,), failures=(text,),
        waivers=(text,), too_few=(text,), checklist={text: text}, thresholds={text: {"all": 0.9, text: 0.5}},
        refusals=tuple(replace(refusal, reason=text, mend=text) for refusal in REFUSALS), requested=True,
        rows=(replace(RAG, id=text, note=text, entry=replace(entry, diagnosis={text: 3})),), selected=text,
        details=replace(DETAILS, cases=cases, entries=(entry,)),
    )  # fmt: skip


def shape(page: Page) -> list[tuple[str, tuple[str, ...]]]:
    return [(e.tag, tuple(sorted(e.attributes))) for e in page.elements]


@pytest.mark.parametrize("text", HOSTILE)
def test_a_hostile_text_is_text_wherever_it_stands(text: str):
    read = Page(render_html(run(everywhere(text))))

    assert read.faults == []
    assert shape(read) == shape(Page(render_html(run(everywhere("harmless")))))
    assert text in read.one("noscript").text
    assert read.data()["texts"] == [text]


@pytest.mark.parametrize("sign", ["<", ">", "&", "\u2028", "\u2029"])
def test_no_sign_in_the_data_is_one_to_html_or_a_line_end_to_a_script(sign: str):
    written = script_json({"a": f"x{sign}y", sign: [sign]})

    assert sign not in written
    assert json.loads(written) == {"a": f"x{sign}y", sign: [sign]}


def test_half_a_surrogate_pair_does_not_stop_the_report():
    read = Page(render_html(run(everywhere("a\ud800b"))))

    assert read.data()["texts"] == ["a⟨U+D800⟩b"]


@pytest.mark.parametrize(("text", "seen"), [
    ("a\0b", "a␀b"),
    ("a\x1b[31mb", "a␛[31mb"),
    ("a\u202etxt.exe", "a⟨U+202E⟩txt.exe"),
    ("a\u200bb\ufeff", "a⟨U+200B⟩b⟨U+FEFF⟩"),
    ("a\r\nb\rc\u2028d\te", "a\nb\nc\nd\te"),
    ("\x85\x7f", "⟨85⟩␡"),
    ("naïve 日本 👩\u200d🚀 \u00a0.", "naïve 日本 👩\u200d🚀  ."),
])  # fmt: skip
def test_invisible_signs_are_shown(text: str, seen: str):
    assert visible(text) == seen


def test_a_text_of_a_million_signs_is_cut_and_the_page_knows_how_long_it_was():
    html = render_html(run(replace(FULL, details=Details(cases=(case("x" * 1_000_000),)))))

    assert len(html) < 200_000
    assert Page(html).data()["texts"] == [["x" * MOST_SIGNS, 1_000_000 - MOST_SIGNS]]


def test_where_all_texts_together_are_too_many_each_is_cut_shorter():
    cases = tuple(case(f"{n:05} " + '<"\n' * 1300, case=f"c-{n}") for n in range(4000))
    ladder = replace(FULL, details=Details(cases=cases))

    most = most_signs([ladder])

    assert 200 <= most < MOST_SIGNS
    assert len(render_html(run(ladder)).encode()) < MOST_BYTES * 1.3


CANARIES = ("canary-input", "canary-expected", "canary-answer")


def test_under_ids_no_text_of_a_case_is_in_the_file():
    found = RungCase({"answer": 0.0}, True, "unknown", CANARIES[2], "")
    cases = (CaseSummary("c-1", ("s",), {"rag": found}, CANARIES[0], CANARIES[1]),)
    shown = replace(FULL, details=Details(cases=cases))

    assert [text in render_html(run(shown)) for text in CANARIES] == [True] * 3
    html = render_html(run(replace(shown, show="ids")))
    assert [text in html for text in CANARIES] == [False] * 3
    assert "Texts are left out" in html
    assert "c-1" in html


def test_ladders_without_details_say_nothing_of_cases():
    assert "No rung has evidence yet." in Page(render_html(run(LADDER))).text
