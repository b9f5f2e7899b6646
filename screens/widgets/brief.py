"""Outside text that may be long, in no more lines than it was given; what is cut ends with a sign."""

from __future__ import annotations

from textual.content import Content
from textual.geometry import Size
from textual.widget import Widget

from screens.text import block, within


class Brief(Widget):
    """At most `lines` lines of whatever width it has; never markup."""

    def __init__(self, text: str, lines: int, *, classes: str = "") -> None:
        super().__init__(classes=classes)
        self._text = text
        self._lines = lines

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        """As many lines as it needs there, within its limit."""
        del container, viewport
        return self._cut(width).count("\n") + 1

    def render(self) -> Content:
        """As much of the text as there is room for."""
        return block(self._cut(self.content_size.width))

    def _cut(self, width: int) -> str:
        return within(self._text, width, self._lines)
