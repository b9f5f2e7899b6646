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

    def _on_paste(self, event: events.Paste) -> None:
        """What was pasted in several lines, or with blanks around it, is still one secret."""
        event.prevent_default()
        event.stop()
        self.replace(_unbroken(event.text), *sorted(self.selection))

    def action_copy(self) -> None:
        """Nothing leaves by the clipboard."""
        self.app.bell()

    def action_cut(self) -> None:
        """Nothing leaves by the clipboard."""
        self.app.bell()

    @property
    def typed(self) -> str:
        """What was typed; blanks are no part of a share or a code."""
        return _unbroken(self.value)

    def take(self) -> str:
        """What was typed, and the entry is empty again."""
        typed, self.value = self.typed, ""
        return typed


class CredentialInput(SecretInput):
    """Blanks inside a password belong to it; only those around it, and line ends, do not."""

    def _on_paste(self, event: events.Paste) -> None:
        event.prevent_default()
        event.stop()
        self.replace("".join(event.text.splitlines()).strip(), *sorted(self.selection))

    @property
    def typed(self) -> str:
        """What was typed, but for the blanks around it."""
        return self.value.strip()


class CodeInput(SecretInput):
    """Takes digits only; any other key belongs to the screen, so that its letters work while this has the focus."""

    def check_consume_key(self, key: str, character: str | None) -> bool:
        """Digits are typed, nothing else is."""
        del key
        return character is not None and character.isdecimal()

    async def _on_key(self, event: events.Key) -> None:
        if event.is_printable and not self.check_consume_key(event.key, event.character):
            event.prevent_default()  # Textual would insert it
            return
        await super()._on_key(event)


def _unbroken(text: str) -> str:
    """Without blanks, line ends, and what a chat program puts in unseen: hex, base64 and digits have none of them."""
    return "".join(character for character in text if character.isprintable() and not character.isspace())
