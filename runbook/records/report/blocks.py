"""What a report is made of, before it is Markdown or HTML: one set of facts, so that the two cannot differ."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

TO_FILL_IN = "____________"
"""Stands where somebody writes on paper what the run cannot know."""

_ROOM = 80  # characters, of about 110 that a line of a table has on A4


class Word(str):
    """A state, told by this word (PASS, NOT_SET …); a page may draw it stronger, never by colour alone."""

    __slots__ = ()


Cell = object
"""Text, a number, a `Word`, or None: a dash."""


@dataclass(frozen=True, slots=True)
class Note:
    """A paragraph of our own words; what others said in it is made inert like everything else."""

    text: str
    kind: ClassVar[str] = "note"


@dataclass(frozen=True, slots=True)
class Facts:
    """Label and value, a line each."""

    pairs: Sequence[tuple[str, Cell]]
    kind: ClassVar[str] = "facts"


@dataclass(frozen=True, slots=True)
class Bullets:
    """Sentences, one below the other."""

    lines: Sequence[str]
    kind: ClassVar[str] = "bullets"


@dataclass(frozen=True, slots=True)
class Table:
    """Rows under heads."""

    heads: Sequence[str]
    rows: Sequence[Sequence[Cell]]
    stacked: int = 0
    """So many columns at the end stand below each other on a page, each with its head."""
    drawn: int = 0
    """So many columns at the end are left out of a page: a picture has them."""
    style: str = ""
    """`small` for an appendix, `sign` with room for a signature."""
    kind: ClassVar[str] = "table"

    @property
    def upright(self) -> int:
        """How many columns stay columns on a page."""
        return len(self.heads) - self.stacked - self.drawn

    def steady(self) -> frozenset[int]:
        """Columns that a page need not wrap: narrow enough, together, to leave room for the others."""
        widest = [max((len(str(row[column])) for row in self.rows), default=0) for column in range(self.upright)]
        left, found = _ROOM, frozenset[int]()
        for width, column in sorted(zip(widest, range(self.upright), strict=True)):
            if width <= left:
                left, found = left - width, found | {column}
        return found


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that is told in several lines: its mark, its title, and what is known of it ("" for no label)."""

    mark: Cell
    title: str
    pairs: Sequence[tuple[str, Cell]] = ()


@dataclass(frozen=True, slots=True)
class Entries:
    """Several of them."""

    items: Sequence[Entry]
    kind: ClassVar[str] = "entries"


@dataclass(frozen=True, slots=True)
class Picture:
    """A drawing that only a page has; the table after it says the same in figures."""

    drawing: Any
    kind: ClassVar[str] = "picture"


Block = Note | Facts | Bullets | Table | Entries | Picture


@dataclass(frozen=True, slots=True)
class Section:
    """A heading and what stands below it."""

    heading: str
    blocks: Sequence[Block]
    style: str = ""
    """`cover` for the first page, `appendix` for what begins a page of its own."""


@dataclass(frozen=True, slots=True)
class Report:
    """All of it, in order."""

    run_id: str
    title: str
    outcome: Word
    summary: str
    banners: Sequence[str]
    sections: Sequence[Section]
