"""All keys of the screen below, in words, with the name by which another key can be given to each."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any, ClassVar

from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.dom import DOMNode
from textual.screen import ModalScreen, Screen
from textual.widget import Widget
from textual.widgets import Static

from screens.frame import Frame
from screens.looks.keymap import answering, declared
from screens.widgets.actions import ActionBar
from screens.words import QUIET

ALWAYS = (
    ("↑ ↓", "Mark or scroll; pgup, pgdn, home and end too", ""),
    ("tab", "To the next entry or button; shift+tab to the one before", ""),
)
CHANGE = (
    "Another key for one of them: in preferences.toml, below [keys], by the name on the right, such as "
    '"failure.retry" = "f5"; several with a comma; from the next start on. Where that file is, is said when a theme '
    "is chosen."
)


class KeysScreen(Frame[None], ModalScreen[None]):
    """Read and closed; changes nothing.  `below` is the screen whose keys they are; its first line stays in sight."""

    CSS_PATH = Path(__file__).with_name("dialogs.tcss")
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,enter,q", "close", "Close", id="keys.close", key_display="esc"),
    ]

    def __init__(self, below: Screen[Any]) -> None:
        super().__init__()
        self._below = below

    def content(self) -> Iterable[Widget]:
        """The screen's own, those that work everywhere, and how to change them."""
        yield Vertical(VerticalScroll(*self._sections(), id="body"), ActionBar(), id="dialog")

    def _sections(self) -> Iterable[Widget]:
        yield Static("Keys of this screen", classes="kind")
        yield from (_line(*each) for of in answering(self._below) for each in self._keys(of))
        yield Static("On every screen", classes="kind spaced")
        yield from (_line(*each) for each in (*self._keys(self.app), *ALWAYS))
        yield Static(Content.styled(CHANGE, QUIET), classes="spaced")

    def _keys(self, of: DOMNode) -> Iterable[tuple[str, str, str]]:
        """Key, what it does, the name of the binding; what is not offered there is no key."""
        for binding in declared(type(of)):
            may = of.check_action(binding.action, ())
            if binding.id and may is not False:
                said = ": ".join(each for each in (binding.description, binding.tooltip) if each)
                yield self.app.get_key_display(binding), said if may else f"{said} (not now)", binding.id

    def on_mount(self) -> None:
        """The arrows scroll."""
        self.query_one("#body").focus()

    def action_close(self) -> None:
        """Back to where it was asked from."""
        self.dismiss(None)


def _line(key: str, said: str, name: str) -> Horizontal:
    columns = (
        Static(Content.styled(key, "bold"), classes="keys-key"),
        Static(said, classes="keys-said", markup=False),
        Static(Content.styled(name, QUIET), classes="keys-name"),
    )
    return Horizontal(*columns, classes="keys-line")
