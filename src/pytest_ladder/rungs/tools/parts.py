"""What the answers of one agent have in common: tools, rules, limits, and the form of an answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from pytest_ladder.core.cases import Question
from pytest_ladder.core.ports import LLM, Kit, Tool
from pytest_ladder.core.prompt_parts import INSTRUCTIONS, Prompt
from pytest_ladder.core.rungs import RungSpec
from pytest_ladder.core.structured import AUTO, PROMPT, Schema
from pytest_ladder.rungs import options
from pytest_ladder.rungs.prompting.chat import Chat
from pytest_ladder.rungs.prompting.structured import DEFAULT_REPAIRS, OF_OUTPUT, read_schema
from pytest_ladder.rungs.prompting.template import PromptTemplate
from pytest_ladder.rungs.tools.rules import Limits, Rule
from pytest_ladder.rungs.tools.talk import Offer, Talk

FORM = "Your answer, once you give it, must be one JSON value that fits this JSON Schema, and nothing else:\n\n{schema}"
"""What is put under the last user message where the template does not show the schema."""


@dataclass(frozen=True)
class Form:
    """What an answer must fit; the prompt shows it, for a reply may be a call as well."""

    schema: Schema
    repairs: int
    """How often an answer is sent back because it does not fit, at most."""
    in_template: bool
    """Whether the template shows the schema itself."""

    def shown(self, prompt: Prompt) -> Prompt:
        """A prompt with the schema, under its last user message where the template does not show it."""
        if self.in_template:
            return prompt
        last = max(place for place, part in enumerate(prompt) if part["role"] == "user")
        added = "\n\n" + FORM.format(schema=self.schema.text)
        turn = {**prompt[last], "content": f"{prompt[last]['content']}{added}"}
        parts = {**prompt.parts, INSTRUCTIONS: prompt.parts.get(INSTRUCTIONS, 0) + len(added)}
        return Prompt((*prompt[:last], turn, *prompt[last + 1 :]), parts, prompt.flags)


@dataclass(frozen=True)
class Parts:
    """What the answers of one agent have in common."""

    llm: LLM
    chat: Chat
    """Renders the conversation before the first reply."""
    tools: Mapping[str, Tool]
    rules: Mapping[str, Rule]
    """Tool -> its rule."""
    limits: Limits
    talks: list[Talk]
    """How to speak of tools; the last, where there are two, once the provider refuses the first."""
    where: str
    """The prompt, for messages."""
    form: Form | None = None
    """What answers must fit; None where any text is one."""

    @cached_property
    def schemas(self) -> Mapping[str, Schema]:
        """Tool -> what its arguments must fit."""
        return {name: Schema(tool.parameters, f"tool {name}") for name, tool in self.tools.items()}

    def offers(self, question: Question) -> list[Offer]:
        """The tools that are there for a case, their rules in their descriptions."""
        found = []
        for name, rule in self.rules.items():
            if rule.offered(question):
                told = " ".join([self.tools[name].description, *rule.told(question)])
                found.append(Offer(name, told, self.tools[name].parameters))
        return found


def read_form(spec: RungSpec, kit: Kit, template: PromptTemplate) -> Form | None:
    """What `output` and `repair_attempts` ask for; None without `output`.

    Raises:
        InvalidFile: the schema cannot be used, or a mode is set in which the model could call nothing.
    """
    options.check_used(spec, OF_OUTPUT, "output")
    if "output" not in spec.options:
        return None
    options.choice(spec, "output_mode", AUTO, (AUTO, PROMPT))
    repairs = options.whole(spec, "repair_attempts", DEFAULT_REPAIRS, least=0)
    return Form(read_schema(spec, kit), repairs, "schema" in template.uses)
