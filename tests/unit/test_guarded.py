"""What is done before an answer ships: samples, a verifier, retries, a fallback, a person."""

from __future__ import annotations

from typing import Any

import pytest

from pytest_ladder.core.answers import Answer
from pytest_ladder.core.hybrids import stood_back
from pytest_ladder.errors import BudgetSpent, InvalidFile, ModelFailed, SystemFailed
from pytest_ladder.rungs.hybrids.sampling import voted
from tests.unit.hybrid_parts import Parts, Said, ask, steps

BAD = {
    "empty": Answer("  \n"),
    "length": Answer("cut sho", finish_reason="length"),
    "content_filter": Answer("", finish_reason="content_filter"),
    "invalid": Answer("{", validation={"valid": False, "attempts": 2, "error": "not JSON"}),
    "not_accepted": Answer("no", validation={"accepted": False, "resort": "retry", "reason": "rejected"}),
}
GOOD = {"accepted": True, "resort": None, "reason": None}


def test_a_rung_without_any_of_the_keys_is_left_alone():
    system = Said("yes")
    assert Parts().guarded(system, prompt="x.md", verifier="other") is system


def test_a_good_answer_ships_as_it_is_and_nothing_else_is_asked():
    system, rag = Said(Answer("yes", retrieved=("kb-1",), steps=({"step": "search"},))), Said("by rag")
    answer = ask(Parts(rag=rag).guarded(system, fallback="rag"))

    assert answer == Answer("yes", retrieved=("kb-1",), steps=({"step": "search"},), validation=GOOD)
    assert (rag.asked, rag.prepared, system.prepared) == ([], 1, 1)


@pytest.mark.parametrize("reason", BAD)
def test_an_answer_that_cannot_be_used_falls_back(reason: str):
    bad = BAD[reason]
    answer = ask(Parts(rag=Said(Answer("by rag", retrieved=("kb-1",)))).guarded(Said(bad), fallback="rag"))

    assert (answer.text, answer.retrieved) == ("by rag", ("kb-1",))
    assert answer.validation == {"accepted": True, "resort": "fallback", "reason": reason}
    assert answer.steps == (
        {"step": "rejected", "reason": reason, "answer": bad.text}, {"step": "fallback", "to": "rag"},
    )  # fmt: skip


def test_what_was_retrieved_for_a_rejected_answer_counts_where_its_fallback_retrieves_nothing():
    bad = Answer("", retrieved=("kb-1", "kb-2"))
    answer = ask(Parts(prompt=Said("by prompt")).guarded(Said(bad), fallback="prompt"))
    assert (answer.text, answer.retrieved) == ("by prompt", ("kb-1", "kb-2"))

    empty = Parts(prompt=Said(Answer(""))).guarded(Said(bad), fallback="prompt", abstention="I do not know.")
    assert (ask(empty).text, ask(empty).retrieved) == ("I do not know.", ("kb-1", "kb-2"))


@pytest.mark.parametrize("good", [Answer("", parsed={}), Answer("", tool_calls=({"name": "f", "arguments": {}},))])
def test_an_answer_that_says_it_otherwise_is_not_empty(good: Answer):
    assert ask(Parts(rag=Said("by rag")).guarded(Said(good), fallback="rag")).validation == GOOD


def test_what_the_schema_said_of_an_answer_stays():
    valid = {"valid": True, "attempts": 1, "error": None}
    answer = ask(Parts(rag=Said("x")).guarded(Said(Answer("{}", {}, validation=valid)), fallback="rag"))
    assert answer.validation == {**valid, **GOOD}
    answer = ask(Parts().guarded(Said(Answer("x", validation="mine")), escalation="Wait."))
    assert answer.validation == {"said": "mine", **GOOD}


def test_an_answer_may_be_left_to_a_person():
    bad = Answer("{", retrieved=("kb-1",), validation=BAD["invalid"].validation, steps=({"step": "search"},))
    answer = ask(Parts().guarded(Said(bad), escalation="A colleague will answer."))

    assert (answer.text, answer.parsed, answer.retrieved) == ("A colleague will answer.", None, ("kb-1",))
    assert answer.validation == {
        "valid": False, "attempts": 2, "error": "not JSON",
        "accepted": False, "resort": "escalate", "reason": "invalid", "escalated": True,
    }  # fmt: skip
    assert steps(answer) == ["search", "rejected", "escalate"]


def test_or_to_nobody():
    answer = ask(Parts().guarded(Said(""), on_reject="abstain"))
    assert (answer.text, answer.validation["abstained"]) == ("I do not know.", True)
    assert ask(Parts().guarded(Said(""), abstention="Pass.")).text == "Pass."


def test_the_rung_is_asked_again_with_another_attempt_each():
    system = Said("", "", "third")
    answer = ask(Parts().guarded(system, retries=2))

    assert (answer.text, system.asked) == ("third", [0, 1, 2])
    assert answer.validation == {"accepted": True, "resort": "retry", "reason": "empty"}
    assert steps(answer) == ["rejected", "retry", "rejected", "retry"]


def test_no_more_often_than_allowed_and_then_the_last_answer_ships_unaccepted():
    system = Said("", "cut", "third")
    system.answers[1] = Answer("cut", finish_reason="length")
    answer = ask(Parts().guarded(system, on_reject="retry"))

    assert (answer.text, system.asked) == ("cut", [0, 1])
    assert answer.validation == {"accepted": False, "resort": "retry", "reason": "empty"}


def test_one_resort_after_the_other():
    system, rag = Said(""), Said("")
    answer = ask(Parts(rag=rag).guarded(system, retries=1, fallback="rag", escalation="Wait."))

    assert (answer.text, len(system.asked), len(rag.asked)) == ("Wait.", 2, 1)
    assert [step.get("step") for step in answer.steps] == [
        "rejected", "retry", "rejected", "fallback", "rejected", "escalate",
    ]  # fmt: skip


def test_in_the_order_that_is_declared():
    system, rag = Said("", "again"), Said("by rag")
    options = {"fallback": "rag", "retries": 1, "on_reject": ["fallback", "retry"]}
    assert ask(Parts(rag=rag).guarded(system, **options)).text == "by rag"
    assert system.asked == [0]


@pytest.mark.parametrize("fault", [BudgetSpent("spent"), ModelFailed("down"), SystemFailed("x"), InvalidFile("x")])
def test_an_error_is_no_reason_to_do_anything_else(fault: Exception):
    rag = Said("by rag")
    guarded = Parts(rag=rag).guarded(Said(fault), fallback="rag", retries=1, escalation="Wait.")

    with pytest.raises(type(fault)):
        ask(guarded)
    assert rag.asked == []


def test_an_answer_that_stands_back_already_is_not_looked_at():
    def say(_: str) -> str:
        raise AssertionError("asked")

    back = stood_back("escalate", "Wait.", "route")
    answer = ask(Parts(say, rag=Said("x")).guarded(Said(back), fallback="rag", verify_prompt="verify.md"))
    assert answer == back


def test_a_fallback_that_stands_back_is_told_as_such():
    back = stood_back("abstain", "Pass.", "empty")
    answer = ask(Parts(rag=Said(back)).guarded(Said(""), fallback="rag"))
    assert answer.validation == {"accepted": False, "resort": "abstain", "reason": "empty", "abstained": True}
    assert steps(answer) == ["rejected", "fallback"]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("Two years [kb-1].", None),
        ("Two years [kb-1; kb-2], or one [kb-2]", None),
        ("Two years [Terms, part 2]", None),
        ("I don't know.", None),
        ("Two years.", "uncited"),
        ("Two years [kb-1, kb-9]", "uncited"),
        ("Two years []", "uncited"),
    ],
)
def test_an_answer_may_have_to_cite_what_was_retrieved(text: str, reason: str | None):
    system = Said(Answer(text, retrieved=("kb-1", "kb-2", "Terms, part 2")))
    answer = ask(Parts().guarded(system, require_citation=True, escalation="Wait."))
    assert answer.validation["reason"] == reason
    assert (answer.text == "Wait.") is bool(reason)


def test_it_need_not_where_that_is_off():
    assert ask(Parts().guarded(Said("x"), require_citation=False, escalation="Wait.")).text == "x"


# --- the verifier --------------------------------------------------------------------------------------------------


def verified(reply: str, *said: str, **options: Any) -> tuple[Answer, Parts]:
    made = Parts(lambda prompt: "no" if "bad" in prompt else reply, rag=Said("by rag"))
    answers = [Answer(text, retrieved=("kb-1", "gone")) for text in said]
    options = {"fallback": "rag", **options}
    return ask(made.guarded(Said(*answers), verify_prompt="verify.md", **options), "q"), made


@pytest.mark.parametrize("reply", ["yes", "Yes.", "**YES**, no doubt"])
def test_an_answer_that_the_verifier_accepts_ships(reply: str):
    answer, made = verified(reply, "fine")

    assert (answer.text, answer.validation) == ("fine", GOOD)
    assert answer.steps == ({"step": "verify", "accepted": True, "said": reply},)
    assert made.llm.asked == ["VERIFY q / fine / [kb-1] Lamp\nThe lamp has two years."]
    assert made.keys == ["verifier"]


@pytest.mark.parametrize(
    ("reply", "reason"), [("No, yes", "rejected"), ("know", "unreadable"), ("", "unreadable"), ("yesno", "unreadable")]
)
def test_one_that_it_does_not_accept_does_not(reply: str, reason: str):
    answer, _ = verified(reply, "fine", on_reject="abstain", abstention="Pass.")
    assert (answer.text, answer.validation["reason"]) == ("Pass.", reason)


def test_what_is_fallen_back_on_is_verified_too():
    answer, made = verified("yes", "bad")
    assert (answer.text, answer.validation["reason"]) == ("by rag", "rejected")
    assert steps(answer) == ["verify", "rejected", "fallback", "verify"]
    assert made.llm.asked[1] == "VERIFY q / by rag /"


def test_the_same_answer_again_is_not_shown_to_the_verifier_again():
    answer, made = verified("yes", "bad", "bad", "good", retries=2)
    assert (answer.text, len(made.llm.asked)) == ("good", 2)
    assert steps(answer) == ["verify", "rejected", "retry", "verify", "rejected", "retry", "verify"]


def test_what_cannot_be_used_is_not_shown_to_it():
    _, made = verified("yes", "")
    assert made.llm.asked == ["VERIFY q / by rag /"]


def test_a_prompt_that_does_not_show_the_answer_is_refused():
    with pytest.raises(InvalidFile, match=r"unshown\.md: the prompt does not show `answer`"):
        Parts(rag=Said("x")).guarded(Said("x"), fallback="rag", verify_prompt="unshown.md")


# --- samples -------------------------------------------------------------------------------------------------------


def test_what_most_samples_say_is_the_answer():
    system = Said("Two years", "one year", " two  YEARS. ")
    answer = ask(Parts().guarded(system, samples=3))

    assert (answer.text, sorted(system.asked)) == ("Two years", [0, 1, 2])
    assert answer.validation == {"confidence": 0.666667}
    assert answer.steps == ({
        "step": "sample", "drawn": 3, "confidence": 0.666667,
        "answers": [{"text": "Two years", "votes": 2}, {"text": "one year", "votes": 1}],
    },)  # fmt: skip


def test_between_equals_the_first_and_by_the_value_where_there_is_one():
    assert voted([Answer("a"), Answer("b")]).answer.text == "a"
    drawn = voted([Answer("x", 1), Answer('{"a":1}', {"a": 1}), Answer('{ "a": 1 }', {"a": 1})])
    assert (drawn.answer.text, drawn.confidence) == ('{"a":1}', 2 / 3)


def test_a_sample_that_cannot_be_used_has_no_vote_and_counts():
    drawn = voted([BAD["empty"], BAD["length"], Answer("a"), BAD["invalid"]])
    assert (drawn.answer.text, drawn.confidence) == ("a", 0.25)
    drawn = voted([BAD["length"], BAD["empty"]])
    assert (drawn.answer.text, drawn.confidence) == ("cut sho", 0.0)


@pytest.mark.parametrize(("least", "text"), [(0.6, "a"), (0.7, "by rag")])
def test_answers_that_agree_too_little_fall_back(least: float, text: str):
    answer = ask(
        Parts(rag=Said("by rag")).guarded(Said("a", "b", "a"), samples=3, min_confidence=least, fallback="rag")
    )
    assert answer.text == text
    if text == "by rag":
        assert answer.validation == {"accepted": True, "resort": "fallback", "reason": "low_confidence"}
        assert steps(answer) == ["sample", "rejected", "fallback"]


def test_a_retry_draws_samples_of_its_own():
    system = Said("a", "b", "c", "c")
    answer = ask(Parts().guarded(system, samples=2, min_confidence=0.9, retries=1))
    assert (answer.text, sorted(system.asked)) == ("c", [0, 1, 2, 3])
    assert answer.validation == {"accepted": True, "resort": "retry", "reason": "low_confidence", "confidence": 1.0}
