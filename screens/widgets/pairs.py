"""Lines of `label  text` where the text wraps in its own column."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.content import Content
from textual.widgets import Static

from screens.text import plain
from screens.widgets.brief import Brief

LABEL = 15  # cells that a label has beside its text


class Pair(Horizontal):
    """One label and one text; the text is outside text and is treated as such.  `lines` is how many it may fill, at
    most; 0: as many as it needs.  A `style` is for a text that is not cut."""

    def __init__(
        self,
        label: str | Content,
        text: str | Content,
        *,
        style: str = "",
        classes: str = "",
        lines: int = 0,
        id: str | None = None,  # noqa: A002 - Textual's own name for it
    ) -> None:
        super().__init__(classes=classes, id=id)
        self._label = Content.styled(label, "$text-muted") if isinstance(label, str) else label
        self._text = text
        self._style = style
        self._lines = lines

    def compose(self) -> ComposeResult:
        """Label, text."""
        yield Static(self._label, classes="pair-label")
        if isinstance(self._text, Content):
            yield Static(self._text, classes="pair-text")
        elif self._lines:
            yield Brief(self._text, self._lines, classes="pair-text")
        else:
            yield Static(plain(self._text, self._style), classes="pair-text")
