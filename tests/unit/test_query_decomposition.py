"""The strategy `query_decomposition`, with scripted models."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from pytest_ladder.core.ports import Example
from pytest_ladder.core.prompt_parts import CONTEXT, QUESTION
from pytest_ladder.errors import InvalidFile
from pytest_ladder.rungs.decomposition.planning import parted
from pytest_ladder.rungs.decomposition.references import References, bare
from tests.decomposing import Say, Taken, by_words

HOPS = "Which product is in order 12?\nWhat is the warranty of #1?"
FILES = {
    "plan.md": "PLAN {{ input }}",
    "merge.md": "MERGE {% for r in results %}{{ r.answer }};{% endfor %} {{ input }}",
}


def taken(say: Say, *, files: Mapping[str, str] | None = None, **options: Any) -> Taken:
    prompts = {"prompt": "bare.md", "plan_prompt": "plan.md", "merge_prompt": "merge.md"}
    if options.get("merge") == "last":
        del prompts["merge_prompt"]
    return Taken("query_decomposition", say, files={**FILES, **(files or {})}, **(prompts | options))


def two(answer: str = "the Alder lamp", merge: str = "merged", plan: str = HOPS) -> Say:
    def say(prompt: str) -> str:
        if prompt.startswith(("PLAN", "MERGE")):
            return plan if prompt.startswith("PLAN") else merge
        return answer if "order 12?" in prompt else "two years"

    return say


# --- answering ----------------------------------------------------------------------------------------------------


def test_each_sub_question_is_asked_with_the_answers_it_refers_to_and_all_are_merged():
    ran = taken(two())
    assert ran.asked == [
        "PLAN How long is what order 12 holds covered?",
        "ANSWER Which product is in order 12?",
        "ANSWER What is the warranty of the Alder lamp?",
        "MERGE the Alder lamp;two years; How long is what order 12 holds covered?",
    ]
    assert ran.text == "merged"
    assert list(ran.answer.steps) == [
        {"step": "plan", "questions": HOPS.splitlines()},
        {"step": "answer", "part": 1, "question": "Which product is in order 12?", "answer": "the Alder lamp"},
        {"step": "answer", "part": 2, "question": "What is the warranty of the Alder lamp?", "answer": "two years"},
        {"step": "merge", "parts": 2},
    ]


def test_the_last_answer_may_be_the_answer():
    ran = taken(two(), merge="last")
    assert ran.text == "two years"
    assert ran.kinds == ["plan", "answer", "answer"]


def test_a_single_sub_question_needs_no_merging():
    ran = taken(by_words(PLAN="What is the warranty of the lamp?", ANSWER="two years"))
    assert (ran.text, ran.kinds) == ("two years", ["plan", "answer"])


def test_what_refers_to_no_answer_is_answered_side_by_side():
    plan = "Warranty of the lamp?\nWarranty of the oven?\nWhich is longer, #1 or #2?"
    apart = taken(by_words(PLAN=plan, ANSWER="x", MERGE="m"))
    assert apart.llm.most == 2
    assert [step["question"] for step in apart.steps("answer")][2] == "Which is longer, x or x?"
    assert taken(two()).llm.most == 1


def test_the_own_prompts_tell_what_stands_for_an_answer_and_what_parts_the_questions():
    def say(prompt: str) -> str:
        return HOPS if prompt.startswith("Which simpler") else "merged" if prompt.startswith("A question was") else "x"

    ran = taken(say, plan_prompt=None, merge_prompt=None, max_steps=3)
    assert "one a line, at most 3" in ran.asked[0]
    assert "#1 in its place for the answer to the first question,\n#2 for" in ran.asked[0]
    assert "1. Which product is in order 12?\nx\n\n2. What is the warranty of x?\nx\n" in ran.asked[-1]
    other = taken(
        lambda prompt: "a? Then: b X?" if prompt.startswith("Which simpler") else "x",
        plan_prompt=None, merge_prompt=None, step_separator="Then:", placeholder="X", merge="last",
    )  # fmt: skip
    assert "with `Then:` between them" in other.asked[0]
    assert "write X in its place." in other.asked[0]
    assert other.asked[1:] == ["ANSWER a?", "ANSWER b x?"]


def test_another_model_may_plan():
    ran = taken(two(), planner=lambda prompt: HOPS)
    assert ran.planner.asked == ["PLAN How long is what order 12 holds covered?"]
    assert all(prompt.startswith(("ANSWER", "MERGE")) for prompt in ran.asked)


def test_an_input_that_is_an_object_stays_one():
    files = {"object.md": "ANSWER {{ input.question }} ({{ input.tone }})"}
    ran = taken(two(), question={"question": "Long?", "tone": "dry"}, prompt="object.md", files=files)
    assert ran.asked[1] == "ANSWER Which product is in order 12? (dry)"


def test_a_plan_that_refers_to_what_is_not_before_is_not_asked():
    ran = taken(by_words(PLAN="Warranty of #2?\nWhich lamp?", ANSWER="x"))
    question = "How long is what order 12 holds covered?"
    planned = ["Warranty of #2?", "Which lamp?"]
    assert ran.steps("plan") == [{"step": "plan", "questions": [question], "fallback": "astray", "planned": planned}]
    assert ran.asked[1:] == [f"ANSWER {question}"]


def test_a_number_that_no_part_has_is_asked_as_it_is():
    ran = taken(by_words(PLAN="Which issue is #42?", ANSWER="x"))
    assert ran.steps("plan") == [{"step": "plan", "questions": ["Which issue is #42?"]}]
    assert ran.asked[1:] == ["ANSWER Which issue is #42?"]


# --- plans --------------------------------------------------------------------------------------------------------


def test_a_plan_without_a_question_falls_back_to_the_question_itself():
    ran = taken(by_words(PLAN=" \n", ANSWER="two years"))
    question = "How long is what order 12 holds covered?"
    assert ran.asked == [f"PLAN {question}", f"ANSWER {question}"]
    assert ran.steps("plan") == [{"step": "plan", "questions": [question], "fallback": "unreadable"}]
    assert ran.text == "two years"


def test_no_more_sub_questions_are_asked_than_the_limit():
    ran = taken(by_words(PLAN="a?\nb?\nc?\nd?", ANSWER="x", MERGE="m"), max_steps=2)
    assert ran.steps("plan") == [{"step": "plan", "questions": ["a?", "b?"], "left_out": 2}]
    assert len(ran.steps("answer")) == 2


def test_an_answer_that_was_cut_says_so_in_the_trace():
    ran = taken(by_words(PLAN="a?\nb?", ANSWER="x<cut>", MERGE="m"))
    assert {step["finish_reason"] for step in ran.steps("answer")} == {"length"}


@pytest.mark.parametrize(
    ("reply", "separator", "parts"),
    [
        ("a?\nb?", "\n", ["a?", "b?"]),
        ("Here they are:\n\n1. a?\n2) b #1?\n- c?\n* d?", "\n", ["a?", "b #1?", "c?", "d?"]),
        ("Q1: a?\nStep 2: b?\n**3.** c?", "\n", ["a?", "b?", "c?"]),
        ("#1 lies where?\n3.5 kilos of what?", "\n", ["#1 lies where?", "3.5 kilos of what?"]),
        ("same?\nsame?", "\n", ["same?", "same?"]),
        ('"a?"\n“b?”', "\n", ["a?", "b?"]),
        ("a? Then: b the X? Then: ", "Then:", ["a?", "b the X?"]),
        ("a?\nand more Then: b?", "Then:", ["a? and more", "b?"]),
        ("", "\n", []),
    ],
)
def test_a_reply_is_taken_apart(reply, separator, parts):
    assert parted(reply, separator) == parts


# --- answers in later questions -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("placeholder", "text", "of", "filled"),
    [
        ("#1", "What is #1 of #2?", {0, 1}, "What is A of B?"),
        ("#1", "Is #3 in #12?", set(), "Is #3 in #12?"),
        ("#1", "Is #0?", set(), "Is #0?"),
        ("#1", f"Is #{'9' * 5000}?", set(), f"Is #{'9' * 5000}?"),
        ("#1", "x#1 #1x #1's", {0}, "x#1 #1x A's"),
        ("[1]", "What is [1] of [2]?", {0, 1}, "What is A of B?"),
        ("answer1", "Is answer2?", {1}, "Is B?"),
        ("X", "What is the X of XL?", {1}, "What is the B of XL?"),
        ("that product", "How heavy is that product?", {1}, "How heavy is B?"),
    ],
)
def test_placeholders_stand_for_earlier_answers(placeholder, text, of, filled):
    references = References(placeholder)
    assert references.of(text, 2) == of
    assert references.filled(text, ["A", "B"]) == filled


@pytest.mark.parametrize(
    ("placeholder", "texts", "earlier", "planned", "given", "astray"),
    [
        ("#1", ["a", "b of #1"], 0, 2, "?", False),
        ("#1", ["b of #2", "a"], 0, 2, "?", True),
        ("#1", ["b of #1", "a"], 0, 2, "?", True),
        ("#1", ["b of #1"], 0, 1, "?", True),
        ("#1", ["b of #1"], 0, 1, "Who was #1?", False),
        ("#1", ["b of #2", "c of #3"], 1, 3, "Who was #1?", True),
        ("#1", ["b of #2", "c of #3"], 2, 4, "?", False),
        ("#1", ["b of #2"], 0, 1, "?", False),
        ("#1", ["b of #2"], 0, 2, "?", True),
        ("#1", ["b of #0"], 0, 1, "?", False),
        ("#1", ["c of #4"], 2, 3, "?", False),
        ("X", ["b of X"], 0, 1, "?", True),
        ("X", ["a", "b of X"], 0, 2, "?", False),
    ],
)
def test_a_plan_may_refer_to_what_is_before_and_hold_the_words_of_the_question(
    placeholder: str, texts: list[str], earlier: int, planned: int, given: str, astray: bool
):
    assert References(placeholder).astray(texts, earlier, planned, given) is astray


def test_an_answer_is_not_looked_through_for_placeholders_and_a_blank_one_is_not_put_in():
    references = References()
    assert references.filled("#1 and #2", ["#2", "B"]) == "#2 and B"
    assert references.filled("the #1", [""]) == "the #1"
    assert References("X").filled("the X", []) == "the X"


@pytest.mark.parametrize(
    ("answer", "put"),
    [
        ("Alder lamp [kb-1]", "Alder lamp"),
        ("The Alder lamp [kb-1].", "The Alder lamp"),
        ("Alder lamp [kb-1, kb-2] [kb-3]", "Alder lamp"),
        ("Alder lamp [kb-9]", "Alder lamp [kb-9]"),
        ("list[int]", "list[int]"),
        ("2.5", "2.5"),
        (" a\n b ", "a b"),
    ],
)
def test_documents_that_an_answer_cites_do_not_go_into_a_question(answer, put):
    assert bare(answer, {"kb-1", "kb-2", "kb-3"}) == put


# --- with documents -----------------------------------------------------------------------------------------------


def test_each_sub_question_is_answered_from_what_is_found_for_it():
    ran = taken(two("Alder lamp [kb-1]"), prompt="grounded.md", corpus="kb", top_k=1)
    assert ran.asked[1].endswith("FROM [kb-1]\nOrder 12 holds the Alder lamp.")
    assert "ANSWER What is the warranty of Alder lamp? FROM [kb-2]" in ran.asked[2]
    assert ran.answer.retrieved == ("kb-1", "kb-2")
    searches, answers = ran.steps("search"), ran.steps("answer")
    assert [(step["part"], step["query"]) for step in searches] == [
        (1, "Which product is in order 12?"), (2, "What is the warranty of Alder lamp?"),
    ]  # fmt: skip
    assert [(step["retrieved"], step["answer"]) for step in answers] == [
        (["kb-1"], "Alder lamp [kb-1]"), (["kb-2"], "two years"),
    ]  # fmt: skip
    assert ran.kinds == ["plan", "search", "answer", "search", "answer", "merge"]


def test_the_switches_of_advanced_rag_work_on_each_sub_question():
    files = {"rewrite.md": "REWRITE {{ input }}", **FILES}

    def say(prompt: str) -> str:
        return prompt.split()[-1].strip("?") + " words" if prompt.startswith("REWRITE") else two()(prompt)

    ran = taken(say, prompt="grounded.md", corpus="kb", query_rewrite=True, rewrite_prompt="rewrite.md", files=files)
    assert [step["query"] for step in ran.steps("rewrite")] == ["12 words", "lamp words"]
    agentic = taken(
        lambda prompt: "DONE" if "SEARCH" in prompt else two()(prompt), prompt="grounded.md", corpus="kb",
        agentic=True, max_steps=2,
    )  # fmt: skip
    assert [step["reason"] for step in agentic.steps("stop")] == ["enough", "enough"]


def test_the_merging_may_show_the_documents_of_all_parts_each_once():
    merge = {"merge.md": "MERGE {{ results }} {% for d in documents %}<{{ d.id }}>{% endfor %}"}
    ran = taken(two(), prompt="grounded.md", corpus="kb", top_k=2, files=merge)
    shown = ran.asked[-1].split("] ")[-1]
    assert shown == "".join(f"<{id_}>" for id_ in ran.answer.retrieved)
    assert len(ran.answer.retrieved) == 3


# --- output, examples, parts --------------------------------------------------------------------------------------


@pytest.mark.parametrize(("merge", "at"), [("model", 3), ("last", 2)])
def test_only_the_answer_must_fit_the_schema_and_is_repaired(merge, at):
    left = iter(["two", '{"years": 2}'])

    def say(prompt: str) -> str:
        final = prompt.startswith("MERGE") or (merge == "last" and "warranty" in prompt)
        return next(left) if final else two()(prompt)

    ran = taken(say, output="schema.json", merge=merge)
    assert ran.answer.parsed == {"years": 2}
    assert ran.answer.validation == {"valid": True, "attempts": 2, "error": None}
    assert [place for place, prompt in enumerate(ran.asked) if "JSON Schema" in prompt] == [at, at + 1]


def test_examples_stand_before_each_sub_question_and_nowhere_else():
    ran = taken(two(), shots=[Example("How heavy?", "two kilos")], examples="examples.jsonl", k=1)
    shown = ["two kilos" in prompt for prompt in ran.asked]
    assert shown == [False, True, True, False]


def test_every_call_says_what_its_prompt_is_made_of():
    ran = taken(two(), prompt="grounded.md", corpus="kb", top_k=1)
    plan, first, _, merge = ran.llm.parts
    assert plan[QUESTION] == len("How long is what order 12 holds covered?")
    assert first[CONTEXT] == len("[kb-1]\nOrder 12 holds the Alder lamp.")
    assert merge[CONTEXT] > 0


# --- the table ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"merge": "first"}, "merge: it is not known, got 'first'; expected model | last"),
        ({"max_steps": 0}, "max_steps: it cannot be used, got 0"),
        ({"placeholder": " "}, "placeholder: the text is empty"),
        ({"plan_prompt": "blind.md"}, "blind.md: the prompt does not show `input`"),
        ({"merge_prompt": "plan.md"}, "plan.md: the prompt does not show `results`"),
        ({"prompt": None}, "prompt: a rung of kind `decompose` needs this key"),
        ({"corpus": "kb"}, "bare.md: the prompt shows nothing of what is retrieved"),
        ({"top_k": 3}, "top_k: nothing is retrieved here. Set `corpus` too"),
        ({"query_rewrite": True}, "query_rewrite: nothing is retrieved here"),
        ({"corpus": "kb", "prompt": "grounded.md", "fetch_k": 3}, "fetch_k: nothing here uses it"),
        ({"chain": ["a.md", "b.md"]}, "chain: the strategy `query_decomposition` does not use it; expected "
                                      'strategy = "prompt_chain" with this key'),
        ({"step_prompt": "bare.md"}, 'expected strategy = "plan_and_execute" with this key'),
        ({"replan": 1}, "replan: the strategy `query_decomposition` does not use it"),
    ],
)  # fmt: skip
def test_a_key_that_cannot_be_used_is_told_with_its_place(options, text):
    with pytest.raises(InvalidFile) as caught:
        taken(two(), **options)
    assert text in str(caught.value)


def test_a_prompt_of_merging_where_nothing_is_merged_is_refused():
    with pytest.raises(InvalidFile, match='merge_prompt: with `merge = "last"` nothing is merged'):
        taken(two(), merge="last", merge_prompt="merge.md")


@pytest.mark.parametrize(("strategy", "told"), [(None, "how the task is taken apart is not said"), ("x", "got 'x'")])
def test_a_strategy_must_be_named_and_known(strategy, told):
    with pytest.raises(InvalidFile, match=rf"strategy: .*{told}.*; expected query_decomposition \| prompt_chain"):
        Taken(strategy, two(), prompt="bare.md")
