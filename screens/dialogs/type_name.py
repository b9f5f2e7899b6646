"""Production only: the target's name, typed exactly.  Whether it counts is the conductor's to judge."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.widget import Widget
from textual.widgets import Input

from runbook.engine.ports import TypeName
from runbook.views import Session
from screens.dialogs.ask import HELP, Ask
from screens.widgets.inputs import ExactInput
from screens.widgets.pairs import Pair


class TypeNameDialog(Ask[str]):
    """What was typed, as it was typed; "" when the operator went away from it."""

    AUTO_FOCUS = "Input"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "hand_in", "This is the target", id="type-name.hand-in", key_display="⏎", tooltip="As typed"),
        Binding("escape", "decline", "Not now", id="type-name.decline", key_display="esc", tooltip="Nothing is done"),
        HELP,
    ]

    def __init__(self, session: Session, ask: TypeName) -> None:
        super().__init__(session, kind=f"Type the target's name · {ask.step}", headline=ask.expected, step=ask.step)
        self._note = ask.note

    def body(self) -> Iterable[Widget]:
        """What counts, and that the last try did not."""
        if self._note:
            yield Pair("again", self._note)
        yield Pair("exactly", "Letter by letter, case and spaces too. A pasted line end does not count.")

    def entries(self) -> Iterable[Widget]:
        """Where it is typed."""
        yield ExactInput(placeholder="the target's name", id="typed")

    def action_hand_in(self) -> None:
        """Hand in what stands there, also when it is wrong."""
        self.dismiss(self.query_one(Input).value)

    def action_decline(self) -> None:
        """Nothing typed."""
        self.dismiss("")
