"""The tables of ladder.toml and waivers.toml: every key, its type and range. A key that is not here is an error."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from pytest_ladder.core.rungs import REQUIRED, Kind
from pytest_ladder.store.faults import names, nearest

KINDS = tuple(kind.value for kind in Kind)
NAME_PATTERN = r"[A-Za-z0-9_.-]+"


class Fault(ValueError):
    """What a value breaks; `expected` and `next_step` complete the message."""

    def __init__(self, fault: str, expected: str | None = None, next_step: str | None = None) -> None:
        super().__init__(fault)
        self.expected, self.next_step = expected, next_step


def plain_name(value: str) -> str:
    """Check a name that also names a folder."""
    if not re.fullmatch(NAME_PATTERN, value) or value in (".", ".."):
        raise Fault("not a plain name", "letters, digits, `_`, `.` and `-`")
    return value


def choice(value: str, choices: Iterable[str]) -> str:
    """Check that a name is one of the choices."""
    known = list(choices)
    if value not in known:
        near = nearest(value, known)
        raise Fault("unknown name", names(known), f"did you mean {near!r}?" if near else None)
    return value


def not_blank(value: str) -> str:
    """Check that a text says something."""
    if not value.strip():
        raise Fault("the text is empty", "some text")
    return value


def reference(value: str) -> str:
    """Check the form of a reference to a function."""
    module, colon, function = value.rpartition(":")
    if not colon or not module or not function.isidentifier():
        raise Fault("not a reference to a function", "`file.py:function` or `package.module:function`")
    return value


def store_name(value: str) -> str:
    """Check where recordings go."""
    if "://" in value:
        raise Fault("remote stores are not supported in this version", "commit or local")
    return choice(value, ("commit", "local"))


Text = Annotated[str, AfterValidator(not_blank), Field(min_length=1)]
Name = Annotated[str, AfterValidator(plain_name), Field(json_schema_extra={"pattern": f"^{NAME_PATTERN}$"})]
KindName = Annotated[
    str, AfterValidator(lambda value: choice(value, KINDS)), Field(json_schema_extra={"enum": [*KINDS]})
]
Reference = Annotated[str, AfterValidator(reference)]
Share = Annotated[float, Field(ge=0, le=1)]
Positive = Annotated[int, Field(ge=1)]
Count = Annotated[int, Field(ge=0)]
Amount = Annotated[float, Field(ge=0)]
Options = dict[str, Any]


class Table(BaseModel):
    """A table that knows its keys."""

    model_config = ConfigDict(
        extra="forbid", strict=True, allow_inf_nan=False, protected_namespaces=(), use_attribute_docstrings=True
    )

    @classmethod
    def keys(cls) -> tuple[str, ...]:
        """The keys as written in the file."""
        return tuple(field.alias or name for name, field in cls.model_fields.items())


class Profile(Table):
    """Declared facts of the task, used by the recommendation and the checklist."""

    knowledge_changes: Literal["never", "yearly", "monthly", "weekly", "daily"] | None = None
    """How often the facts behind right answers change."""
    query_volume: Count | None = None
    """Queries a month."""
    training_examples: Count | None = None
    """Examples at hand for training."""
    narrow: bool | None = None
    """Whether the task is one narrow thing."""
    stable: bool | None = None
    """Whether the task stays what it is."""
    allowed_evidence: list[Text] = []
    """Sources an answer may rest on."""
    abstention_rule: Text | None = None
    """When and how to decline."""
    disallowed: list[Text] = []
    """What an answer must not do."""


class Metric(Table):
    """One metric: a scorer and its options."""

    scorer: Text
    """A scorer's name, `deepeval:NAME`, or `file.py:function`."""
    options: Options = {}
    """What the scorer takes."""


class LimitsTable(Table):
    """Ceilings; they are thresholds too."""

    cost_per_case: Amount | None = None
    """USD an answer."""
    latency_p95: Amount | None = None
    """Seconds of the answer itself, 95th percentile; needs at least 60 answers."""


class Decision(Table):
    """How figures become verdicts."""

    rule: Literal["point", "confident"] = "point"
    """`confident`: the one-sided lower bound must reach the threshold."""
    confidence: Annotated[float, Field(gt=0.5, lt=1)] = 0.95
    """Of each one-sided bound."""
    min_effect: Share = 0.0
    """Least loss that counts as a regression."""
    max_error_rate: Share = 0.0
    """Share of cases in error above which a rung is in error."""
    stop: Literal["never", "certain"] = "never"
    """`certain`: end a rung once no remaining case can change a verdict."""
    undecided: Literal["refuse", "allow"] = "refuse"
    """What an undecided rung does at the gate."""
    de_escalate: Literal["warn", "fail"] = "warn"
    """What a run does once a cheaper rung meets what a tuned one was needed for."""
    confirm: Literal["none", "holdout"] = "none"
    """`holdout`: the selected lever must also hold on the hold-out set."""


class Budget(Table):
    """What a run may spend."""

    cost_usd: Amount = 5.0
    """USD; a priced model is never run without a budget."""


class RecordingsTable(Table):
    """Where recorded answers go."""

    store: Annotated[str, AfterValidator(store_name), Field(json_schema_extra={"enum": ["commit", "local"]})] = "commit"
    """`local`: kept out of git, for answers with personal data."""


class Privacy(Table):
    """What of cases and answers may be shown."""

    show: Literal["text", "ids"] = "text"
    """`ids`: no case or answer text in terminal, JUnit, reports or log."""
    redact: list[Reference] = []
    """`file.py:function` each, run on an answer before it is recorded and scored."""


class Gate(Table):
    """What must be on record before fine-tuning."""

    required: list[KindName] = [kind.value for kind in REQUIRED]
    """Kinds of rung that must have been measured."""
    min_form_share: Share = 0.5
    """Least share of form failures among the best cheaper rung's diagnosed failures."""
    max_age_days: Positive = 90
    """Older evidence is stale."""
    policy_change: Literal["print", "fail"] = "print"
    """What a change of policy against `--ladder-base` does."""
    effort: dict[KindName, Positive] = {"prompt": 2}
    """How many different versions of a kind must have been measured."""
    exempt: dict[KindName, Text] = {}
    """Required kinds that are left out, and why; accepted only if the diagnosis backs it."""


class Rung(Table):
    """What every rung may say."""

    kind: KindName | None = None
    """The rung's kind; its id where it is not given."""
    system: Reference | None = None
    """The user's own system, in place of the built-in one."""
    model: Text | None = None
    """In place of the ladder's model."""
    model_options: Options = {}
    """Laid over the ladder's model options."""
    depends: list[Text] = []
    """Globs from the rootdir of further files that belong to the fingerprint."""


class PromptRung(Rung):
    """The instructions alone."""

    prompt: Text | None = None
    """A chat template with `{{ input }}`."""
    examples: Text | None = None
    """Worked examples, one `{"input", "expected"}` a line."""
    k: Positive | None = None
    """Examples to show."""
    select: Literal["first", "bm25"] | None = None
    """Which examples are shown: the first ones, or those nearest to the input."""


class FewShotRung(PromptRung):
    """Worked examples in the prompt."""


class OptimizeRung(PromptRung):
    """Search over prompts and demonstrations on the dev set."""


class RagRung(PromptRung):
    """Chunks of a corpus in the prompt."""

    corpus: Text | None = None
    """Documents, one `{"id", "text", "title"?, "metadata"?}` a line."""
    retriever: Text | None = None
    """A retriever's name."""
    retriever_options: Options = {}
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
    reranker: Text | None = None
    """The cross-encoder that orders what was found."""
    query_rewrite: bool | None = None
    """Whether the model rewrites the query first."""
    contextual: bool | None = None
    """Whether chunks are indexed with their context."""
    agentic: bool | None = None
    """Whether the model decides when to search again."""


class DecomposeRung(AdvancedRagRung):
    """Several model calls for one answer."""

    strategy: Literal["prompt_chain", "plan_and_execute", "query_decomposition", "tool_agent"] | None = None
    """How the task is taken apart."""


class FineTuneRung(AdvancedRagRung):
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

RUNG_PATHS = ("prompt", "examples", "corpus", "train", "regression", "out_of_distribution", "adapter")
"""Keys of a rung that name a file or folder beside the ladder."""


class LadderFile(Table):
    """ladder.toml: the contract of one ladder."""

    version: Literal[1] = Field(alias="schema")
    """Version of this format."""
    name: Name
    """The ladder's name, unique in a run."""
    task: str = ""
    """What a right answer does, in a sentence."""
    evalset: Text
    """The eval set: one case a line."""
    dev: Text | None = None
    """Cases for prompt search and few-shot selection."""
    holdout: Text | None = None
    """Cases scored only with `--ladder-holdout`."""
    model: Text | None = None
    """A LiteLLM name, `local:PATH-OR-HUB-ID`, or `models.py:function`."""
    model_options: Options = {}
    """Sampling and length options of the model."""
    repeats: Positive = 1
    """Answers a case."""
    seed: int = 0
    """Seed of everything that is drawn."""
    profile: Profile = Profile()
    metrics: dict[Text, Metric]
    """How answers are scored."""
    thresholds: dict[Text, dict[Text, Share]]
    """Metric -> slice -> least mean score; `all` is the whole set."""
    limits: LimitsTable = LimitsTable()
    decision: Decision = Decision()
    budget: Budget = Budget()
    recordings: RecordingsTable = RecordingsTable()
    privacy: Privacy = Privacy()
    gate: Gate = Gate()
    rungs: dict[str, dict[str, Any]]
    """The rungs by id; `kind` defaults to the id."""


class WaiverTable(Table):
    """A signed exception from the climb."""

    ladder: Text
    kind: Text
    reason: Text
    approved_by: Text
    expires: date


class WaiversFile(Table):
    """waivers.toml."""

    waiver: list[WaiverTable] = []


TABLES: dict[str, type[Table]] = {
    "profile": Profile,
    "limits": LimitsTable,
    "decision": Decision,
    "budget": Budget,
    "recordings": RecordingsTable,
    "privacy": Privacy,
    "gate": Gate,
    "metrics": Metric,
    "waiver": WaiverTable,
}
"""Where a table's keys are described, by the first key of its path."""
