"""The operator states what no API can show."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.widget import Widget
from textual.widgets import Input

from runbook.engine.ports import Attest
from runbook.views import Session
from screens.dialogs.ask import HELP, Ask
from screens.widgets.inputs import Entry
from screens.widgets.pairs import Pair

AS_STATED = "as stated"


class AttestDialog(Ask[str]):
    """The circumstances, or "as stated"; "" when the operator does not state it."""

    AUTO_FOCUS = "Input"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "state", "I state this", id="attest.state", key_display="⏎"),
        Binding("escape", "decline", "I do not", id="attest.decline", key_display="esc"),
        HELP,
    ]

    def __init__(self, session: Session, ask: Attest) -> None:
        super().__init__(session, kind=f"Your statement · {ask.step}", headline=ask.statement, step=ask.step)

    def body(self) -> Iterable[Widget]:
        """What it means to state it."""
        yield Pair("recorded", "No API can show this. It goes into the record under your name.")

    def entries(self) -> Iterable[Widget]:
        """The circumstances."""
        yield Entry(placeholder="circumstances, if any (recorded)", id="reason")

    def action_state(self) -> None:
        """It is so."""
        self.dismiss(self.query_one(Input).value.strip() or AS_STATED)

    def action_decline(self) -> None:
        """It is not so, or not known."""
        self.dismiss("")
