"""The Markdown of our reports as blocks: headings, entries of lists, tables, paragraphs.

A report quotes providers and people.  Nothing in it acts: there are no links, no markup and no HTML, and what is not
known here is shown as it stands.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby

from textual.content import Content

from screens.text import one_line, paragraphs

LONGEST, LONGEST_LINE = 2_000_000, 20_000  # characters: beyond that it is no report, and says that it is cut
_HEADING = re.compile(r"(#{1,6}) +(.*)")
_ENTRY = re.compile(r"( *)- (.*)")
_RULE = re.compile(r"\|[-:| ]+")
_CELL = re.compile(r"(?<!\\)\|")
_BOLD = re.compile(r"(?<!\\)\*\*((?:\\.|[^\\*])+)\*\*")
_ESCAPED = re.compile(r"\\([\\|<`*\[\]])")  # what the reports escape


@dataclass(frozen=True, slots=True)
class Heading:
    """`level` 1 is the title."""

    level: int
    text: Content


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of a list, after its `mark`; `depth` 0 is the outermost."""

    mark: str
    text: Content
    depth: int = 0


@dataclass(frozen=True, slots=True)
class Table:
    """Every row has as many cells as there are heads."""

    heads: tuple[Content, ...]
    rows: tuple[tuple[Content, ...], ...]


@dataclass(frozen=True, slots=True)
class Paragraph:
    """Anything else."""

    text: Content


Block = Heading | Entry | Table | Paragraph


def fact(label: str, text: str) -> Entry:
    """A line of `label  text`, as it stands above a report."""
    return Entry(f"{label:<7}", Content(paragraphs(text)))


def blocks(markdown: str) -> tuple[Block, ...]:
    """The text in its order; every line of it is in one of them."""
    lines = (one_line(line, LONGEST_LINE).rstrip() for line in markdown[:LONGEST].split("\n"))
    found: list[Block] = []
    for is_table, group in groupby(lines, key=lambda line: line.startswith("|")):
        together = list(group)
        found += [_table(together)] if is_table else _prose(together)
    if len(markdown) > LONGEST:
        found.append(Paragraph(Content("… This is not all of it: the rest is in the file.")))
    return tuple(found)


def _prose(lines: Iterable[str]) -> Iterator[Block]:
    for line in filter(None, lines):
        if heading := _HEADING.fullmatch(line):
            yield Heading(len(heading[1]), _inline(heading[2]))
        elif entry := _ENTRY.fullmatch(line):
            yield Entry("•", _inline(entry[2]), len(entry[1]) // 2)
        else:
            yield Paragraph(_inline(line))


def _table(lines: list[str]) -> Table:
    """The first row names the columns."""
    heads, *rows = [_cells(line) for line in lines if not _RULE.fullmatch(line)] or [[Content("")]]
    return Table(tuple(heads), tuple(_as_wide(row, len(heads)) for row in rows))


def _cells(line: str) -> list[Content]:
    cells = _CELL.split(line[1:])
    return [_inline(cell.strip()) for cell in (cells[:-1] if not cells[-1].strip() else cells)]


def _as_wide(row: list[Content], width: int) -> tuple[Content, ...]:
    """What there is too much of stays readable, in the last cell."""
    padded = [*row, *[Content("")] * (width - len(row))]
    return (*padded[: width - 1], Content(" | ").join(padded[width - 1 :]))


def _inline(text: str) -> Content:
    """Bold is the only emphasis that a report has."""
    parts: list[str | tuple[str, str]] = []
    at = 0
    for bold in _BOLD.finditer(text):
        parts += [_bare(text[at : bold.start()]), (_bare(bold[1]), "bold")]
        at = bold.end()
    return Content.assemble(*parts, _bare(text[at:]))


def _bare(text: str) -> str:
    return _ESCAPED.sub(r"\1", text)
