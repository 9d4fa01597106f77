"""What an evaluation rests on, as digests: the fingerprint of a rung's version, the contract of the grading."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from pytest_ladder.core.canonical import Json, digest
from pytest_ladder.core.ladder import Ladder
from pytest_ladder.core.rungs import RungSpec
from pytest_ladder.core.scores import MetricSpec
from pytest_ladder.errors import InvalidFile, message
from pytest_ladder.store.content import file_digest
from pytest_ladder.store.modules import code_file, existing_file, names_file, project_imports
from pytest_ladder.store.paths import beside, inside, relative

_FILES = ("prompt", "examples", "corpus")
"""Keys of a rung that name a file which its answers depend on."""


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """The digest of all that changes a rung's answers."""

    digest: str
    artifacts: Mapping[str, str]
    """Path, from the ladder's folder -> digest of each file that is part of it."""
    warnings: tuple[str, ...] = ()


def fingerprint(ladder: Ladder, rung: RungSpec, extra_files: Sequence[Path] = ()) -> Fingerprint:
    """Digest a rung's table, model, options, seed, and the content of every file that changes its answers.

    Args:
        ladder: The ladder of the rung.
        rung: The rung.
        extra_files: Further files that count.

    Raises:
        InvalidFile: A file is missing, leaves the rootdir, or a glob of `depends` matches nothing.
    """
    where = f"{ladder.where}: [rungs.{rung.id}]"
    files = {*_table_files(ladder, rung, where), *_code_files(ladder, rung, where), *_depends(ladder, rung, where)}
    artifacts = {
        beside(path, ladder.folder): file_digest(path, relative(path, ladder.rootdir))
        for path in sorted({*files, *extra_files})
    }
    whole = {
        "table": dict(rung.table),
        "model": rung.model,
        "model_options": dict(rung.model_options),
        "seed": ladder.seed,
        "files": artifacts,
    }
    return Fingerprint(digest(whole), artifacts, tuple(_warnings(ladder, rung, where, files)))


def _table_files(ladder: Ladder, rung: RungSpec, where: str) -> Iterable[Path]:
    for key in _FILES:
        written = rung.options.get(key)
        if isinstance(written, str):
            yield existing_file(written, ladder.folder, ladder.rootdir, f"{where} {key}")
    adapter = rung.options.get("adapter")
    if isinstance(adapter, str):
        folder = inside(ladder.rootdir, ladder.folder, adapter, f"{where} adapter")
        yield from _below(folder) if folder.is_dir() else ()


def _below(folder: Path) -> Iterable[Path]:
    return (path for path in folder.rglob("*") if _counts(path))


def _counts(path: Path) -> bool:
    return path.is_file() and "__pycache__" not in path.parts and path.suffix != ".pyc"


def _code_files(ladder: Ladder, rung: RungSpec, where: str) -> Iterable[Path]:
    if rung.model and names_file(rung.model):
        path = code_file(rung.model, ladder.folder, ladder.rootdir, f"{where} model")
        yield from (path,) if path else ()
    if rung.system:
        path = code_file(rung.system, ladder.folder, ladder.rootdir, f"{where} system")
        yield from (path,) if path else ()


def _depends(ladder: Ladder, rung: RungSpec, where: str) -> Iterable[Path]:
    for pattern in rung.depends:
        try:
            found = [path for path in ladder.rootdir.glob(pattern) if _counts(path)]
        except (NotImplementedError, ValueError):
            found = []
        if not found:
            fault = "the pattern matches no file"
            expected = "a glob relative to the rootdir, as `src/app/*.py`"
            raise InvalidFile(message(f"{where} depends", fault, got=pattern, expected=expected))
        for path in found:
            yield inside(ladder.rootdir, ladder.rootdir, beside(path, ladder.rootdir), f"{where} depends")


def _warnings(ladder: Ladder, rung: RungSpec, where: str, files: Iterable[Path]) -> Iterable[str]:
    """One warning for what a system imports without the fingerprint knowing."""
    if not rung.system or rung.depends:
        return
    known = {path.resolve() for path in files}
    path = code_file(rung.system, ladder.folder, ladder.rootdir, f"{where} system")
    imported = project_imports(path, ladder.folder, ladder.rootdir) if path else ()
    missing = [relative(file, ladder.rootdir) for file in imported if file not in known]
    if path and missing:
        fault = f"{relative(path, ladder.rootdir)} imports {', '.join(missing)}: a change there is not noticed"
        yield message(where, fault, next_step="name the files in `depends`")


def contract(ladder: Ladder, rootdir: Path) -> str:
    """Digest the grading: task, metrics with the files they use, thresholds, limits, decision."""
    return digest({
        "task": ladder.task,
        "metrics": {metric.name: _metric(metric, ladder, rootdir) for metric in ladder.metrics},
        "thresholds": {metric: dict(row) for metric, row in ladder.thresholds.items()},
        "limits": asdict(ladder.limits),
        "decision": asdict(ladder.decision),
    })  # fmt: skip


def _metric(metric: MetricSpec, ladder: Ladder, rootdir: Path) -> Json:
    where = f"{ladder.where}: [metrics.{metric.name}]"
    files = _option_files(metric.options, ladder.folder, rootdir, where)
    if names_file(metric.scorer):
        path = code_file(metric.scorer, ladder.folder, rootdir, f"{where} scorer")
        files = {**files, **({"scorer": file_digest(path, where)} if path else {})}
    return {"scorer": metric.scorer, "options": dict(metric.options), "files": files}


def _option_files(options: Mapping[str, Json], folder: Path, rootdir: Path, where: str) -> dict[str, str]:
    """Digests of the files that options name: of every text that is the path of a file beside the ladder."""
    found = {}
    for key, value in options.items():
        path = _option_file(value, folder, rootdir, where)
        if path:
            found[f"options.{key}"] = file_digest(path, where)
    return found


def _option_file(value: Json, folder: Path, rootdir: Path, where: str) -> Path | None:
    if not isinstance(value, str) or "\n" in value or len(value) > 255:
        return None
    try:
        path = inside(rootdir, folder, value, where)
        return path if path.is_file() else None
    except (InvalidFile, OSError):
        return None
