"""What holds of every tool and of every call that a model may ask for."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from typing import Any, Literal, Optional

from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_ladder.core.answers import Reply
from pytest_ladder.core.canonical import canonical
from pytest_ladder.core.cases import Question
from pytest_ladder.core.ports import Kit
from pytest_ladder.core.rungs import Kind, RungSpec
from pytest_ladder.core.structured import Schema
from pytest_ladder.core.tool_schema import describe
from pytest_ladder.rungs.prompting.template import PromptTemplate
from pytest_ladder.rungs.registry import build
from pytest_ladder.rungs.tools.function import FunctionTool
from pytest_ladder.rungs.tools.talk import TOOL_PROMPT, Offer, ProviderTalk, TextTalk

HINTS = st.recursive(
    st.sampled_from([str, int, float, bool, Literal["a", "b"], Literal[1, 2], list, dict]),
    lambda inner: st.one_of(
        inner.map(lambda hint: list[hint]), inner.map(lambda hint: dict[str, hint]),  # type: ignore[valid-type]
        inner.map(lambda hint: Optional[hint]),  # noqa: UP045
    ),
    max_leaves=3,
)  # fmt: skip
JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-5, 5), st.floats(-5, 5), st.sampled_from(["a", "b", ""])),
    lambda inner: st.one_of(st.lists(inner, max_size=2), st.dictionaries(st.sampled_from("xy"), inner, max_size=2)),
    max_leaves=4,
)


def fits(value: Any, hint: Any) -> bool:
    """Whether a value is of a type, said in another way than by a schema."""
    origin, args = getattr(hint, "__origin__", None), getattr(hint, "__args__", ())
    if hint in (str, bool):
        return type(value) is hint
    if hint is int:
        return type(value) is int or (type(value) is float and value.is_integer())
    if hint is float:
        return type(value) in (int, float)
    if origin is Literal:
        return any(value == one and isinstance(value, bool) is isinstance(one, bool) for one in args)
    if hint is list or origin is list:
        return isinstance(value, list) and all(fits(one, args[0]) for one in value if args)
    if hint is dict or origin is dict:
        return isinstance(value, dict) and all(fits(one, args[1]) for one in value.values() if args)
    return value is None or fits(value, next(one for one in args if one is not type(None)))


@given(HINTS, JSON)
@settings(max_examples=400)
def test_a_schema_takes_what_the_type_takes(hint: Any, value: Any):
    def tool(x: Any) -> None:
        """Do it."""

    tool.__annotations__["x"] = hint
    schema = Schema(describe(tool, "tool", "x").parameters)

    assert (schema.fault({"x": value}) == "") is fits(value, hint)
    assert schema.fault({})
    assert schema.fault({"x": value, "y": 1})


@given(HINTS, JSON)
def test_a_tool_gets_what_the_model_gave_and_cannot_change_it(hint: Any, value: Any):
    got = []

    def tool(x: Any) -> None:
        """Do it."""
        got.append(json.loads(json.dumps(x)))
        if isinstance(x, list | dict):
            x.clear()

    tool.__annotations__["x"] = hint
    made = FunctionTool(tool, "tool", "x")
    if Schema(made.parameters).fault({"x": value}):
        return
    arguments = {"x": value}
    before = json.dumps(arguments)

    asyncio.run(made.call(arguments, Question("c", "q")))

    assert got == [value]
    assert json.dumps(arguments) == before


TALK = TextTalk(PromptTemplate(TOOL_PROMPT, "tools", ("tools", "input", "metadata")))
OFFER = Offer("look_up", "Look up.", {"properties": {}, "required": []})
PIECES = ["CALL", "look_up", " ", "\n", "{", "}", '"a"', ":", "1", "NaN", "```", "(", "\ud800", "us"]
texts = st.one_of(
    st.text(max_size=60),
    st.lists(st.sampled_from(PIECES), max_size=12).map("".join),
)  # fmt: skip


@given(texts)
def test_whatever_a_model_writes_is_an_answer_or_one_call_that_can_be_recorded(text: str):
    wanted = TALK.read(Reply(text, "m"), [OFFER], 0)

    assert len(wanted) <= 1
    for one in wanted:
        canonical({"name": one.name, "arguments": one.arguments, "fault": one.fault})
        assert isinstance(one.arguments, Mapping) is (not one.fault)
    if "CALL" not in text:
        assert not wanted


@given(
    st.lists(st.one_of(JSON, st.fixed_dictionaries({"name": JSON, "arguments": st.one_of(JSON, texts)})), max_size=3)
)
def test_whatever_a_provider_gives_for_calls_can_be_recorded_and_answered(calls: list[Any]):
    wanted = ProviderTalk().read(Reply("", "m", tool_calls=tuple(calls)), [OFFER], 4)

    assert len(wanted) == len(calls)
    assert len({one.id for one in wanted}) == len(calls)
    for one in wanted:
        canonical({"name": one.name, "arguments": one.arguments, "fault": one.fault})
        assert isinstance(one.arguments, Mapping) is (not one.fault)


@given(st.dictionaries(st.text("abcxyz_", min_size=1, max_size=5), JSON, max_size=3), st.text(max_size=10))
def test_a_call_that_is_written_as_asked_is_read_as_it_is_meant(arguments: dict[str, Any], before: str):
    said = f"{before.replace('CALL', '')}\nCALL look_up {json.dumps(arguments)}"

    (wanted,) = TALK.read(Reply(said, "m"), [OFFER], 0)

    assert (wanted.name, wanted.arguments, wanted.fault) == ("look_up", arguments, "")


# --- whatever the model asks for, the rules hold ----------------------------------------------------------------------


def a(x: int) -> int:
    """One."""
    if x < 0:
        raise ValueError("negative")
    return x


def b(x: int) -> int:
    """Two."""
    return a(x)


def c(x: int) -> int:
    """Three."""
    return a(x)


FUNCTIONS = {"a": a, "b": b, "c": c}
PLANS = st.sampled_from(["pro", "free"])
RULE = st.fixed_dictionaries({}, optional={
    "when": st.fixed_dictionaries({"plan": PLANS}), "at_most": st.integers(1, 3), "required": st.booleans(),
    "arguments": st.fixed_dictionaries({"properties": st.just({"x": {"maximum": 2}})}),
})  # fmt: skip
RULES = st.fixed_dictionaries({"a": RULE, "b": RULE, "c": RULE}).flatmap(
    lambda rules: st.sampled_from([[], ["a"]]).map(lambda after: {**rules, "b": {**rules["b"], "after": after}})
)
CALL = st.fixed_dictionaries({
    "name": st.sampled_from(["a", "b", "c", "d"]),
    "arguments": st.fixed_dictionaries({"x": st.one_of(st.integers(-1, 4), st.just("1"))}),
})  # fmt: skip
SCRIPT = st.lists(st.one_of(st.lists(CALL, min_size=1, max_size=4), st.just("done")), max_size=6)


class Scripted:
    """A model that says these things, one a turn, and then is done."""

    def __init__(self, script: list[Any]) -> None:
        self.script, self.asked = script, 0

    async def chat(self, messages: Any, /, **options: Any) -> Reply:
        said = self.script[self.asked] if self.asked < len(self.script) else "done"
        self.asked += 1
        return (
            Reply(said, "m", cost_usd=0.5)
            if isinstance(said, str)
            else Reply("", "m", tool_calls=tuple(said), cost_usd=0.5)
        )


@given(RULES, SCRIPT, PLANS, st.integers(1, 6), st.integers(1, 6), st.one_of(st.none(), st.floats(0.1, 3)))
@settings(max_examples=300)
def test_no_call_breaks_a_rule_and_no_limit_is_passed(
    rules: dict[str, Any], script: list[Any], plan: str, max_steps: int, max_calls: int, max_cost: float | None
):
    made: list[tuple[str, int]] = []

    def tool(reference: str) -> FunctionTool:
        name = reference.rpartition(":")[2]

        def noted(x: int) -> int:
            """Do it."""
            made.append((name, x))
            return FUNCTIONS[name](x)

        return FunctionTool(noted, name, "x")

    llm = Scripted(script)
    kit = Kit(
        llm=llm, read_text=lambda path: "user:\n{{ input }}", read_documents=lambda path: [],
        read_examples=lambda path: [], retriever=lambda *_: None, chunk=lambda *_: [], tool=tool,
        calling=lambda: "provider",
    )  # fmt: skip
    table = {"strategy": "tool_agent", "prompt": "p.md", "tools": ["t.py:a", "t.py:b", "t.py:c"], "tool_rules": rules,
             "max_steps": max_steps, "max_tool_calls": max_calls, "max_cost": max_cost}  # fmt: skip
    system = build(RungSpec("agent", Kind.DECOMPOSE, options=table), kit)
    answer = asyncio.run(system.answer(Question("c", "q", {"plan": plan})))

    assert [(call["name"], call["arguments"]["x"]) for call in answer.tool_calls] == made
    assert len(made) <= max_calls
    assert llm.asked <= max_steps + 1
    if max_cost is not None:
        assert (llm.asked - 2) * 0.5 < max_cost
    succeeded: set[str] = set()
    for place, (name, x) in enumerate(made):
        rule = rules[name]
        assert rule.get("when", {"plan": plan}) == {"plan": plan}
        assert set(rule.get("after", ())) <= succeeded
        assert [one for one, _ in made[: place + 1]].count(name) <= rule.get("at_most", 99)
        assert "arguments" not in rule or x <= 2
        succeeded |= {name} if x >= 0 else set()
    needed = {
        name for name, rule in rules.items() if rule.get("required") and rule.get("when", {}).get("plan", plan) == plan
    }
    assert (answer.validation is None) is (not needed)
    if needed:
        assert answer.validation["valid"] is (needed <= {name for name, _ in made})
    done = [step for step in answer.steps if step["step"] in ("tool", "refused")]
    wanted = [call["name"] for turn in script[: llm.asked] if isinstance(turn, list) for call in turn]
    assert [step["name"] for step in done] == wanted
    assert answer.steps[-1]["step"] == "stop"
