"""A text to be read: broken to the width it has, searched, and gone through section by section.

Only the lines in sight are rendered, so that a long report costs no more than a short one.
"""

from __future__ import annotations

from collections.abc import Sequence

from textual import events
from textual.content import Content
from textual.geometry import Size
from textual.scroll_view import ScrollView
from textual.selection import Selection
from textual.strip import Strip
from textual.style import Style
from textual.visual import Visual

from screens.reading.finding import Hit, find, on_line
from screens.reading.markdown import Block
from screens.reading.typeset import Page, typeset

HIT, HERE = "underline", "bold reverse"
CONTEXT = 2  # lines above a found one that stay in sight


class Reader(ScrollView, can_focus=True):
    """Shows blocks; arrows, page keys and the wheel scroll.  What is marked with the mouse can be copied."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's own name
        super().__init__(id=id)
        self._blocks: Sequence[Block] = ()
        self._page = Page((), ())
        self._words = ""
        self._hits: tuple[Hit, ...] = ()
        self._hit = -1

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Left and right belong to the screen: they go from section to section."""
        return action not in {"scroll_left", "scroll_right"} and super().check_action(action, parameters)

    def show(self, blocks: Sequence[Block]) -> None:
        """What is read from now on, from its beginning."""
        self._blocks = blocks
        self._typeset()
        self.scroll_home(animate=False)

    def on_resize(self, event: events.Resize) -> None:
        """Other lines, the same place."""
        del event
        share = self.scroll_y / max(self.virtual_size.height, 1)
        self._typeset()
        self.scroll_to(y=round(share * self.virtual_size.height), animate=False)

    def _typeset(self) -> None:
        width = self.scrollable_content_region.width
        if width <= 0:
            return
        self._page = typeset(self._blocks, width)
        self.virtual_size = Size(width, len(self._page.lines))
        self._hits = find([line.plain for line in self._page.lines], self._words)
        self._hit = min(self._hit, len(self._hits) - 1)
        self.refresh()

    # -- going about in it --------------------------------------------------------------------------------------------
    @property
    def sections(self) -> int:
        """How many headings there are."""
        return len(self._page.headings)

    def go(self, by: int) -> None:
        """To the next heading (1), or to that of this section or the one before (-1)."""
        here, lines = round(self.scroll_y), [line for line, _ in self._page.headings]
        if by > 0:
            to = next((line for line in lines if line > here), self.virtual_size.height)
        else:
            to = next((line for line in reversed(lines) if line < here), 0)
        self.scroll_to(y=to, animate=False)

    @property
    def found(self) -> str:
        """How many places were found and which of them is marked, in words; empty when nothing is searched for."""
        if not self._words.strip():
            return ""
        return f"{self._hit + 1} of {len(self._hits)}" if self._hits else "not found"

    @property
    def hits(self) -> int:
        """In how many places the words stand."""
        return len(self._hits)

    def search(self, words: str) -> None:
        """Mark the words everywhere, and go to the first place from here on."""
        self._words = words
        self._hits = find([line.plain for line in self._page.lines], words)
        here = round(self.scroll_y)
        self._hit = next((at for at, hit in enumerate(self._hits) if hit[0][0] >= here), 0 if self._hits else -1)
        self._show_hit()

    def step(self, by: int) -> None:
        """To the next place or the one before; after the last comes the first."""
        if self._hits:
            self._hit = (self._hit + by) % len(self._hits)
        self._show_hit()

    def _show_hit(self) -> None:
        if self._hits:
            line = self._hits[self._hit][0][0]
            if not self.scroll_y <= line < self.scroll_y + self.scrollable_content_region.height:
                self.scroll_to(y=line - CONTEXT, animate=False)
        self.refresh()

    # -- painting -----------------------------------------------------------------------------------------------------
    def render_line(self, y: int) -> Strip:
        """One line of the page, where this line of the widget is now."""
        at = round(self.scroll_y) + y
        width = self.scrollable_content_region.width
        if at >= len(self._page.lines):
            return Strip.blank(width, self.rich_style)
        strips = Visual.to_strips(self, self._line(at), width, 1, self.visual_style, apply_selection=False, pad=True)
        return next(iter(strips), Strip.blank(width, self.rich_style)).apply_offsets(0, at)  # no width: no strip

    def _line(self, at: int) -> Content:
        line = self._page.lines[at]
        for hit, begin, end in on_line(self._hits, at):
            line = line.stylize(HERE if hit is self._hits[self._hit] else HIT, begin, end)
        selected = self.text_selection.get_span(at) if self.text_selection else None
        if selected is not None:
            begin, end = selected
            style = Style.from_styles(self.screen.get_component_styles("screen--selection"))
            line = line.stylize(style, begin, len(line) if end == -1 else end)
        return line

    def get_selection(self, selection: Selection) -> tuple[str, str] | None:
        """What is marked, as it stands here."""
        return selection.extract("\n".join(line.plain for line in self._page.lines)), "\n"

    def selection_updated(self, selection: Selection | None) -> None:
        """Paint it."""
        del selection
        self.refresh()
