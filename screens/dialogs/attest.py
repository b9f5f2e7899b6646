"""The operator states what no API can show."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.widget import Widget
from textual.widgets import Input, Static

from runbook.engine.ports import Attest
from runbook.views import Session
from screens.dialogs.ask import HELP, Ask
from screens.dialogs.doubt import SecondThought
from screens.text import one_line, plain
from screens.widgets.inputs import Entry
from screens.widgets.pairs import Pair

AS_STATED = "as stated"
WITHOUT = "Once more states it without; that may become a finding."
ONCE_MORE = "It will stand in the record under your name: once more states it."


class AttestDialog(Ask[str]):
    """The circumstances, or "as stated"; "" when the operator does not state it."""

    AUTO_FOCUS = "Input"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "state", "I state this", id="attest.state", key_display="⏎", tooltip="Recorded, in your name"),
        Binding(
            "escape",
            "decline",
            "I do not",
            id="attest.decline",
            key_display="esc",
            tooltip="It is not so",
        ),
        HELP,
    ]

    def __init__(self, session: Session, ask: Attest) -> None:
        super().__init__(session, kind=f"Your statement · {ask.step}", headline=ask.statement, step=ask.step)
        self._asks = ask.asks
        self._doubt = SecondThought(self)  # where nothing was typed, Enter may have been meant for another screen

    def body(self) -> Iterable[Widget]:
        """What it means to state it."""
        yield Pair("recorded", "No API can show this. It goes into the record under your name.")
        if self._asks:
            yield Pair("type", self._asks, style="bold")

    def entries(self) -> Iterable[Widget]:
        """The circumstances."""
        yield Entry(placeholder=f"{one_line(self._asks) or 'circumstances, if any'} (recorded)", id="reason")
        yield Static(id="note", markup=False)

    def action_state(self) -> None:
        """It is so.  Nothing typed is a statement too, and judged as such; it takes a second press."""
        typed = self.query_one(Input).value.strip()
        if not typed and not self._doubt.pressed():
            said = f"Not typed yet: {self._asks}. {WITHOUT}" if self._asks else ONCE_MORE
            self.query_one("#note", Static).update(plain(said))
            self.query_one(Input).focus()
            return
        self.dismiss(typed or AS_STATED)

    def on_input_changed(self, event: Input.Changed) -> None:
        """Who types has not left it out."""
        del event
        self._think_again()

    def on_key(self, event: events.Key) -> None:
        """Any other key takes the first press back."""
        bound = self.active_bindings.get(event.key)
        if bound is None or bound.binding.action != "state":  # that one comes here too, before it acts
            self._think_again()

    def on_screen_resume(self) -> None:
        """So does what was opened on top."""
        self._think_again()

    def _think_again(self) -> None:
        if self._doubt.forget():
            self.query_one("#note", Static).update("")

    def action_decline(self) -> None:
        """It is not so, or not known."""
        self.dismiss("")
