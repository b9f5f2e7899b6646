"""Lists and tables in which a click or an arrow marks a row, and Enter belongs to the screen."""

from __future__ import annotations

from rich.segment import Segment
from rich.text import Text
from textual.strip import Strip
from textual.widgets import DataTable, OptionList

MARK = "▸"


def _signed(strip: Strip) -> Strip:
    first = next(iter(strip), Segment(""))
    return Strip.join([Strip([Segment(MARK, first.style)]), strip.crop(1)])


class MarkList(OptionList):
    """A list of our lines; nothing is chosen by clicking it.  The marked one has a sign too, not only a colour."""

    DEFAULT_CSS = """
    MarkList > .option-list--option, MarkList.-textual-compact > .option-list--option { padding: 0 1; }
    """

    def render_line(self, y: int) -> Strip:
        """As Textual paints it; the first blank of the marked line is the sign."""
        strip, number = super().render_line(y), self.scroll_offset.y + y
        if number >= len(self._lines) or self._lines[number] != (self.highlighted, 0):
            return strip
        return _signed(strip)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Everything but selecting."""
        return action != "select" and super().check_action(action, parameters)

    def action_select(self) -> None:
        """Textual's click ends here; marking was done before."""


class MarkTable(DataTable[Text]):
    """A table of our rows; nothing is chosen by clicking it.  The marked one has a sign too, not only a colour."""

    def render_line(self, y: int) -> Strip:
        """As Textual paints it; the first blank of the marked line is the sign.  Every row is one line high."""
        strip, number = super().render_line(y), y - self.header_height
        if number < 0 or number + round(self.scroll_y) != self.cursor_row:
            return strip
        return _signed(strip)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Everything but selecting."""
        return action != "select_cursor" and super().check_action(action, parameters)
