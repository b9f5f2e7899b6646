"""How the tests read a page: its elements, and its text in the order in which somebody reads it."""

from __future__ import annotations

from collections.abc import Sequence
from html.parser import HTMLParser

_LINES = {"h1", "h2", "h3", "p", "li", "dt", "dd", "th", "td", "tr", "text", "div", "footer"}
_UNREAD = {"style", "title"}


class Page(HTMLParser):
    """Parsed as a browser would: what is markup, and what is only text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self._lines: list[str] = [""]
        self._open: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        self._open.append(tag)
        if tag in _LINES:
            self._lines.append("#" * int(tag[1:]) + " " if tag in {"h1", "h2", "h3"} else "")

    def handle_endtag(self, tag: str) -> None:
        while self._open and self._open.pop() != tag:
            pass

    def handle_data(self, data: str) -> None:
        if not _UNREAD & set(self._open):
            self._lines[-1] += data

    @property
    def lines(self) -> Sequence[str]:
        """The text, an element a line, without what is empty."""
        return [said for line in self._lines if (said := " ".join(line.split()))]

    @property
    def headings(self) -> Sequence[str]:
        return [line.removeprefix("## ") for line in self.lines if line.startswith("## ")]

    def named(self, tag: str) -> list[dict[str, str | None]]:
        """The attributes of every such element."""
        return [attributes for name, attributes in self.elements if name == tag]
