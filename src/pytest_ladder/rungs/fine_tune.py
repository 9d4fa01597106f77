"""The rung `fine_tune`: the tuned model behind the same prompts."""

from __future__ import annotations

from pytest_ladder.core.ports import Kit, System
from pytest_ladder.core.rungs import RungSpec
from pytest_ladder.rungs.prompting.chat import Chat, read_template
from pytest_ladder.rungs.prompting.few_shot import read_examples
from pytest_ladder.rungs.prompting.structured import read_output
from pytest_ladder.rungs.retrieval.advanced_rag import SWITCHES, build_advanced_rag
from pytest_ladder.rungs.retrieval.rag import build_rag

BARE = "{{ input }}"


def build_fine_tune(spec: RungSpec, kit: Kit) -> System:
    """A system over the tuned model, which the kit's `llm` is: with retrieval where there is a `corpus`.

    Without a `prompt` the input alone is the prompt, as in training data of the form `{"input", "expected"}`.
    """
    if "corpus" in spec.options:
        return build_advanced_rag(spec, kit) if spec.options.keys() & set(SWITCHES) else build_rag(spec, kit)
    return Chat(read_template(spec, kit, default=BARE), read_examples(spec, kit), kit, read_output(spec, kit))
