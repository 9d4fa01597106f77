"""The strategy `tool_agent`: the model calls tools that are Python functions, until it knows the answer."""

from __future__ import annotations

from pytest_ladder.core.answers import Answer
from pytest_ladder.core.cases import Question
from pytest_ladder.core.ports import Kit, Prepared, System, Tool
from pytest_ladder.core.rungs import RungSpec
from pytest_ladder.core.structured import PROMPT
from pytest_ladder.errors import InvalidFile, message
from pytest_ladder.rungs import options
from pytest_ladder.rungs.prompting.asides import read_aside
from pytest_ladder.rungs.prompting.chat import Chat, read_template
from pytest_ladder.rungs.prompting.few_shot import read_examples
from pytest_ladder.rungs.prompting.structured import Output
from pytest_ladder.rungs.retrieval.sources import read_sources
from pytest_ladder.rungs.tools.parts import Parts, read_form
from pytest_ladder.rungs.tools.rules import Limits, read_rules
from pytest_ladder.rungs.tools.run import Run
from pytest_ladder.rungs.tools.search import SearchTool
from pytest_ladder.rungs.tools.talk import PROVIDER, TEXT, TOOL_PROMPT, ProviderTalk, Talk, TextTalk

AUTO = "auto"


class ToolAgent:
    """Answers questions with tools.

    What it did is in the answer's `steps`; the calls that were made are its `tool_calls`, those that were refused are
    in the steps alone.
    """

    def __init__(self, parts: Parts) -> None:
        """Take what its answers have in common."""
        self._parts = parts

    async def prepare(self) -> None:
        """Let the tools do what they have to do before the first question."""
        for tool in self._parts.tools.values():
            if isinstance(tool, Prepared):
                await tool.prepare()

    async def answer(self, question: Question, /) -> Answer:
        """Call tools and answer.

        Raises:
            InvalidFile: the prompt ends in the assistant's words, or a rule's schema refers to what is not there.
            LadderError: whatever the model client, or a tool on purpose, raises.
        """
        return await Run(self._parts, question).answer()


def build_tool_agent(spec: RungSpec, kit: Kit) -> System:
    """Read `prompt`, `tools`, `tool_rules`, `tool_mode` and the limits.

    Raises:
        InvalidFile: a key that cannot be used, or a tool that cannot be offered to a model.
    """
    template = read_template(spec, kit)
    form = read_form(spec, kit, template)
    output = Output(form.schema, PROMPT, falls_back=False, repairs=0) if form else None  # for `{{ schema }}`
    chat = Chat(template, read_examples(spec, kit), kit, output)
    tools = read_tools(spec, kit)
    limits = Limits(
        options.whole(spec, "max_steps", Limits.max_steps, least=1),
        options.whole(spec, "max_tool_calls", Limits.max_tool_calls, least=1),
        _cost(spec), options.whole(spec, "max_result", Limits.max_result, least=1),
    )  # fmt: skip
    where = kit.shown(options.text(spec, "prompt"))
    named = {tool.name: tool for tool in tools}
    return ToolAgent(Parts(kit.llm, chat, named, read_rules(spec, tools), limits, read_talks(spec, kit), where, form))


def read_tools(spec: RungSpec, kit: Kit) -> list[Tool]:
    """The tools that `tools` names, and `search` where there is a `corpus`.

    Raises:
        InvalidFile: there is none, two have one name, or a key of the retrieval cannot be used.
    """
    sources = read_sources(spec, kit, own=("max_steps",))
    tools: list[Tool] = [kit.tool(reference) for reference in spec.options.get("tools") or ()]
    if "corpus" in spec.options:
        tools.append(SearchTool(sources))
    if not tools:
        expected = 'functions, as `tools = ["tools.py:look_up"]`, or a `corpus`'
        raise InvalidFile(message(options.where(spec, "tools"), "an agent needs tools", expected=expected))
    names = [tool.name for tool in tools]
    for name in names:
        if names.count(name) > 1:
            raise InvalidFile(message(options.where(spec, "tools"), "two tools have one name", got=name))
    return tools


def read_talks(spec: RungSpec, kit: Kit) -> list[Talk]:
    """How to speak of tools, by `tool_mode` and what the model can do; InvalidFile where it cannot.

    Returns:
        One way; two where a hosted model may refuse the first.
    """
    mode, able = options.choice(spec, "tool_mode", AUTO, (AUTO, PROVIDER, TEXT)), kit.calling()
    if mode == PROVIDER and able != PROVIDER:
        fault = f"the model {spec.model} has no field for tools" if spec.model else "no model is named"
        expected = "auto | text"
        raise InvalidFile(message(options.where(spec, "tool_mode"), fault, got=mode, expected=expected))
    text = TextTalk(read_aside(spec, kit, "tool_prompt", TOOL_PROMPT, ("tools", "input", "metadata"), "tools"))
    if mode == TEXT or able != PROVIDER:
        return [text]
    return [ProviderTalk(), text] if mode == AUTO else [ProviderTalk()]


def _cost(spec: RungSpec) -> float | None:
    value = spec.options.get("max_cost")
    if value is None:
        return None
    if not isinstance(value, int | float) or isinstance(value, bool) or value <= 0:
        raise InvalidFile(
            message(options.where(spec, "max_cost"), "it cannot be used", got=value, expected="USD, above 0")
        )
    return float(value)
