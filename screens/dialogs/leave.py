"""Leave a run that is not over?"""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.widget import Widget

from runbook.views import Session
from screens.dialogs.ask import Ask
from screens.widgets.pairs import Pair


class LeaveDialog(Ask[bool]):
    """True: leave; the run stays unfinished and can be resumed."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,n", "stay", "Stay", id="leave.stay", key_display="n/esc", tooltip="The run goes on"),
        Binding("y", "leave", "Leave", id="leave.leave", tooltip="The run can be resumed"),
    ]

    def __init__(self, session: Session) -> None:
        super().__init__(session, kind="Leave", headline="Leave this run unfinished?")

    def body(self) -> Iterable[Widget]:
        """What leaving means."""
        yield Pair("kept", "The record is complete up to this moment. `runbook resume` goes on from here.")
        yield Pair(
            "goes on", "What was begun at a provider (a restore, a deployment) goes on there and is found again."
        )
        yield Pair("clock", "The recovery clock does not stop.")

    def action_stay(self) -> None:
        """Back to the run."""
        self.dismiss(False)  # noqa: FBT003 - Textual's own signature

    def action_leave(self) -> None:
        """Leave it."""
        self.dismiss(True)  # noqa: FBT003 - Textual's own signature
