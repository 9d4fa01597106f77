"""Routers: by rules, by a model, by a function."""

from __future__ import annotations

from typing import Any

import pytest

from pytest_ladder.core.answers import Answer
from pytest_ladder.core.cases import Question
from pytest_ladder.core.ports import Prepared
from pytest_ladder.errors import InvalidFile, ModelFailed, SystemFailed
from pytest_ladder.rungs.hybrids.preparing import Once
from tests.unit.hybrid_parts import Parts, Said, ask, steps

RULES = [
    {"when": {"channel": ["orders", "returns"]}, "to": "rag"},
    {"matches": r"order \d+", "to": "chain"},
    {"when": {"vip": True}, "matches": "(?i)refund", "to": "chain"},
    {"to": "prompt"},
]


def parts(say: Any = lambda _: "") -> Parts:
    return Parts(say, rag=Said("by rag"), chain=Said("by chain"), prompt=Said("by prompt"))


@pytest.mark.parametrize(
    ("text", "metadata", "to", "by"),
    [
        ("order 7 is late", {"channel": "orders"}, "rag", "rule 1"),
        ("where is it?", {"channel": ["web", "returns"]}, "rag", "rule 1"),
        ("order 7 is late", {}, "chain", "rule 2"),
        ({"question": "order 7?", "lang": "en"}, {"channel": "chat"}, "chain", "rule 2"),
        ("Refund me", {"vip": True}, "chain", "rule 3"),
        ("Refund me", {"vip": False}, "prompt", "default"),
        ("good day", {"vip": True}, "prompt", "default"),
        ("order seven", {}, "prompt", "default"),
    ],
)
def test_the_first_rule_that_holds_decides(text: Any, metadata: dict[str, Any], to: str, by: str):
    answer = ask(parts().routed(router=RULES), text, **metadata)

    assert answer.text == f"by {to}"
    assert answer.steps == ({"step": "route", "to": to, "by": by},)


def test_the_trace_of_the_chosen_rung_follows_the_route():
    found = Answer("yes", retrieved=("kb-1",), steps=({"step": "search"},), validation={"valid": True})
    answer = ask(Parts(rag=Said(found)).routed(router=[{"to": "rag"}]))

    assert steps(answer) == ["route", "search"]
    assert (answer.retrieved, answer.validation) == (("kb-1",), {"valid": True})


def test_no_rule_costs_a_call():
    made = parts()
    ask(made.routed(router=RULES))

    assert made.llm.asked == []
    assert [len(system.asked) for system in made.rungs.values()] == [0, 0, 1]  # type: ignore[attr-defined]


def test_a_rule_may_send_a_question_to_a_person():
    router = [{"matches": "sue", "to": "escalate"}, {"matches": "weather", "to": "abstain"}, {"to": "prompt"}]
    routed = parts().routed(router=router, escalation="A colleague will answer.")

    answer = ask(routed, "I will sue you")
    assert answer.text == "A colleague will answer."
    assert answer.validation == {"accepted": False, "resort": "escalate", "reason": "route", "escalated": True}
    answer = ask(routed, "what weather?")
    assert answer.text == "I do not know."
    assert answer.validation["abstained"] is True


@pytest.mark.parametrize("rules", [[], [{"matches": "x", "to": "rag"}]])
def test_rules_must_say_where_all_other_questions_go(rules: list[Any]):
    with pytest.raises(InvalidFile, match="it says nothing of all other questions"):
        parts().routed(router=rules)


def test_every_route_is_prepared_before_the_first_question_and_once():
    rag, prompt = Said("a"), Said("b")
    shared = Once(rag)
    assert isinstance(shared, Prepared)
    ask(Parts(rag=shared, other=shared, prompt=prompt).routed(
        router=[{"matches": "x", "to": "rag"}, {"matches": "y", "to": "other"}, {"to": "prompt"}]
    ))  # fmt: skip

    assert (rag.prepared, prompt.prepared) == (1, 1)
    assert rag.asked == []


# --- by a model ----------------------------------------------------------------------------------------------------

ABOUT = {"rag": "products", "chain": "orders: several steps", "prompt": "small talk"}
CLASSIFIER = {"router": "classifier", "routes": ABOUT, "default_route": "prompt"}


@pytest.mark.parametrize(
    ("reply", "to", "by"),
    [
        ("rag", "rag", "classifier"),
        (" Chain.\n", "chain", "classifier"),
        ("I would take `rag`, not chain", "rag", "classifier"),
        ("fragment", "prompt", "default"),
        ("", "prompt", "default"),
    ],
)
def test_a_model_names_the_route(reply: str, to: str, by: str):
    made = parts(lambda _: reply)
    answer = ask(made.routed(**CLASSIFIER), "where is order 7?")

    assert answer.text == f"by {to}"
    assert answer.steps[0] == {"step": "route", "to": to, "by": by, "said": reply.strip()}
    assert made.keys == ["classifier"]


def test_the_classifier_is_shown_the_question_and_what_each_route_is_for():
    made = parts(lambda _: "rag")
    ask(made.routed(**CLASSIFIER), "where is order 7?")

    (asked,) = made.llm.asked
    assert "\n- rag: products\n- chain: orders: several steps\n- prompt: small talk\n" in asked
    assert asked.endswith("Question: where is order 7?")


def test_the_prompt_of_the_classifier_can_be_ones_own_and_routes_a_list():
    made = parts(lambda _: "chain")
    routed = made.routed(**{**CLASSIFIER, "routes": ["rag", "chain"], "router_prompt": "route.md"})

    assert ask(routed, "q").text == "by chain"
    assert made.llm.asked == ["CHOOSE q <rag|><chain|><prompt|>"]


def test_a_prompt_that_does_not_show_the_question_is_refused():
    with pytest.raises(InvalidFile, match=r"blind\.md: the prompt does not show `input`"):
        parts().routed(**CLASSIFIER, router_prompt="blind.md")


def test_a_classifier_that_fails_is_an_error_and_no_default():
    def say(_: str) -> str:
        raise ModelFailed("down")

    made = parts(say)
    with pytest.raises(ModelFailed, match="down"):
        ask(made.routed(**CLASSIFIER))


# --- by a function -------------------------------------------------------------------------------------------------

FUNCTION = {"router": "routes.py:route", "routes": ["rag", "chain", "escalate"], "default_route": "prompt",
            "escalation": "Wait."}  # fmt: skip


def by(function: Any, **metadata: Any) -> Answer:
    made = parts()
    made.functions["routes.py:route"] = function
    return ask(made.routed(**FUNCTION), **metadata)


def test_a_function_names_the_route():
    def sync(question: Question) -> str | None:
        return question.metadata.get("to")

    async def later(question: Question) -> str | None:
        return question.metadata.get("to")

    for function in (sync, later):
        assert by(function, to="rag").steps[0] == {"step": "route", "to": "rag", "by": "function"}
        assert by(function).steps[0] == {"step": "route", "to": "prompt", "by": "default"}
        assert by(function, to="escalate").text == "Wait."


@pytest.mark.parametrize("named", ["nowhere", 3, ["rag"]])
def test_a_function_that_names_no_route_is_an_error_of_the_case(named: Any):
    with pytest.raises(SystemFailed, match=r"routes\.py:route: the router named no route.*rag \| chain \| escalate"):
        by(lambda question: named)


def test_a_function_that_raises_is_an_error_of_the_case():
    def broken(question: Question) -> str:
        raise KeyError("channel")

    with pytest.raises(SystemFailed, match=r"routes\.py:route: the router raised KeyError"):
        by(broken)


def test_a_function_may_change_what_it_gets_without_changing_the_case():
    made = parts()

    def spoil(question: Question) -> str:
        question.input["question"] = "spoilt"  # type: ignore[index]
        return "rag"

    made.functions["routes.py:route"] = spoil
    given = {"question": "whole"}
    ask(made.routed(**FUNCTION), given)
    assert given == {"question": "whole"}
