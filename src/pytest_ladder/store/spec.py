"""ladder.toml: read, checked whole, and turned into the contract that everything else works from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, datetime, time
from pathlib import Path
from typing import Any

from pytest_ladder.core.canonical import Json
from pytest_ladder.core.ladder import DecisionPolicy, GatePolicy, Ladder, Limits
from pytest_ladder.core.names import mend
from pytest_ladder.core.places import Path as Place
from pytest_ladder.core.prices import Price
from pytest_ladder.core.rungs import OTHER_MODELS, Kind, RungSpec
from pytest_ladder.core.scores import MetricSpec
from pytest_ladder.errors import InvalidFile
from pytest_ladder.store.faults import names
from pytest_ladder.store.hybrids import check_draws, check_hybrids
from pytest_ladder.store.modules import names_file
from pytest_ladder.store.paths import inside
from pytest_ladder.store.schema import LadderFile
from pytest_ladder.store.schema_rungs import RUNG_PATHS, RUNG_TABLES, Rung, texts_of
from pytest_ladder.store.schema_types import KINDS, NAME_PATTERN, Fault, plain_name
from pytest_ladder.store.strategies import check_strategies
from pytest_ladder.store.toml_file import Document

_COMMON = frozenset(Rung.keys())


def read_ladder(path: Path, rootdir: Path) -> Ladder:
    """Read a ladder's contract.

    Args:
        path: ladder.toml.
        rootdir: pytest's rootdir; no path in the file may leave it.

    Raises:
        InvalidFile: The file cannot be read, or breaks the contract: one line a fault, each beginning with
            `path:line`.
    """
    document = Document(path, rootdir)
    parsed = document.check(LadderFile, document.values)
    _check_references(document)
    rungs = _rungs(document)
    check_hybrids(document, rungs)
    check_draws(document, [_resolved(rung, parsed) for rung in rungs] if parsed else ())
    check_strategies(document, rungs)
    _check_paths(document, path.parent, rootdir)
    document.finish()
    if parsed is None:
        raise AssertionError("a ladder without faults is parsed")
    return _ladder(parsed, rungs, document, path, rootdir)


def _ladder(parsed: LadderFile, rungs: list[RungSpec], document: Document, path: Path, rootdir: Path) -> Ladder:
    gate = parsed.gate
    return Ladder(
        name=parsed.name,
        path=path,
        rootdir=rootdir,
        task=parsed.task,
        evalset=parsed.evalset,
        rungs=tuple(_resolved(rung, parsed) for rung in sorted(rungs, key=lambda rung: rung.kind.order)),
        metrics=tuple(
            MetricSpec(name, metric.scorer, plain(metric.options)) for name, metric in parsed.metrics.items()
        ),
        thresholds=parsed.thresholds,
        limits=Limits(parsed.limits.cost_per_case, parsed.limits.latency_p95),
        decision=DecisionPolicy(**parsed.decision.model_dump()),
        gate=GatePolicy(
            required=tuple(map(Kind, gate.required)),
            effort={Kind(kind): number for kind, number in gate.effort.items()},
            min_form_share=gate.min_form_share,
            max_age_days=gate.max_age_days,
            exempt=dict(gate.exempt),
            policy_change=gate.policy_change,
        ),
        profile=parsed.profile.model_dump(exclude_unset=True),
        dev=parsed.dev,
        holdout=parsed.holdout,
        model=parsed.model,
        model_options=plain(parsed.model_options),
        repeats=parsed.repeats,
        seed=parsed.seed,
        budget_usd=parsed.budget.cost_usd,
        prices={name: Price(price.input, price.output) for name, price in parsed.prices.items()},
        store=parsed.recordings.store,
        show=parsed.privacy.show,
        redact=tuple(parsed.privacy.redact),
        lines=document.lines,
    )


def plain(value: Json) -> Any:
    """Copy a TOML value as plain JSON: dates and times become ISO 8601 texts."""
    if isinstance(value, date | datetime | time):
        return value.isoformat()
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    return [plain(item) for item in value] if isinstance(value, list) else value


def _resolved(rung: RungSpec, parsed: LadderFile) -> RungSpec:
    options = {**plain(parsed.model_options), **rung.model_options}
    return replace(rung, model=rung.model or parsed.model, model_options=options)


def _rungs(document: Document) -> list[RungSpec]:
    """The rungs as written, without what they take over from the ladder; faults are noted."""
    tables = document.values.get("rungs")
    if isinstance(tables, dict) and not tables:
        document.report(("rungs",), "no rungs", expected="at least one `[rungs.ID]` table")
    if not isinstance(tables, dict):
        return []
    found = (_rung(document, name, table) for name, table in tables.items() if isinstance(table, dict))
    return [rung for rung in found if rung]


def _rung(document: Document, name: str, table: Mapping[str, Json]) -> RungSpec | None:
    place = ("rungs", name)
    try:
        plain_name(name)
    except Fault as fault:
        document.report(place, "the id is " + str(fault), got=name, expected=fault.expected)
    kind = table.get("kind", name)
    if not isinstance(kind, str) or kind not in KINDS:
        _report_kind(document, place, name, table)
        return None
    checked = document.check(RUNG_TABLES[kind], table, place, _of_other_kinds(table))
    if checked is None:
        return None
    written = plain(table)
    return RungSpec(
        id=name,
        kind=Kind(kind),
        model=checked.model,
        model_options=plain(checked.model_options),
        system=checked.system,
        depends=tuple(checked.depends),
        options={key: item for key, item in written.items() if key not in _COMMON},
        table=written,
        source=document.source,
    )


def _of_other_kinds(table: Mapping[str, Json]) -> dict[str, str]:
    """Key -> what to do with one that only other kinds of rungs have; of a table's keys that any kind has."""
    known = {kind: set(model.keys()) for kind, model in RUNG_TABLES.items()}
    had = {key: [kind for kind in known if key in known[kind]] for key in table}
    return {key: f"this is a key of kind {names(kinds)}: give it to such a rung" for key, kinds in had.items() if kinds}


def _report_kind(document: Document, place: Place, name: str, table: Mapping[str, Json]) -> None:
    step = mend(str(table.get("kind", name)), KINDS)
    if "kind" in table:
        place = (*place, "kind")
        document.report(place, "unknown kind", got=table["kind"], expected=names(KINDS), next_step=step)
    else:
        fault = "the id is no kind, so the rung needs a `kind`"
        document.report(place, fault, got=name, expected=f"kind = {names(KINDS)}", next_step=step)


def _check_references(document: Document) -> None:
    """What one table says of another."""
    metrics, thresholds = document.values.get("metrics"), document.values.get("thresholds")
    if isinstance(thresholds, dict) and isinstance(metrics, dict):
        for name in thresholds:
            if name not in metrics:
                document.report(
                    ("thresholds", name), "a threshold for a metric that does not exist", got=name,
                    expected=names(metrics), next_step=mend(name, metrics),
                )  # fmt: skip
    if isinstance(thresholds, dict) and not any(thresholds.values()):
        document.report(("thresholds",), "no threshold", expected="at least one, as in `answer = { all = 0.9 }`")
    decision, gate = document.values.get("decision"), document.values.get("gate")
    if isinstance(decision, dict) and decision.get("confirm") == "holdout" and "holdout" not in document.values:
        document.report(("decision", "confirm"), "there is no hold-out set", expected="the key `holdout`")
    _check_prices(document)
    required = gate.get("required") if isinstance(gate, dict) else None
    if isinstance(required, list) and Kind.FINE_TUNE.value in required:
        document.report(("gate", "required"), "fine-tuning cannot be required before fine-tuning")


def _check_prices(document: Document) -> None:
    """A price for a model that the ladder never asks: most likely a name mistyped."""
    values = document.values
    prices = values.get("prices")
    tables = [values, *_inner(values.get("rungs")), *(_options(metric) for metric in _inner(values.get("metrics")))]
    named = [
        table[key] for table in tables for key in ("model", "base", *OTHER_MODELS) if isinstance(table.get(key), str)
    ]
    for name in prices if isinstance(prices, dict) else ():
        if name not in named:
            document.report(
                ("prices", name), "a price for a model that no rung asks", got=name,
                expected=names(dict.fromkeys(named)), next_step=mend(name, named),
            )  # fmt: skip
        elif name.startswith("local:") or names_file(name):
            why = "a local model costs nothing" if name.startswith("local:") else "a function says itself what it cost"
            document.report(("prices", name), f"a price that has no effect: {why}", expected="a hosted model")


def _inner(tables: Json) -> list[Mapping[str, Json]]:
    return [table for table in tables.values() if isinstance(table, dict)] if isinstance(tables, dict) else []


def _options(metric: Mapping[str, Json]) -> Mapping[str, Json]:
    options = metric.get("options")
    return options if isinstance(options, dict) else {}


def _check_paths(document: Document, folder: Path, rootdir: Path) -> None:
    """Paths that leave the rootdir; whether a file is there is asked once it is read."""
    places: list[Place] = [(key,) for key in ("evalset", "dev", "holdout")]
    rungs = document.values.get("rungs")
    if isinstance(rungs, dict):
        places += [
            ("rungs", name, key) for name, table in rungs.items() if isinstance(table, dict) for key in RUNG_PATHS
        ]
    for place in places:
        written: Json = document.values
        for part in place:
            written = written.get(part, {})
        for path in filter(str.strip, texts_of(written)):
            _check_path(document, place, path, folder, rootdir)


def _check_path(document: Document, place: Place, written: str, folder: Path, rootdir: Path) -> None:
    try:
        inside(rootdir, folder, written, "\n")
    except InvalidFile as fault:
        document.report(place, str(fault).removeprefix("\n: ").removesuffix("."))


def ladder_json_schema() -> dict[str, Json]:
    """The JSON Schema of ladder.toml, with which an editor completes and checks it: draft 2020-12."""
    schema = LadderFile.model_json_schema()
    definitions = schema.setdefault("$defs", {})
    for kind, table in RUNG_TABLES.items():
        inner = table.model_json_schema(ref_template="#/$defs/{model}")
        definitions.update(inner.pop("$defs", {}))
        definitions[f"rung_{kind}"] = inner
    by_kind = [
        {"if": {"properties": {"kind": {"const": kind}}, "required": ["kind"]}, "then": _ref(kind)} for kind in KINDS
    ]
    known = {"properties": {"kind": {"enum": [*KINDS]}}, "required": ["kind"]}
    definitions["rung"] = {"type": "object", **known, "allOf": by_kind}
    rungs = schema["properties"]["rungs"]
    rungs["minProperties"] = 1
    rungs["propertyNames"] = {"pattern": f"^{NAME_PATTERN}$", "not": {"enum": [".", ".."]}}
    rungs["properties"] = {
        kind: {"if": {"required": ["kind"]}, "then": {"$ref": "#/$defs/rung"}, "else": _ref(kind)} for kind in KINDS
    }
    rungs["additionalProperties"] = {"$ref": "#/$defs/rung"}
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}


def _ref(kind: str) -> dict[str, Json]:
    return {"$ref": f"#/$defs/rung_{kind}"}
