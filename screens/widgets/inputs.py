"""Entries that need more care than an ordinary one."""

from __future__ import annotations

from textual import events
from textual.widgets import Input

LINE_END = "⏎"


class Entry(Input):
    """Leaves Enter to its screen, whose footer and button then say what Enter does."""

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Everything but submitting."""
        return action != "submit" and super().check_action(action, parameters)


class ExactInput(Entry):
    """Keeps what a paste contains: a line end is shown as ⏎ and makes the typed name a different one."""

    def _on_paste(self, event: events.Paste) -> None:
        event.prevent_default()  # Textual would keep the first line only, and a pasted line end would count as exact
        event.stop()
        pasted = event.text.replace("\r\n", "\n").replace("\r", "\n").replace("\n", LINE_END)
        self.insert_text_at_cursor(pasted)


class SecretInput(Entry):
    """Masked; what is in it cannot be copied or cut, and no message carries it further than its screen."""

    def __init__(self, *, placeholder: str) -> None:
        super().__init__(password=True, placeholder=placeholder, id="secret", select_on_focus=False)

    def action_copy(self) -> None:
        """Nothing leaves by the clipboard."""
        self.app.bell()

    def action_cut(self) -> None:
        """Nothing leaves by the clipboard."""
        self.app.bell()

    def take(self) -> str:
        """What was typed, and the entry is empty again."""
        typed, self.value = self.value, ""
        return typed
