"""How many model calls an answer of a rung takes, and what they show, as its table declares: nothing is asked."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from pytest_ladder.core.hybrids import CLASSIFIER, FALLBACK, RETRY
from pytest_ladder.core.rungs import RungSpec
from pytest_ladder.rungs import options
from pytest_ladder.rungs.decomposition import plan_and_execute as planned
from pytest_ladder.rungs.decomposition import query_decomposition as decomposed
from pytest_ladder.rungs.decomposition.stepping import DEFAULT_STEPS, PLANNER
from pytest_ladder.rungs.hybrids.choosing import ROUTE
from pytest_ladder.rungs.hybrids.guarded import resorts_of
from pytest_ladder.rungs.prompting.structured import DEFAULT_REPAIRS
from pytest_ladder.rungs.retrieval import agentic, querying
from pytest_ladder.rungs.tools.rules import KEY, Limits
from pytest_ladder.rungs.tools.search import NAME
from pytest_ladder.rungs.tools.talk import TEXT

ASIDE = 200
"""Characters that a turn of an agent holds besides the reply and the results, about: a refusal, a reminder, a cut."""


@dataclass(frozen=True, slots=True)
class Results:
    """What comes back from an agent's tools, at most; each request shows all that came before it."""

    most: int
    """Results of one answer."""
    others: int
    """Those among them that are not of `search`."""
    characters: int
    """Of one result."""
    at_once: int
    """Results that one reply may bring."""

    def before(self, replies: int, found: int) -> int:
        """Characters that a request shows behind so many replies, where `search` gives no more than `found`."""
        known = replies * self.at_once
        return self._written(min(known, self.most), min(known, self.others), found) + replies * ASIDE

    def together(self, requests: int, found: int) -> int:
        """Characters that so many requests of one answer show, the first of which shows none."""
        after = requests - 1
        shown = self._written(self._shown(after, self.most), self._shown(after, self.others), found)
        return shown + ASIDE * after * requests // 2

    def _written(self, shown: int, others: int, found: int) -> int:
        return others * self.characters + (shown - others) * found

    def _shown(self, after: int, results: int) -> int:
        """How often results are shown by the requests after the first, if each comes as early as it may."""
        rising = min(after, results // self.at_once)
        return self.at_once * rising * (rising + 1) // 2 + (after - rising) * results


@dataclass(frozen=True, slots=True)
class Calls:
    """Calls of one kind on the way to an answer."""

    asks: RungSpec
    """The rung as it asks the model."""
    least: int = 1
    most: int = 1
    file: str | None = None
    """The prompt's file; None for the default text."""
    text: str = ""
    """The default text."""
    whole: bool = False
    """Whether worked examples and the schema go along even where the prompt does not show them."""
    searches: int = 0
    """Searches whose documents the prompt may show, at most."""
    earlier: int = 0
    """Replies on the way to the same answer that it may show, at most."""
    results: Results | None = None
    """What tools give, where they are the requests of one conversation: each shows the replies of those before it."""
    cap_usd: float | None = None
    """What they may all cost before the last two of them; None for no bound."""


def calls_of(spec: RungSpec) -> list[Calls]:
    """The calls of one answer of a rung's own system, without its samples, its verifier and what it falls back on.

    A router's are those of its choice alone; the rung that is chosen has its own.
    """
    if "router" in spec.options:
        asked = [_step(spec.asking(CLASSIFIER), "router_prompt", ROUTE)]
        return asked if spec.options["router"] == CLASSIFIER else []
    if "strategy" in spec.options:
        return STRATEGIES[str(spec.options["strategy"])](spec)
    return [*_search(spec), *_repaired(spec, _chat(spec))]


def draws(spec: RungSpec) -> tuple[int, int]:
    """How often a rung's own system answers a question, at least and at most."""
    samples = options.whole(spec, "samples", 1, least=1)
    retries = options.whole(spec, "retries", 1, least=1) if RETRY in resorts_of(spec) else 0
    return samples, samples * (1 + retries)


def checks(spec: RungSpec) -> list[Calls]:
    """The verifier's calls: one for each answer that might ship, and none for one that cannot by its form."""
    resorts = resorts_of(spec)
    if not resorts or "verify_prompt" not in spec.options:
        return []
    samples, drawn = draws(spec)
    least = int(resorts[0] == RETRY and "router" not in spec.options)  # where it is not verified, it is drawn again
    most = drawn // samples + (FALLBACK in resorts)
    return [_step(spec.asking("verifier"), "verify_prompt", "", least=least, most=most, searches=1, earlier=1)]


def _step(
    asks: RungSpec, key: str, text: str, least: int = 1, most: int = 1, searches: int = 0, earlier: int = 0
) -> Calls:
    return Calls(asks, least, most, asks.options.get(key), text, searches=searches, earlier=earlier)


def _chat(spec: RungSpec, least: int = 1, most: int = 1) -> Calls:
    return Calls(spec, least, most, spec.options.get("prompt"), whole=True, searches=1)


def _repaired(spec: RungSpec, last: Calls) -> list[Calls]:
    """The calls that give the answer, and those that mend it where it does not fit its schema."""
    repairs = options.whole(spec, "repair_attempts", DEFAULT_REPAIRS, least=0) if "output" in spec.options else 0
    mending = replace(last, least=0, most=repairs, whole=True, earlier=last.earlier + repairs)
    return [last, mending] if repairs else [last]


def _search(spec: RungSpec, least: int = 1, most: int = 1, *, own_steps: bool = True) -> list[Calls]:
    """What the model is asked in so many searches; `own_steps` says whether `max_steps` is of the searches."""
    if "corpus" not in spec.options:
        return []
    found = []
    if options.flag(spec, "query_rewrite"):
        found.append(_step(spec, "rewrite_prompt", querying.REWRITE, least, most))
    if spec.options.get("multi_query"):
        found.append(_step(spec, "multi_query_prompt", querying.MULTI_QUERY, least, most))
    if options.flag(spec, "agentic"):
        default = agentic.DEFAULT_STEPS
        steps = options.whole(spec, "max_steps", default, least=1) if own_steps else default
        found.append(_step(spec, "agent_prompt", agentic.AGENT, least, most * steps, searches=1))
    return found


def _query_decomposition(spec: RungSpec) -> list[Calls]:
    steps = options.whole(spec, "max_steps", DEFAULT_STEPS, least=1)
    plan, parts = _step(spec.asking(PLANNER), "plan_prompt", decomposed.PLAN), _chat(spec, most=steps)
    found = [plan, *_search(spec, most=steps, own_steps=False)]
    if steps == 1 or options.choice(spec, "merge", decomposed.MERGES[0], decomposed.MERGES) == "last":
        return [*found, *_repaired(spec, parts)]
    merge = _step(spec, "merge_prompt", decomposed.MERGE, least=0, searches=steps, earlier=steps)
    return [*found, parts, *_repaired(spec, merge)]


def _prompt_chain(spec: RungSpec) -> list[Calls]:
    names = options.texts(spec, "chain", least=2)
    links = [Calls(spec, file=name, searches=1, earlier=place) for place, name in enumerate(names)]
    return [*_search(spec), *links[:-1], *_repaired(spec, links[-1])]


def _plan_and_execute(spec: RungSpec) -> list[Calls]:
    steps = options.whole(spec, "max_steps", DEFAULT_STEPS, least=1)
    revisions = min(options.whole(spec, "replan", planned.DEFAULT_REPLANS, least=0), steps - 1)
    seen = steps - 1 if revisions else 0
    answer = _step(spec, "answer_prompt", planned.ANSWER, searches=steps, earlier=steps)
    return [
        _step(spec.asking(PLANNER), "plan_prompt", planned.PLAN, most=1 + revisions, earlier=seen),
        *_search(spec, most=steps, own_steps=False),
        _step(spec, "step_prompt", planned.STEP, most=steps, searches=1, earlier=steps - 1),
        *_repaired(spec, answer),
    ]


def _tool_agent(spec: RungSpec) -> list[Calls]:
    """Replies, one more than the steps for the answer itself, and what each search of its own asks."""
    steps = options.whole(spec, "max_steps", Limits.max_steps, least=1)
    calls, others, searches = _tool_calls(spec)
    characters = options.whole(spec, "max_result", Limits.max_result, least=1)
    results = Results(calls, others, characters, at_once=1 if spec.options.get("tool_mode") == TEXT else max(1, calls))
    talk = replace(_chat(spec, most=steps + 1), searches=0, results=results, cap_usd=spec.options.get("max_cost"))
    return [talk, *_search(spec, least=0, most=searches, own_steps=False)]


def _tool_calls(spec: RungSpec) -> tuple[int, int, int]:
    """Calls of tools that one answer may make, by its limit and its rules: of all, of all but `search`, of `search`."""
    most = options.whole(spec, "max_tool_calls", Limits.max_tool_calls, least=1)
    names = [str(reference).rpartition(":")[2] for reference in spec.options.get("tools") or ()]
    names += [NAME] if "corpus" in spec.options else []
    bounds = {name: min(most, _at_most(spec, name, most)) for name in names}
    searches = bounds.pop(NAME, 0)
    others = min(most, sum(bounds.values()))
    return min(most, others + searches), others, searches


def _at_most(spec: RungSpec, name: str, otherwise: int) -> int:
    rule = options.table(spec, KEY).get(name)
    known = rule.get("at_most") if isinstance(rule, Mapping) else None
    return known if isinstance(known, int) else otherwise


STRATEGIES: Mapping[str, Callable[[RungSpec], list[Calls]]] = {
    "query_decomposition": _query_decomposition,
    "prompt_chain": _prompt_chain,
    "plan_and_execute": _plan_and_execute,
    "tool_agent": _tool_agent,
}
"""Strategy -> the calls of one answer."""
