"""The comment on a merge request."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from markdown_it import MarkdownIt

from pytest_ladder.core.summary import Miss, Refusal
from pytest_ladder.report.markdown import code, escape, prose, render_markdown
from tests.summaries import FEW_SHOT, PROMPT, REFUSALS, run

HOSTILE = (
    "a | b ` `` <img src=x onerror=1> \n# *c* _d_ [e](https://e.example) @you #1 www.f.example ![g](h) ~~i~~ &amp; \\"
)


def tokens(text: str):
    for token in MarkdownIt("commonmark").enable(["table", "strikethrough"]).parse(text):
        yield token
        yield from token.children or ()


def plain(text: str) -> str:
    return "".join(t.content for t in tokens(text) if t.type in ("text", "code_inline", "text_special"))


def kinds(text: str) -> set[str]:
    return {token.type for token in tokens(text)}


@pytest.mark.parametrize("text", [HOSTILE, "- a", "1. a", "> a", "# a", "---", "+", "a  \nb", "<!-- a", "&lt;", "`a"])
def test_an_escaped_text_is_nothing_but_text(text: str):
    written = prose(text.replace("`", "'"))

    assert kinds(written) <= {"paragraph_open", "inline", "text", "paragraph_close", "text_special"}
    assert plain(written).replace("\u200b", "") == " ".join(text.replace("`", "'").split())


def test_links_and_mentions_are_broken():
    for whole in ("@you", "https://e.example", "www.e.example", "#12", "!12", ":smile:"):
        assert whole not in escape(whole)


def test_what_stands_between_backticks_stays_code():
    assert prose("run `pytest --ladder_x` now_") == "run `pytest --ladder_x` now\\_"


@pytest.mark.parametrize("text", [HOSTILE, "`", "``", "a`b", "` `", "x" * 299, "**a**"])
def test_a_code_span_holds_any_text(text: str):
    written = code(text)
    spans = [token.content for token in tokens(f"{written}") if token.type == "code_inline"]

    assert spans == [" ".join(text.split())]


def test_a_long_text_is_cut():
    assert code("x" * 400) == f"`{'x' * 299}…`"
    assert code("\n") == "(empty)"


def test_each_rung_is_one_row_of_as_many_cells_as_the_header():
    rendered = render_markdown(run())
    rows = [line for line in rendered.splitlines() if line.startswith("|")]

    assert len(rows) == 2 + 4
    assert len({len(re.findall(r"(?<!\\)\|", row)) for row in rows}) == 1
    assert "| **rag** | **selected** | 0.963 ✓<br>\\[0.92, 1.00\\] |" in rendered


def test_decision_refusals_and_waivers_are_told():
    rendered = render_markdown(run(requested=True, refusals=REFUSALS))

    assert "## Ladder support" in rendered
    assert "**Decided:** rag is the lowest rung" in rendered
    assert "- `met`: rung rag already meets the target\n  - Use rag, or raise the thresholds" in rendered
    assert "run `pytest --ladder`" in rendered
    assert "approved by J. Doe" in rendered


def test_worst_cases_are_folded():
    rendered = render_markdown(run())

    assert re.search(r"<details>\n<summary>2 worst cases</summary>\n\n- few\\_shot\n  - `c-017` answer 0.000", rendered)
    assert "    - answer: `For one week.`" in rendered


def test_hostile_texts_add_no_markup_and_no_row():
    miss = Miss(HOSTILE, HOSTILE, 0.0, HOSTILE, HOSTILE, HOSTILE, HOSTILE)
    hostile = run(
        name=HOSTILE, task=HOSTILE, decided=HOSTILE, recommendation=HOSTILE, notes=(HOSTILE,), waivers=(HOSTILE,),
        refusals=(Refusal(HOSTILE, HOSTILE, HOSTILE),), requested=True, checklist={HOSTILE: HOSTILE}, where=HOSTILE,
        rows=(replace(PROMPT, id=HOSTILE, note=HOSTILE), replace(FEW_SHOT, misses=(miss,))),
    )  # fmt: skip
    rendered = render_markdown(hostile)
    markup = {t.content.strip() for t in tokens(rendered) if t.type in ("html_inline", "html_block")}

    assert not kinds(rendered) & {"link_open", "image", "s_open", "em_open", "heading_open_3", "blockquote_open"}
    assert markup <= {"<br>", "<sub>", "</sub>", "<details>\n<summary>1 worst case</summary>", "</details>"}
    assert sum(token.type == "tr_open" for token in tokens(rendered)) == 3
    assert sum(token.type == "heading_open" for token in tokens(rendered)) == 1


def test_ids_alone_are_shown_where_privacy_says_so():
    rendered = render_markdown(run(show="ids"))

    assert "c-017" in rendered
    assert "Tuesday" not in rendered
