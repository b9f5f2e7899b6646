"""What a question shows above it, as lines: a preview's differences, a choice's rows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from runbook.engine.ports import Change, Choose, Option, Preview

WIDE: Final = 100  # characters of a difference that still reads well on one line
NONE: Final = "nothing"
WIDEST: Final = 40  # characters for which the column beside waits; a longer cell pushes it aside, and is whole


def preview(of: Preview) -> Iterator[str]:
    """What, on what, with which differences, by which calls: all of it, however much."""
    yield of.what
    yield f"target: {of.target}"
    if len(of.changes) > 1:
        yield f"{len(of.changes)} changes:"
    for change in of.changes:
        yield from difference(change)
    if len(of.calls) > 1:
        yield f"{len(of.calls)} calls:"
    yield from (f"call:   {call}" for call in of.calls)


def difference(change: Change) -> Iterator[str]:
    """On one line where it is short, else the former value and the new one, each on a line that says which it is."""
    line = ": ".join(filter(None, (change.name, " becomes ".join(filter(None, (change.before, change.after or NONE))))))
    if len(line) <= WIDE:
        yield line
        return
    yield f"{change.name} before: {change.before or NONE}"
    yield f"{change.name} after: {change.after or NONE}"


def choices(ask: Choose) -> Iterator[str]:
    """Each option with its number, in columns."""
    widths = [min(max(map(len, column), default=0), WIDEST) for column in zip(*_cells(ask.options), strict=True)]
    for number, option in enumerate(ask.options, start=1):
        cells = "  ".join(cell.ljust(width) for cell, width in zip(option.cells, widths, strict=True))
        yield f"{number:>3}  {cells.rstrip()}{_mark(option, ask.default)}"


def _cells(options: Sequence[Option]) -> list[tuple[str, ...]]:
    return [option.cells for option in options]


def _mark(option: Option, default: str) -> str:
    if option.unfit:
        return f" (cannot be chosen: {option.unfit})"
    return " (default)" if option.key == default else ""
