"""A row that goes on below where it does not fit: no key and no button is cut off by the edge of the terminal."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from textual.app import ComposeResult
from textual.geometry import Size
from textual.layout import Layout, WidgetPlacement
from textual.layouts.horizontal import HorizontalLayout
from textual.widget import Widget
from textual.widgets import Footer
from textual.widgets._footer import FooterKey  # the footer's own, and exported nowhere else

IF_ROOM = "-if-room"  # the class of what is left out rather than begin another line


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
            if placed.widget.has_class(IF_ROOM):
                continue
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
    """The footer, on as many lines as its keys need; the palette is named last, where there is room beside them."""

    def __init__(self) -> None:
        super().__init__(compact=True, show_command_palette=False)

    def compose(self) -> ComposeResult:
        """Textual's own would leave the palette out on a dialogue, and take room from the keys elsewhere."""
        yield from super().compose()
        found = (binding for _, binding in self.app._bindings if binding.action == "command_palette")  # noqa: SLF001
        for binding in found:
            key = self.app.get_key_display(binding)
            yield FooterKey(binding.key, key, "What now", "command_palette", classes=f"-palette {IF_ROOM}")
