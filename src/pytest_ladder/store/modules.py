"""Which file a reference to the user's code means, found without running it."""

from __future__ import annotations

import ast
import importlib.util
import sys
from collections.abc import Iterable, Iterator, Sequence
from importlib.machinery import PathFinder
from pathlib import Path

from pytest_ladder.core.names import mend
from pytest_ladder.errors import InvalidFile, message
from pytest_ladder.store.paths import inside, mend_file


def split_reference(reference: str, where: str) -> tuple[str, str]:
    """Part `file.py:function` or `package.module:function`; InvalidFile where it is neither."""
    module, _, function = reference.rpartition(":")
    if not module or not function.isidentifier():
        expected = "`file.py:function` or `package.module:function`"
        raise InvalidFile(message(where, "not a reference to a function", got=reference, expected=expected))
    return module, function


def names_file(reference: str) -> bool:
    """Whether a reference, or a model's name, means a function in a Python file."""
    module, _, function = reference.rpartition(":")
    return module.endswith(".py") and function.isidentifier()


def code_file(reference: str, folder: Path, rootdir: Path, where: str) -> Path | None:
    """The file that holds a function; None for a module that has no source file.

    Raises:
        InvalidFile: There is no such file or module.
    """
    module, _ = split_reference(reference, where)
    if names_file(reference):
        return existing_file(module, folder, rootdir, where)
    return module_file(module, folder, rootdir, where)


def check_defined(path: Path, reference: str, where: str, shown: str) -> None:
    """Check that a Python file defines the function of a reference, as far as can be told without running it.

    Raises:
        InvalidFile: It defines no such name at its top level, or is not Python; `shown` is what it is then called.
    """
    module, function = split_reference(reference, where)
    try:
        defined = set(_defined(ast.parse(path.read_bytes())))
    except SyntaxError as error:
        raise InvalidFile(message(f"{shown}:{error.lineno or 1}", f"not Python: {error.msg}")) from None
    except (ValueError, RecursionError) as error:
        raise InvalidFile(message(shown, f"not Python: {error}")) from None
    if defined.isdisjoint((function, *_ANYTHING)):
        offered = [name for name in sorted(defined) if not name.startswith("_")]
        raise InvalidFile(message(where, f"{module} has no function {function!r}", next_step=mend(function, offered)))


_ANYTHING = ("*", "__getattr__", "globals", "setattr", "exec")
"""Names by which a module may define more than its text shows."""


def _defined(node: ast.AST) -> Iterator[str]:
    """Names that a module's text may bind at its top level, a little too many rather than too few."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield child.name
        elif isinstance(child, ast.Import | ast.ImportFrom):
            yield from (alias.asname or alias.name.partition(".")[0] for alias in child.names)
        else:
            if isinstance(child, ast.Name) and (isinstance(child.ctx, ast.Store) or child.id in _ANYTHING):
                yield child.id
            yield from _defined(child)


def existing_file(written: str, folder: Path, rootdir: Path, where: str) -> Path:
    """A file as written, relative to the ladder's folder; InvalidFile where it is missing or leaves the rootdir."""
    path = inside(rootdir, folder, written, where)
    if not path.is_file():
        raise InvalidFile(message(where, "there is no such file", got=written, next_step=mend_file(written, folder)))
    return path


def module_file(module: str, folder: Path, rootdir: Path, where: str) -> Path | None:
    """The source file of a module, by its dotted name; parent packages are not imported."""
    search: Sequence[str] = [str(folder), *sys.path, str(rootdir)]
    name = ""
    spec = None
    for part in module.split("."):
        name = f"{name}.{part}".removeprefix(".")
        spec = PathFinder.find_spec(part, search) if search else None
        if spec is None and "." not in name:
            spec = _installed(name)
        if spec is None:
            raise InvalidFile(message(where, f"there is no module {name!r}", got=module))
        search = list(spec.submodule_search_locations or ())
    origin = Path(spec.origin) if spec and spec.origin else None
    return origin if origin and origin.suffix == ".py" and origin.is_file() else None


def _installed(name: str) -> importlib.machinery.ModuleSpec | None:
    try:
        return importlib.util.find_spec(name)
    except (ValueError, ImportError):
        return None


def project_imports(path: Path, folder: Path, rootdir: Path) -> tuple[Path, ...]:
    """Files of the project that a Python file imports, sorted; modules installed elsewhere are left out.

    A module counts as the project's where its file lies beside the importing file, beside the ladder, or at its
    dotted place below the rootdir or its `src`.
    """
    try:
        tree = ast.parse(path.read_bytes())
    except (SyntaxError, ValueError):
        return ()
    bases = (path.parent, folder, rootdir, rootdir / "src")
    found = {file.resolve() for name in _imported(tree) for file in _files_of(name, path.parent, bases)}
    return tuple(sorted(found - {path.resolve()}))


def _imported(tree: ast.AST) -> Iterator[str]:
    """Dotted names that a file imports; a leading dot for each level of a relative import."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            stem = "." * node.level + (node.module or "")
            yield from (stem, *(f"{stem}.{alias.name}" if node.module else stem + alias.name for alias in node.names))


def _files_of(name: str, here: Path, bases: Iterable[Path]) -> Iterator[Path]:
    dots = len(name) - len(name.lstrip("."))
    parts = [part for part in name.split(".") if part]
    roots = (here.joinpath(*[".."] * (dots - 1)),) if dots else tuple(bases)
    for root in roots if parts else ():
        place = root.joinpath(*parts)
        candidates = (place.with_name(place.name + ".py"), place / "__init__.py")
        hits = [file for file in candidates if file.is_file()]
        if hits:
            yield hits[0]
            return
