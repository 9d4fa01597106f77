"""Whatever JSON a system records as its steps, each text of it is shown, and the screen stays within its width."""

from __future__ import annotations

from collections.abc import Iterator

from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from pytest_ladder.core.answers import Answer
from pytest_ladder.core.canonical import Json
from pytest_ladder.core.case_summary import CaseSummary, RungCase, ShownCase
from pytest_ladder.report.show import render_case
from pytest_ladder.report.trace import trace

words = st.text("abcdefgh", min_size=1, max_size=6)
values = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | words,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=3),
    max_leaves=6,
)
kinds = st.sampled_from([
    "plan", "search", "answer", "tool", "refused", "reminded", "stop", "route", "sample", "verify", "rejected",
    "rerank", "multi_query", "other",
])  # fmt: skip
keys = st.sampled_from([
    "question", "questions", "query", "queries", "found", "retrieved", "answer", "answers", "name", "arguments",
    "result", "error", "part", "said", "to", "accepted", "missing", "else",
])  # fmt: skip
known = st.builds(lambda kind, rest: {**rest, "step": kind}, kinds, st.dictionaries(keys, values, max_size=4))
answers = st.builds(
    Answer, text=words, retrieved=st.lists(words, max_size=3).map(tuple),
    tool_calls=st.lists(values | known, max_size=2).map(tuple), steps=st.lists(values | known, max_size=4).map(tuple),
    validation=values,
)  # fmt: skip


def leaves(value: Json) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for inner in value.values():
            yield from leaves(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from leaves(inner)


@given(answers, st.lists(words, max_size=2))
def test_every_text_of_a_trace_is_shown(answer: Answer, evidence: list[str]):
    lines = trace(answer, evidence)

    told = "\n".join(
        text for line in lines for text in (line.name, line.part, *line.texts, *(one.id for one in line.found))
    )
    kinds_renamed = {"tool", "refused", "multi_query", "reminded", "sent_back"}
    assert {text for text in leaves(list(answer.steps)) if text not in told} <= kinds_renamed


texts = st.text(max_size=40) | st.sampled_from(["\x1b[31mred", "a\r\nb\tc", "語" * 30, "<b>[bold]x[/bold]", "x" * 3000])


@given(
    texts, st.lists(known | texts, max_size=3), st.integers(10, 120), st.booleans(), st.booleans(),
    st.lists(texts, max_size=2),
)  # fmt: skip
def test_a_screen_is_never_left(
    text: str, steps: list[Json], width: int, color: bool, unicode: bool, evidence: list[str]
):
    answer = Answer(text, retrieved=(text,), steps=tuple(steps))
    rungs = {text: RungCase({text: 0.5}, True, "facts", text, text, (answer,))}
    case = CaseSummary(text, (text,), rungs, text, text, tuple(evidence))
    shown = ShownCase(text, text, case, "text", (text,), (text,), dict.fromkeys(evidence, text), {text: text})

    plain = render_case(shown, width=width, color=False, unicode=unicode)

    assert max(map(cell_len, plain.splitlines())) <= max(width, 40)
    assert not {sign for sign in plain if ord(sign) < 32} - {"\n"}
    assert unicode or plain.isascii()
    assert render_case(shown, width=width, color=color, unicode=unicode, whole=True)
