"""A table that is as wide as its place: what cannot stand there in full keeps what tells it from the others."""

from __future__ import annotations

from collections.abc import Sequence

from rich.cells import cell_len
from rich.text import Text
from textual import events
from textual.widgets import DataTable

from screens.text import one_line
from screens.widgets.marks import MarkTable

LEAST = 12  # cells that a column keeps in any case
KEPT = 3  # columns that are there in any case: the sign, the name, and what is asked for first
PADDING = 2  # cells of a column that its texts do not get
SCROLLBAR = 2


class FittedTable(MarkTable):
    """Rows of plain texts; the longest columns give way to the others, again at each size."""

    def fill(self, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        """What it shows from now on."""
        self._titles = [one_line(column, 60) for column in columns]
        self._cells = [[one_line(cell, 300) for cell in row] for row in rows]
        self._fit(self.size.width)

    @property
    def cuts_marked(self) -> bool:
        """Whether something of the marked row is not shown."""
        at = self.cursor_row
        return 0 <= at < len(self._cells) and self._fitted[at] != self._cells[at]

    def on_resize(self, event: events.Resize) -> None:
        """Fit again, with the same row marked."""
        self._fit(event.size.width)

    def _fit(self, width: int) -> None:
        marked = self.cursor_row
        titles, *self._fitted = fitted([self._titles, *self._cells], width - SCROLLBAR)
        with self.prevent(DataTable.RowHighlighted):
            self.clear(columns=True)
            self.add_columns(*(Text(title) for title in titles))
            for row in self._fitted:
                self.add_row(*(Text(cell) for cell in row))
            self.move_cursor(row=marked)


def fitted(rows: Sequence[Sequence[str]], width: int) -> list[list[str]]:
    """The rows, the longest columns cut so that all of them have room beside each other; no width: not cut.

    Where even that is not enough the last columns go: half a word at the edge tells nobody that it goes on.
    """
    room = [max(map(cell_len, column)) for column in zip(*rows, strict=True)]
    over = sum(room) + PADDING * len(room) - width if width > 0 else 0
    while over > 0 and max(room) > LEAST:
        over -= _narrower(room, over)
    if over > 0 and len(room) > KEPT:
        return fitted([row[:-1] for row in rows], width)
    return [[cut(cell, most) for cell, most in zip(row, room, strict=True)] for row in rows]


def _narrower(room: list[int], over: int) -> int:
    """The widest column gives way, no further than to the next widest; answers by how many cells."""
    widest = room.index(max(room))
    next_widest = max((cells for at, cells in enumerate(room) if at != widest), default=0)
    least = max(LEAST, min(next_widest, room[widest] - 1))
    gone = min(over, room[widest] - least)
    room[widest] -= gone
    return gone


def cut(text: str, room: int) -> str:
    """A name is told from the next one by its end, a sentence by its beginning."""
    if cell_len(text) <= room:
        return text
    return f"{text[: room - 1]}…" if " " in text else f"…{text[1 - room :]}"
