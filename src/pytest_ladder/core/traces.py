"""Where in the user's code an error came from."""

from __future__ import annotations

import traceback
from pathlib import PurePath

_OURS = PurePath(__file__).parent.parent
_STANDARD = PurePath(traceback.__file__).parent
_INSTALLED = {"site-packages", "dist-packages"}


def place_of(error: BaseException) -> str:
    """The user's line that an error came through last, as `file.py:7`; empty where none is known.

    Lines of this package do not count; those of the standard library and of installed packages only where no other
    is in the trace.
    """
    trace = [(frame.f_code.co_filename, line) for frame, line in traceback.walk_tb(error.__traceback__)]
    theirs = [(name, line) for name, line in trace if not PurePath(name).is_relative_to(_OURS)]
    own = [(name, line) for name, line in theirs if not _is_library(name)]
    for name, line in (own or theirs)[-1:]:
        return f"{PurePath(name).name}:{line}"
    return ""


def told(error: BaseException) -> str:
    """An error's type, its text where it has one, and the user's line that it came through."""
    text = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    place = place_of(error)
    return f"{text} ({place})" if place else text


def _is_library(name: str) -> bool:
    path = PurePath(name)
    return name.startswith("<") or path.is_relative_to(_STANDARD) or not _INSTALLED.isdisjoint(path.parts)
