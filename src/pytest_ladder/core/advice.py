"""The next step where no rung on record meets the target.

Source: the decision tables of the methodology. The diagnosis picks the step where it says anything; else the declared
profile of the task; else the order of the climb.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pytest_ladder.core.diagnosis import CALLS_FOR, called_for
from pytest_ladder.core.diagnosis_kinds import FailureKind
from pytest_ladder.core.ladder import Ladder
from pytest_ladder.core.rungs import Kind, declaration

FEW_EXAMPLES = 100
"""Below this many training examples a tuned model memorises."""

CHANGES_OFTEN = ("weekly", "daily")
"""Values of `[profile] knowledge_changes` under which weights would be stale before they are served."""

LAST_RESORT: Mapping[FailureKind, str] = {
    FailureKind.FACTS: "improve the rag rung",
    FailureKind.RETRIEVAL: "improve the advanced_rag rung: its index, its ranking, its chunks",
    FailureKind.CONTEXT: "improve the advanced_rag rung: put less and cleaner context before the model",
    FailureKind.REASONING: "improve the decompose rung: smaller steps",
    FailureKind.TOOL_USE: "improve the decompose rung: say which tool is for what, and require it",
    FailureKind.FORM: "constrain the output by a schema, or search prompts with an optimize rung",
    FailureKind.ABSTENTION: "say in the prompt when to abstain, or let the rule of a `router` escalate such cases",
    FailureKind.ECONOMY: "distil the answers into a smaller model",
}
"""What is left for a failure kind whose rungs are all on record."""


@dataclass(frozen=True, slots=True)
class Situation:
    """What the advice rests on."""

    ladder: Ladder
    tried: frozenset[Kind]
    """Kinds with current evidence."""
    diagnosis: Mapping[FailureKind, int]
    """Of the best cheaper rung's failures."""
    gate_open: bool
    only_limits: bool = False
    """Whether the best cheaper rung misses nothing but cost or latency."""
    plateau: str = ""
    """What shows that prompting has levelled off; empty where it has not."""
    complements: str = ""
    """Which rungs together meet every threshold on a slice, by `core.complements`; empty where none do."""
    cost_usd: float = 0.0
    """Of one answer of the best cheaper rung, USD; 0 where it is free or not known."""


def advise(situation: Situation) -> str:
    """Say what to do next, in one sentence without a full stop."""
    if situation.complements:
        return f"send each question to the rung that is good at it, by a `router`: {situation.complements}"
    if situation.gate_open:
        return _tune(situation)
    if situation.only_limits:
        economy = LAST_RESORT[FailureKind.ECONOMY]
        return f"{economy}: quality is there, only cost or latency is missed{_volume(situation)}"
    failure = called_for(situation.diagnosis)
    if failure is not None:
        return _mend(situation, failure)
    return _by_profile(situation) or _in_order(situation)


def _tune(situation: Situation) -> str:
    profile = situation.ladder.profile
    if profile.get("narrow") is False:
        return "narrow the task, then fine-tune: it is declared broad, and a tuned model holds one narrow behaviour"
    if profile.get("stable") is False:
        return "keep the behaviour in the prompt until it is stable: it is declared to change, and weights do not"
    if (examples := _few_examples(situation)) is not None:
        return (
            f"improve the prompt and collect examples: {examples} are declared, and below {FEW_EXAMPLES} "
            "a tuned model memorises; then fine-tune"
        )
    if situation.only_limits:
        why = f"only cost or latency is missed{_volume(situation)}"
    else:
        why = f"what remains is form{_levelled(situation)}"
    return f"fine-tune: the cheaper rungs are on record and {why}{_facts_apart(situation)}"


def _few_examples(situation: Situation) -> int | None:
    """How many training examples are declared, where they are too few; None where they are not, or nothing is said."""
    examples = situation.ladder.profile.get("training_examples")
    return examples if isinstance(examples, int) and examples < FEW_EXAMPLES else None


def _volume(situation: Situation) -> str:
    """What the declared volume costs, which is what a tuned model has to stay below; empty where that is not known."""
    queries = situation.ladder.profile.get("query_volume")
    if not isinstance(queries, int) or not queries * situation.cost_usd:
        return ""
    return (
        f"; {queries:,} queries a month cost ${queries * situation.cost_usd:,.2f} now, and a tuned model pays where "
        "its training, spread over its months, and its hosting cost less"
    )


def _facts_apart(situation: Situation) -> str:
    """That what changes often stays out of the weights."""
    changes = situation.ladder.profile.get("knowledge_changes")
    told = f"; leave what it must know to retrieval, for that changes {changes}"
    return told if changes in CHANGES_OFTEN else ""


def _mend(situation: Situation, failure: FailureKind) -> str:
    most = f"most failures are of kind {failure}" + (_levelled(situation) if failure is FailureKind.FORM else "")
    for kind in CALLS_FOR[failure]:
        if kind not in situation.tried and kind is not Kind.FINE_TUNE:
            return f"declare {declaration(kind)}: {most}"
    if failure is FailureKind.TOOL_USE and not _calls_tools(situation.ladder):
        return f'declare a decompose rung with `strategy = "tool_agent"`, no rung calls a tool: {most}'
    few = _few_examples(situation) if failure is FailureKind.FORM else None
    collect = "" if few is None else f", and collect examples ({few} are declared, tuning takes {FEW_EXAMPLES})"
    return f"{LAST_RESORT[failure]}{collect}: {most}"


def _calls_tools(ladder: Ladder) -> bool:
    """Whether a rung may call tools: an agent's, or those of a system of the user's own."""
    return any("tools" in rung.options or rung.system for rung in ladder.rungs)


def _levelled(situation: Situation) -> str:
    """That prompting has levelled off: more of it is not what mends form."""
    return f", and {situation.plateau}" if situation.plateau else ""


def _by_profile(situation: Situation) -> str:
    """The declared facts of the task, where nothing is diagnosed."""
    changes = situation.ladder.profile.get("knowledge_changes")
    if Kind.FEW_SHOT not in situation.tried:
        return "declare [rungs.few_shot]: three to five examples are the cheapest thing not tried"
    if changes in CHANGES_OFTEN and Kind.RAG not in situation.tried:
        return f"declare [rungs.rag]: what it must know changes {changes}"
    return ""


def _in_order(situation: Situation) -> str:
    missing = [kind for kind in situation.ladder.gate.required if kind not in situation.tried]
    if missing:
        return f"declare {declaration(missing[0])}: it is the next in climbing order"
    unknown = situation.diagnosis.get(FailureKind.UNKNOWN, 0)
    if unknown:
        return f"label the {unknown} failures of unknown kind in labels.jsonl: they decide what mends them"
    return "improve the cheaper rungs"
