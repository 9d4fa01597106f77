"""The rungs `prompt` and `few_shot`: one prompt, one call."""

from __future__ import annotations

from pytest_ladder.core.ports import Kit, System
from pytest_ladder.core.rungs import RungSpec
from pytest_ladder.rungs.prompting.chat import Chat, read_template
from pytest_ladder.rungs.prompting.few_shot import read_examples
from pytest_ladder.rungs.prompting.structured import read_output


def build_prompt(spec: RungSpec, kit: Kit) -> System:
    """A system that renders `prompt` and asks once; `examples` may add worked ones."""
    return Chat(read_template(spec, kit), read_examples(spec, kit), kit, read_output(spec, kit))


def build_few_shot(spec: RungSpec, kit: Kit) -> System:
    """The same with `k` worked examples, which must be there, before the question."""
    return Chat(read_template(spec, kit), read_examples(spec, kit, needed=True), kit, read_output(spec, kit))
