"""Something that only hands can do: what, how, and whether it was done."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.widget import Widget

from runbook.engine.ports import ByHand
from runbook.views import Session
from screens.dialogs.ask import HELP
from screens.dialogs.copying import Copying, copy_manual
from screens.looks.keymap import key_of
from screens.widgets.pairs import Pair

NOT_DONE = "It was not done, or could not be; the step stays open"


class ByHandDialog(Copying[bool]):
    """True when the operator says that it was done; what was really done is checked afterwards."""

    COPIES: ClassVar[str] = "these lines"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("d", "done", "Done", id="by-hand.done", tooltip="It was done; what was really done is looked at next"),
        Binding("n,escape", "not_done", "Not done", id="by-hand.not-done", key_display="n/esc", tooltip=NOT_DONE),
        copy_manual("by-hand", "Copy these lines"),
        HELP,
    ]

    def __init__(self, session: Session, ask: ByHand) -> None:
        super().__init__(session, kind=f"Yours to do by hand · {ask.step}", headline=ask.what, step=ask.step)
        self._how = ask.how

    def body(self) -> Iterable[Widget]:
        """The way, line by line, and what "done" is worth."""
        for number, line in enumerate(self._how, start=1):
            yield Pair(f"{number}", line, classes="hand")
        yield Pair(
            "then",
            f"press {key_of(self, 'by-hand.done')}: what was really done is looked at, not believed",
            classes="spaced hand",
        )

    def manual(self) -> str:
        """All of its lines."""
        return "\n".join(self._how)

    def action_done(self) -> None:
        """It was done."""
        self.dismiss(True)  # noqa: FBT003 - Textual's own signature

    def action_not_done(self) -> None:
        """It was not, or could not be."""
        self.dismiss(False)  # noqa: FBT003 - Textual's own signature
