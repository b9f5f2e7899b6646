"""Something that only hands can do: what, how, and whether it was done."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.widget import Widget

from runbook.engine.ports import ByHand
from runbook.views import Session
from screens.dialogs.ask import HELP, Ask
from screens.widgets.pairs import Pair


class ByHandDialog(Ask[bool]):
    """True when the operator says that it was done; what was really done is checked afterwards."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("d", "done", "Done", id="by-hand.done"),
        Binding("n,escape", "not_done", "Not done", id="by-hand.not-done", key_display="n/esc"),
        HELP,
    ]

    def __init__(self, session: Session, ask: ByHand) -> None:
        super().__init__(session, kind=f"Yours to do by hand · {ask.step}", headline=ask.what, step=ask.step)
        self._how = ask.how

    def body(self) -> Iterable[Widget]:
        """The way, line by line."""
        for number, line in enumerate(self._how, start=1):
            yield Pair(f"{number}", line)

    def action_done(self) -> None:
        """It was done."""
        self.dismiss(True)  # noqa: FBT003 - Textual's own signature

    def action_not_done(self) -> None:
        """It was not, or could not be."""
        self.dismiss(False)  # noqa: FBT003 - Textual's own signature
