"""Reports as files: the extension says which."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

from pytest_ladder.core.names import unknown
from pytest_ladder.core.summary import RunSummary
from pytest_ladder.errors import InvalidRequest, message
from pytest_ladder.report.json_report import render_json
from pytest_ladder.report.markdown import render_markdown


def _html(summary: RunSummary) -> str:
    """As a page; its template engine is loaded only where one is asked for."""
    from pytest_ladder.report.html.render import render_html

    return render_html(summary)


RENDERERS: Mapping[str, Callable[[RunSummary], str]] = {".html": _html, ".json": render_json, ".md": render_markdown}
"""Extension -> what writes such a report."""


OPTION = "--ladder-report"


def check_extension(path: Path, option: str = OPTION) -> str:
    """The extension of a report's path, in lower case: to be asked before a run, so that none is lost.

    Args:
        path: Where it goes.
        option: By which it was asked for.

    Raises:
        InvalidRequest: there is no report of that extension.
    """
    extension = path.suffix.lower()
    if extension not in RENDERERS:
        raise InvalidRequest(unknown(f"{option}={path}", "extension", path.suffix, RENDERERS))
    return extension


def write_report(path: Path, summary: RunSummary, option: str = OPTION) -> None:
    """Write a run's report: folders are made, an older report is replaced at once, UTF-8 with LF.

    Raises:
        InvalidRequest: there is no report of that extension, or the file cannot be written.
    """
    text = RENDERERS[check_extension(path, option)](summary)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _replace(path, text.encode("utf-8", "replace"))
    except OSError as error:
        raise InvalidRequest(message(f"{option}={path}", f"it cannot be written: {error.strerror or error}")) from error


def _replace(path: Path, data: bytes) -> None:
    """Write beside the file and move over it, so that no reader sees half a report."""
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".tmp", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        Path(name).chmod(_mode(path))
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def _mode(path: Path) -> int:
    """The permissions a report keeps, or else those that anyone may read by."""
    return path.stat().st_mode & 0o777 if path.exists() else 0o644
