"""The tables of ladder.toml and waivers.toml: every key, its type and range. A key that is not here is an error."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field

from pytest_ladder.core.rungs import REQUIRED
from pytest_ladder.store.schema_rungs import ToolRule
from pytest_ladder.store.schema_types import (
    Amount,
    Count,
    KindName,
    Name,
    Options,
    Positive,
    Reference,
    Share,
    Table,
    Text,
    store_name,
)


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
    allowed_evidence: list[Text] = Field(default=[])
    """Sources an answer may rest on."""
    abstention_rule: Text | None = None
    """When and how to decline."""
    disallowed: list[Text] = Field(default=[])
    """What an answer must not do."""


class Metric(Table):
    """One metric: a scorer and its options."""

    scorer: Text
    """A scorer's name, `deepeval:NAME`, or `file.py:function`."""
    options: Options = Field(default={})
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
    cluster: Text | None = None
    """Key of the cases' metadata by which they go together: they count as dependent."""


class Budget(Table):
    """What a run may spend."""

    cost_usd: Amount = 5.0
    """USD; a priced model is never run without a budget."""


class PriceTable(Table):
    """What a hosted model costs, USD per million tokens; 0 and 0 for one that is free."""

    input: Amount
    """USD per million tokens of prompts."""
    output: Amount
    """USD per million tokens of answers."""


class RecordingsTable(Table):
    """Where recorded answers go."""

    store: Annotated[str, AfterValidator(store_name), Field(json_schema_extra={"enum": ["commit", "local"]})] = "commit"
    """`local`: kept out of git, for answers with personal data."""


class Privacy(Table):
    """What of cases and answers may be shown."""

    show: Literal["text", "ids"] = "text"
    """`ids`: no case or answer text in terminal, JUnit, reports or log."""
    redact: list[Reference] = Field(default=[])
    """`file.py:function` each, run on an answer before it is recorded and scored."""


class Gate(Table):
    """What must be on record before fine-tuning."""

    required: list[KindName] = Field(default=[kind.value for kind in REQUIRED])
    """Kinds of rung that must have been measured."""
    min_form_share: Share = 0.5
    """Least share of form failures among the best cheaper rung's diagnosed failures."""
    max_age_days: Positive = 90
    """Older evidence is stale."""
    policy_change: Literal["print", "fail"] = "print"
    """What a change of policy against `--ladder-base` does."""
    effort: dict[KindName, Positive] = Field(default={"prompt": 2})
    """How many different versions of a kind must have been measured."""
    exempt: dict[KindName, Text] = Field(default={})
    """Required kinds that are left out, and why; accepted only if the diagnosis backs it."""


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
    """Cases scored only with `--ladder-holdout`, or where `[decision] confirm` asks for it."""
    model: Text | None = None
    """A LiteLLM name, `local:PATH-OR-HUB-ID`, or `models.py:function`."""
    model_options: Options = Field(default={})
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
    prices: dict[Text, PriceTable] = Field(default={})
    """Prices of hosted models, by the model's name."""
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

    waiver: list[WaiverTable] = Field(default=[])


TABLES: dict[str, type[Table]] = {
    "profile": Profile,
    "limits": LimitsTable,
    "decision": Decision,
    "budget": Budget,
    "recordings": RecordingsTable,
    "privacy": Privacy,
    "gate": Gate,
    "metrics": Metric,
    "prices": PriceTable,
    "waiver": WaiverTable,
    "tool_rules": ToolRule,
}
"""Where a table's keys are described, by the first key of its path."""
