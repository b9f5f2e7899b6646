"""The row of buttons: each visible key of the screen as something to click, greyed exactly when its key is."""

from __future__ import annotations

from typing import Any

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import HorizontalGroup
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Button

from screens.widgets.flow import Flowing


def shown_bindings(screen: Screen[Any]) -> list[Binding]:
    """The screen's own visible bindings, one for each action, in the order in which they are declared."""
    found: dict[str, Binding] = {}
    for entry in type(screen).__dict__.get("BINDINGS", []):
        if isinstance(entry, Binding) and entry.show and entry.description:
            found.setdefault(entry.action, entry)
    return list(found.values())


class ActionBar(HorizontalGroup, Flowing):
    """Buttons made from the screen's bindings, so that mouse and keyboard cannot differ; the footer names the keys."""

    def __init__(self) -> None:
        super().__init__(id="actions")

    def compose(self) -> ComposeResult:
        """One button for each visible binding."""
        for binding in shown_bindings(self.screen):
            yield Button(
                Content(binding.description),
                action=f"screen.{binding.action}",
                compact=True,
                id=f"do-{binding.action}",
                tooltip=binding.tooltip or None,
            )

    def on_mount(self) -> None:
        """Follow the screen's bindings."""
        self.screen.bindings_updated_signal.subscribe(self, self._follow)
        self._follow(self.screen)

    def _follow(self, screen: Screen[Any]) -> None:
        for binding in shown_bindings(screen):
            may = screen.check_action(binding.action, ())
            for button in self.query(f"#do-{binding.action}").results(Button):
                button.display = may is not False
                button.disabled = may is None
