"""A row that goes on below where it does not fit: no key and no button is cut off by the edge of the terminal."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from textual.geometry import Size
from textual.layout import Layout, WidgetPlacement
from textual.layouts.horizontal import HorizontalLayout
from textual.widget import Widget
from textual.widgets import Footer


class FlowLayout(HorizontalLayout):
    """From left to right, then on the next line; for children of a width of their own."""

    name = "flow"

    def arrange(
        self,
        parent: Widget,
        children: list[Widget],
        size: Size,
        greedy: bool = True,  # noqa: FBT001, FBT002 - Textual's own signature
    ) -> list[WidgetPlacement]:
        """As Textual places them in a row, broken where the width ends."""
        return list(_broken(super().arrange(parent, children, size, greedy), size.width))


def _broken(row: Iterable[WidgetPlacement], width: int) -> Iterator[WidgetPlacement]:
    x = y = 0
    for placed in row:
        region = placed.region
        if x and x + region.width > width:
            x, y = 0, y + region.height
        yield placed._replace(region=region.at_offset((x, y)))
        x += region.width + placed.margin.right


class Flowing(Widget):
    """A container whose children flow: a stylesheet can only name Textual's own layouts.

    It stands last among the bases: Textual takes the style of the first one.
    """

    @property
    def layout(self) -> Layout:
        """Whatever the stylesheet says."""
        return FlowLayout()


class Keys(Footer, Flowing):
    """The footer, on as many lines as its keys need."""

    def __init__(self) -> None:
        super().__init__(compact=True)
