"""What a hybrid's table must agree with: its own keys, and the other rungs of the ladder."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from pytest_ladder.core.canonical import Json
from pytest_ladder.core.hybrids import (
    ABSTAIN,
    CLASSIFIER,
    ESCALATE,
    FALLBACK,
    RETRY,
    STANDING_BACK,
    circle,
    refers,
    targets,
)  # fmt: skip
from pytest_ladder.core.names import mend
from pytest_ladder.core.places import Path as Place
from pytest_ladder.core.rungs import Kind, RungSpec
from pytest_ladder.store.faults import names
from pytest_ladder.store.schema_hybrids import Guards, RouteRule, Routing
from pytest_ladder.store.schema_rungs import Rung
from pytest_ladder.store.toml_file import Document

OF_A_ROUTER = frozenset((*Rung.keys(), *Guards.keys(), *Routing.keys()))
"""The keys that mean something beside a `router`; `system` is not one of them."""
NEEDS: Mapping[str, tuple[str, ...]] = {
    "min_confidence": ("samples",),
    "verifier": ("verify_prompt",),
    "verifier_options": ("verify_prompt",),
    "routes": ("router",),
    "default_route": ("router",),
    "router_prompt": ("router",),
    "classifier": ("router",),
    "classifier_options": ("router",),
}
"""Key -> the key without which it means nothing."""
_WITHOUT_RULES: Mapping[str, str] = {
    "routes": "the rungs among which the router chooses",
    "default_route": "the route of a question for which the router names none",
}
"""What a router needs that is no list of rules -> what it is."""
USED_BY: Mapping[str, str] = {
    "retries": RETRY, "fallback": FALLBACK, "escalation": ESCALATE, "abstention": ABSTAIN,
}  # fmt: skip
"""Key -> the word of `on_reject` that uses it."""
NEEDED_BY: Mapping[str, str] = {FALLBACK: "fallback", ESCALATE: "escalation"}
"""Word of `on_reject`, or route -> the key that it needs."""


def check_hybrids(document: Document, rungs: Sequence[RungSpec]) -> None:
    """Note the faults of routers, fallbacks and guards; `rungs` are those that could be read, as written."""
    for rung in rungs:
        for place, fault in (*_keys(rung), *_router(document, rung), *_guards(rung), *_references(rung, rungs)):
            document.report(("rungs", rung.id, *place), **fault)
    routed = {name for rung in rungs for name in targets(rung.options)}
    for rung in rungs:
        if rung.id in routed and rung.id in STANDING_BACK:
            document.report(("rungs", rung.id), "a router takes this id for what it does without a rung", got=rung.id)


Faults = Iterator[tuple[Place, dict[str, Json]]]


def _keys(rung: RungSpec) -> Faults:
    """Keys that nothing uses."""
    for key, needed in NEEDS.items():
        if key in rung.options and not any(other in rung.options for other in needed):
            yield (key,), {"fault": "nothing here uses it", "expected": f"`{names(needed)}` beside it"}
    if "router" not in rung.options:
        return
    for key in (*rung.options, *(["system"] if rung.system else [])):
        if key not in OF_A_ROUTER or key == "system":
            fault = "a router does not use it: the rungs that it sends questions to have their own"
            yield (key,), {"fault": fault, "next_step": "take it out"}


def _router(document: Document, rung: RungSpec) -> Faults:
    """The rules of a router, and what goes with a classifier or a function."""
    router = rung.options.get("router")
    if isinstance(router, list):
        yield from _rules(document, rung, router)
        extra = [key for key in ("routes", "default_route", "router_prompt", CLASSIFIER) if key in rung.options]
        if extra:
            yield (extra[0],), {"fault": "rules do not use it", "expected": f'router = "{CLASSIFIER}" with it'}
        return
    if router is None:
        return
    for key, expected in _WITHOUT_RULES.items():
        if key not in rung.options:
            yield (key,), {"fault": "the key is missing", "expected": expected}
    for key in ("router_prompt", CLASSIFIER):
        if key in rung.options and router != CLASSIFIER:
            yield (key,), {"fault": "a function does not use it", "expected": f'router = "{CLASSIFIER}" with it'}


def _rules(document: Document, rung: RungSpec, rules: Sequence[Mapping[str, Json]]) -> Faults:
    open_ends = []
    for number, rule in enumerate(rules):
        place: Place = ("router", number)
        if document.check(RouteRule, rule, ("rungs", rung.id, *place)) is not None and not (rule.keys() - {"to"}):
            open_ends.append(number)
    if open_ends and open_ends[0] < len(rules) - 1:
        yield ("router", open_ends[0]), {"fault": "the rules after it are never reached: it has no condition"}
    elif not open_ends:
        step = "end it with a rule that has `to` alone"
        yield ("router",), {"fault": "it says nothing of all other questions", "next_step": step}


def _guards(rung: RungSpec) -> Faults:
    """What is done about an answer that is not accepted, against the keys that say how."""
    asked, routed = rung.options.get("on_reject"), targets(rung.options)
    words = None if asked is None else [asked] if isinstance(asked, str) else list(asked)
    for word, key in NEEDED_BY.items():
        if key not in rung.options and word in (*(words or ()), *(routed if word in STANDING_BACK else ())):
            where = "on_reject" if word in (words or ()) else "router"
            yield (where,), {"fault": f"`{word}` needs the key `{key}`", "got": word}
    for key, word in USED_BY.items():
        if key in rung.options and words is not None and word not in (*words, *routed):
            yield (key,), {"fault": "`on_reject` does not name what uses it", "got": words, "expected": word}
    acts = words if words is not None else [key for key in USED_BY if key in rung.options]
    for key in ("require_citation", "verify_prompt", "min_confidence"):
        if rung.options.get(key, False) is not False and not acts:
            expected = "one of `retries`, `fallback`, `escalation`, `abstention` or `on_reject`"
            yield (key,), {"fault": "nothing is done about an answer that is not accepted", "expected": expected}
    built_in = rung.system is None and ("prompt" in rung.options or "strategy" in rung.options)
    if rung.options.get("require_citation") is True and built_in and "corpus" not in rung.options:
        fault = "nothing is retrieved that an answer could cite"
        yield ("require_citation",), {"fault": fault, "expected": "a `corpus`"}
    if rung.options.get("samples") == 1 and "min_confidence" in rung.options:
        yield ("samples",), {"fault": "one answer agrees with itself", "got": 1, "expected": "2 or more"}


def _references(rung: RungSpec, rungs: Sequence[RungSpec]) -> Faults:
    """Other rungs: they must be there, of no dearer kind, and not lead back."""
    known = {other.id: other for other in rungs}
    routed = targets(rung.options)
    for name in refers(rung.options):
        place = ("router" if name in routed else "fallback",)
        if name == rung.id:
            yield place, {"fault": "the rung refers to itself", "got": name}
        elif name not in known:
            expected = names([*_others(rung, known), *(STANDING_BACK if name in routed else ())])
            yield place, {"fault": "no such rung", "got": name, "expected": expected, "next_step": mend(name, known)}
        elif known[name].kind.order > rung.kind.order:
            fault = f"a rung of kind `{rung.kind}` cannot use one of the dearer kind `{known[name].kind}`"
            kind = max(known[name].kind, Kind.DECOMPOSE, key=lambda kind: kind.order)
            step = f'give it `kind = "{kind}"`'
            if place == ("fallback",):
                router = f'`kind = "{kind}"`, `router = [{{ to = "{rung.id}" }}]` and `fallback = "{name}"`'
                step = f"declare a rung with {router}"
            yield place, {"fault": fault, "got": name, "next_step": step}
        elif way := circle(rungs, rung):
            yield place, {"fault": "the rungs refer to each other in a circle", "got": " -> ".join(way)}
            return


def _others(rung: RungSpec, known: Iterable[str]) -> list[str]:
    return [name for name in known if name != rung.id]


def check_draws(document: Document, rungs: Iterable[RungSpec]) -> None:
    """Note the rungs that ask a model the same again, which says the same again; `rungs` have the ladder's options."""
    for rung in rungs:
        key = _draws_again(rung)
        warm = rung.model_options.get("temperature", 0 if str(rung.model).startswith("local:") else None)
        if key and warm == 0 and not rung.system and "router" not in rung.options:
            fault = "the model answers the same each time: its temperature is 0"
            step = "set `temperature` in `model_options` above 0"
            document.report(("rungs", rung.id, key), fault, next_step=step)


def _draws_again(rung: RungSpec) -> str:
    """The key by which a rung answers a question more than once; empty where it does not."""
    if rung.options.get("samples", 1) > 1:
        return "samples"
    asked = rung.options.get("on_reject")
    if asked is not None:
        return "on_reject" if RETRY in ([asked] if isinstance(asked, str) else asked) else ""
    return "retries" if "retries" in rung.options else ""
