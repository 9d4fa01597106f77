"""Texts of cases and answers as data of the page: each once, cut, its invisible signs shown."""

from __future__ import annotations

import unicodedata

from pytest_ladder.core.canonical import Json

_ESCAPED = ("<", ">", "&", '"', "\\", "\n")


def visible(text: str) -> str:
    """A text of several lines whose invisible signs are shown: controls as pictures, others by their number."""
    if text.isprintable():
        return text
    return "".join(sign if sign.isprintable() or sign in "\n\t" else _shown(sign) for sign in _lines(text))


def _lines(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n").replace("\u2028", "\n").replace("\u2029", "\n")


def _shown(sign: str) -> str:
    kind, number = unicodedata.category(sign), ord(sign)
    if kind == "Cc":
        return chr(0x2400 + number) if number < 0x20 else "\u2421" if number == 0x7F else f"\u27e8{number:02X}\u27e9"
    return " " if kind == "Zs" else sign if number in (0x200C, 0x200D) else f"\u27e8U+{number:04X}\u27e9"


class Texts:
    """Each text once, cut to so many signs."""

    def __init__(self, most: int) -> None:
        self.most = most
        self.kept: list[Json] = []
        self._known: dict[str, int] = {}

    def __contains__(self, text: object) -> bool:
        return text in self._known

    def put(self, text: str | None, most: int | None = None) -> int:
        """The place of a text; -1 for none.

        Args:
            text: One that was put before stays as it is.
            most: Signs that are kept, where it is fewer than usual.
        """
        if text is None:
            return -1
        if text not in self._known:
            self._known[text] = len(self.kept)
            most = min(self.most, most or self.most)
            cut = visible(text[:most])
            self.kept.append([cut, len(text) - most] if len(text) > most else cut)
        return self._known[text]


def size_of(text: str) -> int:
    """Bytes of a text in the page, or a few more."""
    return len(text.encode("utf-8", "replace")) + 5 * sum(map(text.count, _ESCAPED))
