"""An HTML page, read by the standard library's parser: what its elements are and what a reader sees."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any

VOID = {"meta", "link", "br", "hr", "img", "input", "path", "circle"}
SILENT = {"script", "style", "title"}


@dataclass(eq=False)
class Element:
    """One element that was opened."""

    tag: str
    attributes: dict[str, str]
    parents: tuple[Element, ...] = field(default=(), repr=False)
    text: str = field(default="", repr=False)

    @property
    def classes(self) -> list[str]:
        return (self.attributes.get("class") or "").split()

    def within(self, tag: str, **attributes: str) -> bool:
        return any(p.tag == tag and attributes.items() <= p.attributes.items() for p in self.parents)


@dataclass(eq=False, repr=False)
class Page(HTMLParser):
    """A page."""

    source: str
    elements: list[Element] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    _open: list[Element] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()
        self.feed(self.source)
        self.close()
        self.faults += [f"<{element.tag}> is never closed" for element in self._open]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = [name for name, _ in attrs]
        self.faults += [f"<{tag}> says {name} twice" for name in {n for n in names if names.count(n) > 1}]
        element = Element(tag, {name: value or "" for name, value in attrs}, tuple(self._open))
        self.elements.append(element)
        if tag not in VOID:
            self._open.append(element)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self._open.pop()

    def handle_endtag(self, tag: str) -> None:
        if not self._open or self._open[-1].tag != tag:
            self.faults.append(f"</{tag}> closes {self._open[-1].tag if self._open else 'nothing'}")
            return
        self._open.pop()

    def handle_data(self, data: str) -> None:
        for element in self._open:
            element.text += data

    def all(self, tag: str, **attributes: str) -> list[Element]:
        return [e for e in self.elements if e.tag == tag and attributes.items() <= e.attributes.items()]

    def one(self, tag: str, **attributes: str) -> Element:
        (found,) = self.all(tag, **attributes)
        return found

    @property
    def text(self) -> str:
        """What a reader sees, with the words of pictures."""
        return " ".join(self.one("body").text.split())

    @property
    def policy(self) -> str:
        return self.one("meta", **{"http-equiv": "Content-Security-Policy"}).attributes["content"]

    def data(self, number: int = 0) -> Any:
        """The cases of one ladder, as the page's script reads them."""
        return json.loads(self.one("script", id=f"l{number}-data").text)

    def table(self, label: str) -> list[list[str]]:
        """The cells of the table in a labelled region, header first."""
        (region,) = [e for e in self.elements if e.attributes.get("aria-label") == label]
        rows = [e for e in self.elements if e.tag == "tr" and region in e.parents]
        cells = [e for e in self.elements if e.tag in ("th", "td") and region in e.parents]
        return [[" ".join(c.text.split()) for c in cells if row in c.parents] for row in rows]
