"""Lines of `label  text` where the text wraps in its own column."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.content import Content
from textual.widgets import Static

from screens.text import plain

LABEL = 15  # cells that a label has beside its text


class Pair(Horizontal):
    """One label and one text; the text is outside text and is treated as such."""

    def __init__(self, label: str | Content, text: str | Content, *, style: str = "", classes: str = "") -> None:
        super().__init__(classes=classes)
        self._label = Content.styled(label, "$text-muted") if isinstance(label, str) else label
        self._text = plain(text, style) if isinstance(text, str) else text

    def compose(self) -> ComposeResult:
        """Label, text."""
        yield Static(self._label, classes="pair-label")
        yield Static(self._text, classes="pair-text")
