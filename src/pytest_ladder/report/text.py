"""Text of unknown origin, made safe for one line of a screen."""

from __future__ import annotations

import unicodedata

_ASCII = str.maketrans({
    "≥": ">=", "≤": "<=", "≠": "!=", "×": "x", "·": "-", "•": "*", "–": "-", "—": "-", "−": "-", "…": "...", "→": "->",
    "‘": "'", "’": "'", "“": '"', "”": '"', "\u00a0": " ", "\u202f": " ", "✓": "ok", "✗": "no",
})  # fmt: skip
_BLANK = {"Cc", "Zl", "Zp", "Zs"}
_DROPPED = {"Cf", "Cs"}


def one_line(text: str, *, unicode: bool = True) -> str:
    """Put a text on one line: controls, tabs and line ends become single spaces, invisible marks and surrogates go.

    Without `unicode` the result is ASCII: common signs are spelled out, others escaped.
    """
    if text.isascii() and text.isprintable():
        return " ".join(text.split())
    kinds = ((sign, unicodedata.category(sign)) for sign in text)
    flat = "".join(" " if kind in _BLANK else sign for sign, kind in kinds if kind not in _DROPPED)
    flat = " ".join(flat.split())
    return flat if unicode else flat.translate(_ASCII).encode("ascii", "backslashreplace").decode("ascii")


def cut(text: str, width: int, *, unicode: bool = True) -> str:
    """Cut a one-line text to so many screen cells, with an ellipsis where anything is left out."""
    from rich.cells import cell_len, set_cell_size

    if cell_len(text) <= width:
        return text
    dots = "…" if unicode else "..."
    if width <= len(dots):
        return dots[: max(width, 0)]
    return set_cell_size(text, width - len(dots)).rstrip() + dots
