"""A text that is painted again only when it is another one: a repaint of what did not change costs nothing."""

from __future__ import annotations

from textual.content import Content
from textual.widgets import Static


class Painted(Static):
    """Content of a size of its own keeps `grows` False: nothing beside it moves when the text is another one."""

    def __init__(self, *, id: str | None = None, grows: bool = False) -> None:  # noqa: A002 - Textual's own name
        super().__init__(id=id, markup=False)
        self._grows = grows
        self._painted: Content | None = None

    def paint(self, content: Content) -> None:
        """Show it."""
        if self._painted is None or not content.is_same(self._painted):
            self._painted = content
            self.update(content, layout=self._grows)


def row(parts: list[Content], between: Content) -> Content:
    """The parts that there are, side by side."""
    return between.join([part for part in parts if part])
