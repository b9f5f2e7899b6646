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
PADDING = 2  # cells of a column that its texts do not get
SCROLLBAR = 2


class FittedTable(MarkTable):
    """Rows of plain texts; the longest column gives way to the others, again at each size."""

    def fill(self, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        """What it shows from now on."""
        self._titles = [one_line(column, 60) for column in columns]
        self._cells = [[one_line(cell, 300) for cell in row] for row in rows]
        self._fit(self.size.width)

    def on_resize(self, event: events.Resize) -> None:
        """Fit again, with the same row marked."""
        self._fit(event.size.width)

    def _fit(self, width: int) -> None:
        marked = self.cursor_row
        with self.prevent(DataTable.RowHighlighted):
            self.clear(columns=True)
            self.add_columns(*(Text(title) for title in self._titles))
            for row in fitted([self._titles, *self._cells], width - SCROLLBAR)[1:]:
                self.add_row(*(Text(cell) for cell in row))
            self.move_cursor(row=marked)


def fitted(rows: Sequence[Sequence[str]], width: int) -> list[list[str]]:
    """The rows, the longest column cut so that all of them have room beside each other; no width: not cut."""
    widest = [max(map(cell_len, column)) for column in zip(*rows, strict=True)]
    longest = widest.index(max(widest))
    over = sum(widest) + PADDING * len(widest) - width if width > 0 else 0
    room = max(widest[longest] - max(over, 0), LEAST)
    return [[cut(cell, room) if at == longest else cell for at, cell in enumerate(row)] for row in rows]


def cut(text: str, room: int) -> str:
    """A name is told from the next one by its end, a sentence by its beginning."""
    if cell_len(text) <= room:
        return text
    return f"{text[: room - 1]}…" if " " in text else f"…{text[1 - room :]}"
