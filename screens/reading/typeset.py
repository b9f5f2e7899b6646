"""Blocks of a report as lines of a given width: hanging indents, tables with aligned columns."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from rich.cells import cell_len
from textual.content import Content

from screens.reading.markdown import Block, Entry, Heading, Paragraph, Table

GAP, TIGHT = 2, 1  # cells between two columns; where not everything stands on one line
LEAST = 12  # cells that a column keeps for its longest word; where that is too much, the rows are told as lists
NARROWEST = 20  # cells: what is narrower is not shown at all


@dataclass(frozen=True, slots=True)
class Page:
    """`headings`: the line of each, and its text."""

    lines: tuple[Content, ...]
    headings: tuple[tuple[int, str], ...]


def typeset(blocks: Iterable[Block], width: int) -> Page:
    """The whole text, its blocks apart from each other."""
    lines: list[Content] = []
    headings: list[tuple[int, str]] = []
    before: Block | None = None
    for block in blocks:
        if before is not None and not (isinstance(block, Entry) and isinstance(before, Entry)):
            lines.append(Content(""))
        if isinstance(block, Heading):
            headings.append((len(lines), block.text.plain))
        lines += _lines(block, max(width, NARROWEST))
        before = block
    return Page(tuple(lines), tuple(headings))


def _lines(block: Block, width: int) -> Iterable[Content]:
    match block:
        case Heading():
            return block.text.stylize("bold underline").wrap(width)
        case Entry():
            return _hanging(Content(f"{'  ' * block.depth}{block.mark} "), block.text, width)
        case Table():
            return _table(block, width)
        case Paragraph():
            return block.text.wrap(width)


def _hanging(first: Content, text: Content, width: int) -> Iterator[Content]:
    indent = Content(" " * first.cell_length)
    for number, line in enumerate(_wrapped(text, width - first.cell_length)):
        yield (indent if number else first) + line


def _wrapped(text: Content, width: int) -> Sequence[Content]:
    return [text] if text.cell_length <= width else text.wrap(width)


# -- tables -------------------------------------------------------------------------------------------------------
def _table(table: Table, width: int) -> Iterable[Content]:
    columns = tuple(zip(table.heads, *table.rows, strict=True))
    needed = [max(cell.cell_length for cell in column) for column in columns]
    if sum(needed) + GAP * (len(columns) - 1) <= width:
        return _as_columns(table, needed, GAP)
    least = [min(max(map(_longest_word, column)), LEAST) for column in columns]
    room = width - TIGHT * (len(columns) - 1)
    if sum(least) > room:
        return _as_lists(table, width)
    return _as_columns(table, _narrowed(needed, least, room), TIGHT)


def _longest_word(cell: Content) -> int:
    return max((cell_len(word) for word in cell.plain.split()), default=0)


def _narrowed(widths: list[int], least: Sequence[int], room: int) -> list[int]:
    """The widest give way first, none below its least."""
    while sum(widths) > room:
        widest = max((width, at) for at, width in enumerate(widths) if width > least[at])
        widths[widest[1]] -= 1
    return widths


def _as_columns(table: Table, widths: Sequence[int], gap: int) -> Iterator[Content]:
    yield from _row([head.stylize("bold") for head in table.heads], widths, gap)
    yield Content((" " * gap).join("─" * each for each in widths))
    for row in table.rows:
        yield from _row(row, widths, gap)


def _row(cells: Sequence[Content], widths: Sequence[int], gap: int) -> Iterator[Content]:
    columns = [_wrapped(cell, width) for cell, width in zip(cells, widths, strict=True)]
    for at in range(max(map(len, columns))):
        parts = [column[at] if at < len(column) else Content("") for column in columns]
        padded = [part.pad_right(width - part.cell_length) for part, width in zip(parts, widths, strict=True)]
        yield Content(" " * gap).join(padded).rstrip()


def _as_lists(table: Table, width: int) -> Iterator[Content]:
    for row in table.rows:
        for at, (head, cell) in enumerate(zip(table.heads, row, strict=True)):
            yield from _hanging(Content(f"{'•' if at == 0 else ' '} {head.plain}: "), cell, width)
