"""The `[rungs.ID]` tables of ladder.toml: the keys of each kind."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from pytest_ladder.core.rungs import Kind
from pytest_ladder.store.schema_hybrids import Guards, Routing
from pytest_ladder.store.schema_types import Count, KindName, Options, Positive, Reference, Repairs, Share, Table, Text


class Rung(Table):
    """What every rung may say."""

    kind: KindName | None = None
    """The rung's kind; its id where it is not given."""
    system: Reference | None = None
    """The user's own system, in place of the built-in one."""
    model: Text | None = None
    """In place of the ladder's model."""
    model_options: Options = Field(default={})
    """Laid over the ladder's model options."""
    depends: list[Text] = Field(default=[])
    """Globs from the rootdir of further files that belong to the fingerprint."""


class PromptRung(Guards, Rung):
    """The instructions alone."""

    prompt: Text | None = None
    """A chat template with `{{ input }}`."""
    examples: Text | None = None
    """Worked examples, one `{"input", "expected"}` a line."""
    k: Positive | None = None
    """Examples to show."""
    select: Literal["first", "bm25"] | None = None
    """Which examples are shown: the first ones, or those nearest to the input."""
    output: Text | None = None
    """A JSON Schema that every answer must fit."""
    output_mode: Literal["auto", "provider", "constrained", "prompt"] | None = None
    """How the model is held to `output`."""
    repair_attempts: Repairs | None = None
    """Further calls for an answer that does not fit, at most."""


class FewShotRung(PromptRung):
    """Worked examples in the prompt."""


class OptimizeRung(PromptRung):
    """Search over prompts and demonstrations on the dev set."""

    instructions: list[Text] = Field(default=[])
    """Further prompts to try, besides `prompt`."""
    demos: Count | None = None
    """Demonstrations in the prompt, at most."""
    demo_score: Share | None = None
    """Least score of an answer that becomes a demonstration."""
    optimizer: Literal["bootstrap", "dspy:MIPROv2", "dspy:GEPA"] | None = None
    """Who searches."""
    max_calls: Positive | None = None
    """Model calls of the search, at most."""
    candidates: Annotated[int, Field(ge=2)] | None = None
    """Prompts to try, at most."""
    propose: Count | None = None
    """Instructions that a model writes."""
    objective: Text | list[Text] | None = None
    """The metrics whose mean is searched for."""
    teacher: Text | None = None
    """The model whose right answers become demonstrations."""
    teacher_options: Options = Field(default={})
    """Its model options."""
    proposer: Text | None = None
    """The model that writes instructions."""
    proposer_options: Options = Field(default={})
    """Its model options."""


class RagRung(PromptRung):
    """Chunks of a corpus in the prompt."""

    corpus: Text | None = None
    """Documents, one `{"id", "text", "title"?, "metadata"?}` a line."""
    retriever: Text | None = None
    """A retriever's name."""
    retriever_options: Options = Field(default={})
    """What the retriever takes."""
    top_k: Positive | None = None
    """Chunks to show."""
    chunk_size: Positive | None = None
    """Characters a chunk, at most."""
    chunk_overlap: Count | None = None
    """Characters that neighbouring chunks share."""


class AdvancedRagRung(RagRung):
    """Retrieval with more than one index look-up."""

    embedder: Text | None = None
    """The embedding model of the dense part."""
    fetch_k: Positive | None = None
    """Candidates that each search finds, before they are fused or reranked."""
    reranker: Text | None = None
    """The cross-encoder that orders what was found."""
    reranker_options: Options = Field(default={})
    """What the reranker takes."""
    query_rewrite: bool | None = None
    """Whether the model rewrites the question into a search query first."""
    rewrite_prompt: Text | None = None
    """How it is asked to."""
    multi_query: Positive | None = None
    """Further queries that the model writes."""
    multi_query_prompt: Text | None = None
    """How it is asked to."""
    contextual: bool | None = None
    """Whether chunks are indexed with a line of context that the model writes."""
    context_prompt: Text | None = None
    """How it is asked to."""
    filters: Options = Field(default={})
    """Metadata that a document must have to be found."""
    compress: bool | None = None
    """Whether only the sentences that fit the question are shown."""
    keep_sentences: Positive | None = None
    """How many of them."""
    agentic: bool | None = None
    """Whether the model decides what to search, and when to search again."""
    agent_prompt: Text | None = None
    """How it is asked to."""
    max_steps: Positive | None = None
    """Searches of one answer, at most."""


class ToolRule(Table):
    """What holds for one tool of an agent."""

    when: Options = Field(default={})
    """Metadata that a case must have for the tool to be offered."""
    after: list[Text] = Field(default=[])
    """Tools that must have succeeded before."""
    at_most: Positive | None = None
    """Calls of one answer."""
    required: bool | Options = False
    """Whether it must be called before an answer is given; or the metadata of the cases of which that holds."""
    arguments: Options = Field(default={})
    """A JSON Schema that its arguments must fit."""


class DecomposeRung(Routing, AdvancedRagRung):
    """Several model calls for one answer."""

    strategy: Literal["prompt_chain", "plan_and_execute", "query_decomposition", "tool_agent"] | None = None
    """How the task is taken apart."""
    plan_prompt: Text | None = None
    """How the model is asked to take it apart."""
    planner: Text | None = None
    """The model that plans."""
    planner_options: Options = Field(default={})
    """Laid over the rung's model options for the planner."""
    step_separator: Annotated[str, Field(min_length=1)] | None = None
    """What stands between two sub-questions."""
    placeholder: Text | None = None
    """What stands in a step for the answer to an earlier one."""
    merge: Literal["model", "last"] | None = None
    """What makes one answer of those to the sub-questions."""
    merge_prompt: Text | None = None
    """How the model is asked to."""
    chain: Annotated[list[Text], Field(min_length=2)] | None = None
    """Prompts that are asked one after another."""
    step_prompt: Text | None = None
    """How the model is asked to carry out a step of the plan."""
    answer_prompt: Text | None = None
    """How it is asked for the answer in the end."""
    replan: Count | None = None
    """How often the plan is revised, at most."""
    tools: list[Reference] = Field(default=[])
    """Functions that the agent may call."""
    tool_rules: dict[Text, ToolRule] = Field(default={})
    """Tool -> when it may, and when it must, be called."""
    tool_mode: Literal["auto", "provider", "text"] | None = None
    """How the model asks for a tool."""
    tool_prompt: Text | None = None
    """How a model that asks in text is told of the tools."""
    max_tool_calls: Positive | None = None
    """Calls of one answer, at most."""
    max_cost: Annotated[float, Field(gt=0)] | None = None
    """USD of one answer, above which the agent is asked for its answer."""
    max_result: Positive | None = None
    """Characters of a tool's result, at most."""


class FineTuneRung(Routing, AdvancedRagRung):
    """Other weights."""

    method: Literal["lora", "qlora", "full"] | None = None
    """Which weights are trained."""
    train: Text | None = None
    """Training data: chat JSONL, or `{"input", "expected"}`."""
    base: Text | None = None
    """The model that training starts from."""
    regression: Text | None = None
    """Base-capability suite, scored before and after."""
    out_of_distribution: Text | None = None
    """Cases from outside the task's distribution."""
    adapter: Text | None = None
    """Folder of the trained adapter."""


RUNG_TABLES: dict[str, type[Rung]] = {
    Kind.PROMPT.value: PromptRung,
    Kind.FEW_SHOT.value: FewShotRung,
    Kind.OPTIMIZE.value: OptimizeRung,
    Kind.RAG.value: RagRung,
    Kind.ADVANCED_RAG.value: AdvancedRagRung,
    Kind.DECOMPOSE.value: DecomposeRung,
    Kind.FINE_TUNE.value: FineTuneRung,
}
"""Kind -> the keys that its tables may hold."""

ASIDES = (
    "rewrite_prompt", "multi_query_prompt", "context_prompt", "agent_prompt", "plan_prompt", "merge_prompt", "chain",
    "step_prompt", "answer_prompt", "tool_prompt", "router_prompt", "verify_prompt",
)  # fmt: skip
"""Keys of a rung that name a prompt other than that of the answer, or several of them."""

RUNG_PATHS = (
    "prompt", "instructions", *ASIDES, "examples", "output", "corpus", "train", "regression", "out_of_distribution",
    "adapter",
)  # fmt: skip
"""Keys of a rung that name a file or folder beside the ladder."""


def texts_of(written: object) -> tuple[str, ...]:
    """The texts that a key holds: one, several or none."""
    found = written if isinstance(written, list | tuple) else [written]
    return tuple(item for item in found if isinstance(item, str))
