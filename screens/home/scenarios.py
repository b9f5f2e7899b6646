"""The deck: which scenario to practise."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widget import Widget
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from runbook.views import ScenarioLine
from screens.frame import Frame
from screens.text import block, one_line
from screens.widgets.actions import ActionBar
from screens.widgets.marks import MarkList


class ScenarioScreen(Frame[str | None]):
    """The chosen scenario's name, or None."""

    CSS_PATH = "home.tcss"

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "start", "Start", id="scenarios.start", key_display="⏎"),
        Binding("escape", "back", "Back", id="scenarios.back", key_display="esc"),
    ]

    def __init__(self, scenarios: tuple[ScenarioLine, ...]) -> None:
        super().__init__()
        self._scenarios = scenarios

    def content(self) -> Iterable[Widget]:
        """The list, the story of the marked one, buttons."""
        yield Static(Content.assemble((" TRAINING ", "bold reverse"), "  choose a scenario"), classes="title -training")
        lines = (Option(Content(f" {one_line(s.name, 20):<21}{one_line(s.title, 80)}")) for s in self._scenarios)
        yield MarkList(*lines, id="deck", markup=False)
        yield VerticalScroll(Static(id="story", markup=False), id="story-box", can_focus=False)
        yield ActionBar()

    def on_mount(self) -> None:
        """The first one is marked."""
        deck = self.query_one(MarkList)
        deck.highlighted = 0 if self._scenarios else None
        deck.focus()

    def on_option_list_option_highlighted(self, event: OptionList.OptionHighlighted) -> None:
        """Tell the story of the marked one."""
        self.query_one("#story", Static).update(block(self._scenarios[event.option_index].story))

    def may(self, action: str) -> bool | None:
        """An empty deck starts nothing."""
        return None if action == "start" and not self._scenarios else True

    def action_start(self) -> None:
        """Practise the marked one."""
        at = self.query_one(MarkList).highlighted
        if at is not None:
            self.dismiss(self._scenarios[at].name)

    def action_back(self) -> None:
        """Home again."""
        self.dismiss(None)
