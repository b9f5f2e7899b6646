"""Markdown that cannot be broken by what a provider or an operator said, and that reads as plain text too."""

from __future__ import annotations

import re
from collections.abc import Sequence

from runbook.records.report.words import one_line

WIDEST_PADDED = 30  # characters; a longer cell is not waited for

_SPECIAL = re.compile(r"([\\|<`*\[\]])")


def inert(text: object) -> str:
    """The text on one line, without tables, links, emphasis, code or HTML of its own; None becomes a dash."""
    return _SPECIAL.sub(r"\\\1", one_line(text)) or "-"


def table(heads: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """A pipe table with its columns aligned (the last one ragged); cells are made inert here."""
    cells = [[inert(cell) for cell in row] for row in rows]
    widths = [_width([head, *(row[index] for row in cells)]) for index, head in enumerate(heads)]
    widths[-1] = len(heads[-1])
    rule = "|" + "|".join("-" * (width + 2) for width in widths) + "|"
    return "\n".join([_line(list(heads), widths), rule, *(_line(row, widths) for row in cells)])


def _width(column: Sequence[str]) -> int:
    return max((len(cell) for cell in column if len(cell) <= WIDEST_PADDED), default=3)


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    return "| " + " | ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)) + " |"


def bar(begin: float, end: float, width: int = 30) -> str:
    """Where a part lies in the whole (0 to 1), as a picture: `····####······`; at least one mark."""
    first = min(int(begin * width), width - 1)
    last = max(min(round(end * width), width), first + 1)
    return "·" * first + "#" * (last - first) + "·" * (width - last)
