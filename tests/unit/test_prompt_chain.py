"""The strategy `prompt_chain`, with scripted models."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from pytest_ladder.core.ports import Example
from pytest_ladder.core.prompt_parts import CONTEXT
from pytest_ladder.errors import InvalidFile
from tests.decomposing import Say, Taken, by_words

FILES = {
    "facts.md": "FACTS {{ input }} {{ metadata.tone }}",
    "outline.md": "OUTLINE {{ input }}: {{ previous }}",
    "answer.md": "ANSWER {{ previous }} / {{ outputs | join('; ') }}",
    "loose.md": "LOOSE {{ input }}",
    "all.md": "ALL {{ outputs }}",
    "shown.md": "SHOWN {{ previous }} {{ context }}",
    "shots.md": "SHOTS {{ previous }} {% for e in examples %}{{ e.expected }}{% endfor %}",
    "mistyped.md": "{{ previuos }}",
}
SAY: dict[str, str | list[str]] = {"FACTS": "f", "OUTLINE": "o", "ANSWER": "a", "LOOSE": "l", "ALL": "all"}


def taken(
    *chain: str, say: Say | None = None, files: Mapping[str, str] | None = None, metadata: Any = None, **options: Any
) -> Taken:
    return Taken(
        "prompt_chain", say or by_words(**SAY), "Long?", files=FILES | dict(files or {}),
        metadata=metadata or {"tone": "dry"}, **{"chain": list(chain), **options},
    )  # fmt: skip


def test_each_prompt_sees_the_replies_before_it_and_the_last_reply_is_the_answer():
    ran = taken("facts.md", "outline.md", "answer.md")
    assert ran.asked == ["FACTS Long? dry", "OUTLINE Long?: f", "ANSWER o / f; o"]
    assert ran.text == "a"
    assert list(ran.answer.steps) == [
        {"step": "answer", "part": 1, "prompt": "facts.md", "answer": "f"},
        {"step": "answer", "part": 2, "prompt": "outline.md", "answer": "o"},
        {"step": "answer", "part": 3, "prompt": "answer.md", "answer": "a"},
    ]


def test_documents_are_found_once_for_the_whole_chain():
    files = {"found.md": "FACTS {{ context }}"}
    say = by_words(FACTS="f", SHOWN="s")
    ran = Taken("prompt_chain", say, "What does order 12 hold?", files=FILES | files,
                chain=["found.md", "shown.md"], corpus="kb", top_k=1)  # fmt: skip
    context = "[kb-1]\nOrder 12 holds the Alder lamp."
    assert ran.asked == [f"FACTS {context}", f"SHOWN f {context}"]
    assert ran.answer.retrieved == ("kb-1",)
    assert ran.kinds == ["search", "answer", "answer"]
    assert [parts[CONTEXT] for parts in ran.llm.parts] == [len(context), len(context) + 1]


def test_the_switches_of_retrieval_work_for_a_chain_with_their_own_limits():
    def say(prompt: str) -> str:
        return "DONE" if "Searches left" in prompt else by_words(FACTS="f", SHOWN="s")(prompt)

    ran = Taken("prompt_chain", say, "What does order 12 hold?", files=FILES, metadata={"tone": "dry"},
                chain=["facts.md", "shown.md"], corpus="kb", agentic=True, max_steps=7)  # fmt: skip
    assert "Searches left: 7" in ran.asked[0]
    assert ran.kinds == ["stop", "search", "answer", "answer"]


def test_the_last_reply_alone_must_fit_the_schema_and_is_repaired():
    ran = taken("facts.md", "outline.md", say=by_words(FACTS="no", OUTLINE=["nor this", '{"years": 2}']),
                output="schema.json")  # fmt: skip
    assert ran.answer.parsed == {"years": 2}
    assert ran.answer.validation["attempts"] == 2
    assert ran.steps("answer")[-1]["answer"] == '{"years": 2}'


def test_a_model_that_can_be_held_to_the_schema_is_held_to_it_in_the_last_call_alone():
    ran = taken("facts.md", "outline.md", say=by_words(FACTS="no", OUTLINE='{"years": 2}'), output="schema.json",
                structured="provider")  # fmt: skip
    assert [bool(asked) for asked in ran.llm.options] == [False, True]


def test_examples_are_where_a_prompt_shows_them():
    shots = [Example("Heavy?", "two kilos")]
    ran = taken("facts.md", "shots.md", say=by_words(FACTS="f", SHOTS="s"), shots=shots, examples="x.jsonl", k=1)
    assert ran.asked == ["FACTS Long? dry", "SHOTS f two kilos"]


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"chain": None}, "chain: the rung needs this key; expected at least 2 texts"),
        ({"chain": ["facts.md"]}, "chain: it cannot be used, got ['facts.md']; expected a list of at least 2 texts"),
        ({"chain": ["facts.md", "loose.md"]}, "loose.md: no later prompt of the chain shows the reply to facts.md. Put "
                                              "`{{ previous }}` or `{{ outputs }}` into one"),
        ({"chain": ["facts.md", "mistyped.md"]}, "mistyped.md:1: the template uses an undefined name, got 'previuos'"),
        ({"corpus": "kb"}, "corpus: no prompt of the rung shows what comes of it. Put `{{ context }}` or `{{ docu"),
        ({"examples": "x.jsonl"}, "examples: no prompt of the rung shows what comes of it. Put `{{ examples }}` into"),
        ({"prompt": "answer.md"}, "prompt: the strategy `prompt_chain` does not use it"),
        ({"max_steps": 3}, "max_steps: nothing is retrieved here. Set `corpus` too"),
        ({"merge": "last"}, 'merge: the strategy `prompt_chain` does not use it; expected strategy = "query_decomp'),
    ],
)  # fmt: skip
def test_a_key_that_cannot_be_used_is_told_with_its_place(options, text):
    with pytest.raises(InvalidFile) as caught:
        taken("facts.md", "outline.md", **options)
    assert text in str(caught.value)


@pytest.mark.parametrize(
    "shown",
    [
        "{{ previous }}",
        "{{ previous | trim }}",
        "{{ previous | trim | upper }}",
        "{% if previous %}{{ previous }}{% endif %}{{ previous }}",
    ],
)
def test_a_first_prompt_that_shows_a_reply_before_it_is_refused_with_its_line(shown: str):
    with pytest.raises(InvalidFile) as caught:
        taken("first.md", "outline.md", files={"first.md": f"FACTS {{{{ input }}}}\n{shown}"})
    told = "first.md:2: the first prompt of the chain shows `{{ previous }}`, and there is no reply before it. Leave it"
    assert str(caught.value).startswith(told)


@pytest.mark.parametrize(
    "shown",
    [
        "{% if previous %}So far: {{ previous }}{% endif %}",
        "{% if outputs %}So far: {{ previous }}{% endif %}",
        "{% if previous is defined and previous %}{{ previous }}{% else %}nothing{% endif %}",
        "{{ previous or 'nothing' }}",
        "{{ previous and previous }}",
        "{{ previous | default('nothing', true) }}",
        "{{ 'So far: ' ~ previous if previous else '' }}",
        "{{ previous | trim | d('nothing', true) | upper }}",
        "{% set previous = 'mine' %}{{ previous }}",
        "{% if input %}{% set previous = 'mine' %}{% endif %}{{ previous }}",
        "{% set p = previous %}{% if p %}{{ p }}{% endif %}",
        "{% with p = previous %}{% if p %}{{ p }}{% endif %}{% endwith %}",
        "{% for m in [previous] if m %}{{ m }}{% endfor %}",
        "{{ [previous] | select | join }}",
        "{% macro so() %}{{ previous }}{% endmacro %}{% if previous %}{{ so() }}{% endif %}",
        "{% for o in outputs %}{{ previous }}{% endfor %}",
        "{% if metadata.tone %}{{ previous }}{% endif %}",
    ],
)
def test_a_first_prompt_may_hold_what_need_not_show_one(shown: str):
    ran = taken("first.md", "outline.md", files={"first.md": f"FACTS {{{{ input }}}} {shown}"})
    assert ran.asked[0].startswith("FACTS Long?")


def test_a_reply_that_a_later_prompt_shows_need_not_be_shown_by_the_next():
    assert taken("facts.md", "loose.md", "all.md").asked[-1] == 'ALL ["f", "l"]'
