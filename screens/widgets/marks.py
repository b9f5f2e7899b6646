"""Lists and tables in which a click or an arrow marks a row, and Enter belongs to the screen."""

from __future__ import annotations

from rich.text import Text
from textual.widgets import DataTable, OptionList


class MarkList(OptionList):
    """A list of our lines; nothing is chosen by clicking it."""

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Everything but selecting."""
        return action != "select" and super().check_action(action, parameters)

    def action_select(self) -> None:
        """Textual's click ends here; marking was done before."""


class MarkTable(DataTable[Text]):
    """A table of our rows; nothing is chosen by clicking it."""

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Everything but selecting."""
        return action != "select_cursor" and super().check_action(action, parameters)
