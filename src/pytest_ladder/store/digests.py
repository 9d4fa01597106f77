"""What an evaluation rests on, as digests: the fingerprint of a rung's version, the contract of the grading."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from pytest_ladder.core.canonical import Json, digest, short
from pytest_ladder.core.hybrids import CLASSIFIER, referred
from pytest_ladder.core.judged import is_judged
from pytest_ladder.core.ladder import CONFIDENT, Ladder
from pytest_ladder.core.rungs import OTHER_MODELS, Kind, RungSpec
from pytest_ladder.core.scores import MetricSpec
from pytest_ladder.core.searching import VERSION
from pytest_ladder.errors import InvalidFile, message
from pytest_ladder.store.artifacts import artifact_name, is_own
from pytest_ladder.store.content import file_digest
from pytest_ladder.store.modules import check_defined, code_file, existing_file, names_file, project_imports
from pytest_ladder.store.paths import beside, inside, relative
from pytest_ladder.store.schema_rungs import ASIDES, texts_of

_FILES = ("prompt", "instructions", *ASIDES, "examples", "output", "corpus")
"""Keys of a rung that name a file which its answers depend on."""

OPTIMIZED = "optimized"
"""The folder of prompts that searches wrote, beside ladder.toml."""
TOOLS = "tools"
"""The key that names the functions an agent may call."""


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """The digest of all that changes a rung's answers."""

    digest: str
    artifacts: Mapping[str, str]
    """Path, from the ladder's folder -> digest of each file that is part of it."""
    warnings: tuple[str, ...] = ()


def fingerprint(ladder: Ladder, rung: RungSpec, extra_files: Sequence[Path] = ()) -> Fingerprint:
    """Digest a rung's table, model, options, seed, and the content of every file that changes its answers.

    Of the rungs that it refers to, the same.

    Args:
        ladder: The ladder of the rung.
        rung: The rung.
        extra_files: Further files that count.

    Raises:
        InvalidFile: A file is missing, leaves the rootdir, or a glob of `depends` matches nothing.
    """
    files = _files(ladder, rung)
    answering = {file for one in (rung, *referred(ladder.rungs, rung)) for file in _answering(ladder, one)}
    artifacts = _digested(ladder, {*files, *extra_files, *answering})
    return Fingerprint(version_digest(ladder, rung, artifacts), artifacts, tuple(_warnings(ladder, rung, files)))


def _files(ladder: Ladder, rung: RungSpec) -> set[Path]:
    return {*_table_files(ladder, rung), *_code_files(ladder, rung), *_depends(ladder, rung)}


def _answering(ladder: Ladder, rung: RungSpec) -> set[Path]:
    """The files with which a rung answers: those that it names, and the prompt that a search found for it."""
    found = found_path(ladder, rung) if searches(rung) else None
    return {*_files(ladder, rung), *([found] if found and found.exists() else [])}


def _digested(ladder: Ladder, files: Iterable[Path]) -> dict[str, str]:
    return {
        artifact_name(path, ladder.folder, ladder.rootdir): file_digest(path, relative(path, ladder.rootdir))
        for path in sorted(files)
    }


def searches(rung: RungSpec) -> bool:
    """Whether a rung's prompt is to be found by a search."""
    declared = rung.system is None and "router" not in rung.options and "prompt" in rung.options
    return rung.kind is Kind.OPTIMIZE and declared


def search_digest(ladder: Ladder, rung: RungSpec) -> str:
    """Digest all that decides what the search of a rung finds: its version, the dev set, and what it is scored by."""
    objective = rung.options.get("objective") or list(ladder.thresholds)
    metrics = [metric for metric in ladder.metrics if metric.name in texts_of(objective)]
    return digest({
        "search": VERSION, "rung": version_digest(ladder, rung, _digested(ladder, _files(ladder, rung))),
        "metrics": {metric.name: _metric(metric, ladder, ladder.rootdir) for metric in metrics}, "task": ladder.task,
    })  # fmt: skip


def found_path(ladder: Ladder, rung: RungSpec) -> Path:
    """Where the search of a rung writes the prompt that it finds; with other inputs it is another file."""
    return ladder.folder / OPTIMIZED / rung.id / f"{short(search_digest(ladder, rung))}.md"


def version_digest(ladder: Ladder, rung: RungSpec, artifacts: Mapping[str, str]) -> str:
    """The fingerprint of a rung whose files, and those of the rungs it refers to, have these digests.

    The files go by their paths from the ladder's folder.
    """
    others = {
        other.id: {"table": dict(other.table), "model": other.model, "model_options": dict(other.model_options)}
        for other in referred(ladder.rungs, rung)
    }
    return digest({
        "table": dict(rung.table),
        "model": rung.model,
        "model_options": dict(rung.model_options),
        "seed": ladder.seed,
        "files": dict(artifacts),
        **({"rungs": others} if others else {}),
    })  # fmt: skip


def _table_files(ladder: Ladder, rung: RungSpec) -> Iterable[Path]:
    for key in _FILES:
        for written in texts_of(rung.options.get(key)):
            yield existing_file(written, ladder.folder, ladder.rootdir, ladder.at("rungs", rung.id, key))
    if searches(rung) and ladder.dev:
        yield existing_file(ladder.dev, ladder.folder, ladder.rootdir, ladder.at("dev"))
    adapter = rung.options.get("adapter")
    if isinstance(adapter, str):
        folder = inside(ladder.rootdir, ladder.folder, adapter, ladder.at("rungs", rung.id, "adapter"))
        yield from _below(folder) if folder.is_dir() else ()


def _below(folder: Path) -> Iterable[Path]:
    return (path for path in folder.rglob("*") if _counts(path))


def _counts(path: Path) -> bool:
    return path.is_file() and "__pycache__" not in path.parts and path.suffix != ".pyc"


def _code_files(ladder: Ladder, rung: RungSpec) -> Iterable[Path]:
    """The files of the rung's own model and system; both must define the function that is named."""
    others = [(key, rung.options.get(key)) for key in OTHER_MODELS]
    tools = [(TOOLS, reference) for reference in texts_of(rung.options.get(TOOLS))]
    for key, reference in (("model", rung.model), *others, *tools, *_router(rung), ("system", rung.system)):
        if not reference or (key not in ("system", "router", TOOLS) and not names_file(str(reference))):
            continue
        where = ladder.at_model(rung) if key == "model" else ladder.at("rungs", rung.id, key)
        path = code_file(reference, ladder.folder, ladder.rootdir, where)
        if path and (key != TOOLS or is_own(path, ladder.rootdir)):
            check_defined(path, reference, where, relative(path, ladder.rootdir))
            yield path


def _router(rung: RungSpec) -> list[tuple[str, str]]:
    """The key and the reference of a router that is a function."""
    written = rung.options.get("router")
    return [("router", written)] if isinstance(written, str) and written != CLASSIFIER else []


def _depends(ladder: Ladder, rung: RungSpec) -> Iterable[Path]:
    where = ladder.at("rungs", rung.id, "depends")
    for pattern in rung.depends:
        try:
            found = [path for path in ladder.rootdir.glob(pattern) if _counts(path)]
        except (NotImplementedError, ValueError):
            found = []
        if not found:
            fault = "the pattern matches no file"
            expected = "a glob relative to the rootdir, as `src/app/*.py`"
            raise InvalidFile(message(where, fault, got=pattern, expected=expected))
        for path in found:
            yield inside(ladder.rootdir, ladder.rootdir, beside(path, ladder.rootdir), where)


def _warnings(ladder: Ladder, rung: RungSpec, files: Iterable[Path]) -> Iterable[str]:
    """One warning for what the file of a system, a tool or a router imports without the fingerprint knowing."""
    if rung.depends:
        return
    known = {path.resolve() for path in files}
    tools = [(TOOLS, reference) for reference in texts_of(rung.options.get(TOOLS))]
    written = [("system", rung.system)] if rung.system else [*tools, *_router(rung)]
    places = [(ladder.at("rungs", rung.id, key), reference) for key, reference in written]
    found = {code_file(reference, ladder.folder, ladder.rootdir, where): where for where, reference in places}
    for path, where in ((path, where) for path, where in found.items() if path and is_own(path, ladder.rootdir)):
        imported = project_imports(path, ladder.folder, ladder.rootdir)
        missing = [relative(file, ladder.rootdir) for file in imported if file not in known]
        if missing:
            fault = f"{relative(path, ladder.rootdir)} imports {', '.join(missing)}: a change there is not noticed"
            yield message(where, fault, next_step="name the files in `depends`")


def contract(ladder: Ladder, rootdir: Path) -> str:
    """Digest the grading: task, metrics with the files they use, thresholds, limits, decision.

    Under `confident` the number of rungs belongs to it: they share the error.
    """
    return digest({
        "task": ladder.task,
        "metrics": {metric.name: _metric(metric, ladder, rootdir) for metric in ladder.metrics},
        "thresholds": {metric: dict(row) for metric, row in ladder.thresholds.items()},
        "limits": asdict(ladder.limits),
        "decision": {key: value for key, value in asdict(ladder.decision).items() if (key, value) != ("cluster", None)},
        **({"rungs": len(ladder.rungs)} if ladder.decision.rule == CONFIDENT else {}),
    })  # fmt: skip


def _metric(metric: MetricSpec, ladder: Ladder, rootdir: Path) -> Json:
    files = {key: file_digest(path, relative(path, rootdir)) for key, path in metric_files(metric, ladder, rootdir)}
    return {"scorer": metric.scorer, "options": dict(metric.options), "files": files}


def metric_files(metric: MetricSpec, ladder: Ladder, rootdir: Path) -> Iterable[tuple[str, Path]]:
    """The files that grade by a metric: every text of its options that is the path of a file, and its own scorer's.

    Raises:
        InvalidFile: The scorer's file is missing.
    """
    for key, value in metric.options.items():
        if path := _option_file(value, ladder.folder, rootdir):
            yield f"options.{key}", path
    model = metric.options.get("model")
    if is_judged(metric) and isinstance(model, str) and names_file(model):
        where = ladder.at("metrics", metric.name, "options")
        path = code_file(model, ladder.folder, rootdir, where)
        if path:
            check_defined(path, model, where, relative(path, rootdir))
            yield "options.model", path
    if names_file(metric.scorer):
        path = code_file(metric.scorer, ladder.folder, rootdir, ladder.at("metrics", metric.name, "scorer"))
        if path:
            yield "scorer", path


def _option_file(value: Json, folder: Path, rootdir: Path) -> Path | None:
    if not isinstance(value, str) or "\n" in value or len(value) > 255:
        return None
    try:
        path = inside(rootdir, folder, value, "")
        return path if path.is_file() else None
    except (InvalidFile, OSError):
        return None
