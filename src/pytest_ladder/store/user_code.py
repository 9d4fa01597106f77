"""The user's own functions: systems, models, scorers, redactors."""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import sys
from collections.abc import Callable
from importlib.machinery import SourceFileLoader
from pathlib import Path
from threading import RLock
from types import CodeType, ModuleType
from typing import Any

from pytest_ladder.core.names import mend
from pytest_ladder.errors import InvalidFile, message
from pytest_ladder.store.modules import existing_file, names_file, split_reference
from pytest_ladder.store.paths import relative

_loaded: dict[Path, tuple[tuple[int, int], ModuleType]] = {}
_lock = RLock()


class _FreshLoader(SourceFileLoader):
    """Compiles the source as it is: a file saved twice within a second is not mistaken for its older self."""

    def get_code(self, fullname: str) -> CodeType | None:
        path = self.get_filename(fullname)
        return self.source_to_code(self.get_data(path), path)


def load(reference: str, folder: Path, rootdir: Path, where: str) -> Callable[..., Any]:
    """Load a function of the user's.

    Args:
        reference: `file.py:function`, the file beside the ladder, or `package.module:function`.
        folder: The ladder's folder; it is put on the import path, so that the file may import its neighbours.
        rootdir: pytest's rootdir; the file may not leave it.
        where: Begins the message of an error.

    Returns:
        The function. The same file gives the same function until it changes.

    Raises:
        InvalidFile: There is no such file, module or function, or it cannot be imported.
    """
    name, function = split_reference(reference, where)
    with _lock:
        for place in (str(rootdir), str(folder)):
            if place not in sys.path:
                sys.path.insert(0, place) if place == str(folder) else sys.path.append(place)
        if names_file(reference):
            module = _from_file(existing_file(name, folder, rootdir, where), rootdir, where)
        else:
            module = _import(lambda: importlib.import_module(name), name, rootdir, where)
    return _function(module, name, function, where)


def _from_file(path: Path, rootdir: Path, where: str) -> ModuleType:
    state = path.stat()
    stamp = (state.st_mtime_ns, state.st_size)
    known = _loaded.get(path)
    if known and known[0] == stamp:
        return known[1]
    module = _import(lambda: _execute(path), relative(path, rootdir), rootdir, where)
    _loaded[path] = stamp, module
    return module


def _execute(path: Path) -> ModuleType:
    name = f"_ladder_{path.stem}_{hashlib.sha256(str(path).encode()).hexdigest()[:12]}"
    spec = importlib.util.spec_from_file_location(name, path, loader=_FreshLoader(name, str(path)))
    if spec is None or spec.loader is None:
        raise ImportError(f"no loader for {path.name}")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module


def _import(run: Callable[[], ModuleType], name: str, rootdir: Path, where: str) -> ModuleType:
    try:
        return run()
    except SyntaxError as error:
        place = relative(Path(error.filename), rootdir) if error.filename else name
        raise InvalidFile(message(f"{place}:{error.lineno or 1}", f"not Python: {error.msg}")) from None
    except (Exception, SystemExit) as error:  # whatever the user's module does when it is imported
        fault = f"{name} cannot be imported ({type(error).__name__}: {error}{_line(error, rootdir)})"
        raise InvalidFile(message(where, fault)) from error


def _line(error: BaseException, rootdir: Path) -> str:
    """Where in the project the error came from: the innermost line below the rootdir."""
    place, step = "", error.__traceback__
    while step:
        path = Path(step.tb_frame.f_code.co_filename)
        if path.is_relative_to(rootdir):
            place = f", {relative(path, rootdir)}:{step.tb_lineno}"
        step = step.tb_next
    return place


def _function(module: ModuleType, name: str, function: str, where: str) -> Callable[..., Any]:
    found = getattr(module, function, None)
    if callable(found):
        return found  # type: ignore[no-any-return]
    if hasattr(module, function):
        raise InvalidFile(message(where, f"{name}:{function} is not a function", got=found))
    offered = [key for key, value in vars(module).items() if callable(value) and not key.startswith("_")]
    raise InvalidFile(message(where, f"{name} has no function {function!r}", next_step=mend(function, offered)))
