"""What can be taken along from a dialogue: one text in the terminal's clipboard (OSC 52), and a line that says so.

Only what the record holds is copied, and no secret is ever in that.
"""

from __future__ import annotations

from typing import ClassVar

from textual.binding import Binding
from textual.widgets import Static

from screens.dialogs.ask import Ask, T
from screens.text import paragraphs, plain

ARRIVED = "✓ copied: {what} · nothing arrives? mark it with shift and the mouse"
LIMIT = 20_000  # characters: terminals drop what is much longer


def copy_manual(name: str, description: str = "Copy manual way") -> Binding:
    """The key that copies the manual way, for the dialogue of that name."""
    return Binding("m", "copy_manual", description, id=f"{name}.copy-manual", tooltip="Into the clipboard")


class Copying(Ask[T]):
    """A dialogue with something in it that is worth taking to another terminal, a mail or a chat."""

    COPIES: ClassVar[str] = "the manual way"

    def manual(self) -> str:
        """The way without this tool; "" where there is none."""
        raise NotImplementedError

    def copy(self, text: str, what: str) -> None:
        """Into the clipboard; a terminal that does not allow it says nothing, so the line names another way."""
        self.app.copy_to_clipboard(paragraphs(text, LIMIT))
        line = self.query_one("#copied", Static)
        line.update(plain(ARRIVED.format(what=what)))
        line.display = True

    def action_copy_manual(self) -> None:
        """The manual way, as it stands there."""
        self.copy(self.manual(), self.COPIES)

    def may(self, action: str) -> bool | None:
        """There is not always one."""
        return bool(self.manual()) if action == "copy_manual" else super().may(action)
