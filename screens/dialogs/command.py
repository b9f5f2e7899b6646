"""Another tool's command that needs the terminal to itself: shown first, run with the app suspended."""

from __future__ import annotations

import shlex
from collections.abc import Iterable
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.widget import Widget

from runbook.engine.ports import RunCommand
from runbook.views import Session
from screens.dialogs.ask import HELP
from screens.dialogs.copying import Copying, copy_manual
from screens.widgets.pairs import Pair


class CommandDialog(Copying[bool]):
    """True: run it now."""

    COPIES: ClassVar[str] = "the command"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y,enter", "agree", "Run it", id="command.agree", key_display="y/⏎", tooltip="This app steps aside"),
        Binding("n,escape", "decline", "Not now", id="command.decline", key_display="n/esc", tooltip="It is not run"),
        copy_manual("command", "Copy the command"),
        HELP,
    ]

    def __init__(self, session: Session, ask: RunCommand) -> None:
        super().__init__(session, kind=f"A command of another tool · {ask.step}", headline=ask.what, step=ask.step)
        self._argv = ask.argv

    def body(self) -> Iterable[Widget]:
        """The command, and what becomes of this screen meanwhile."""
        yield Pair("command", self.manual(), style="bold")
        yield Pair("meanwhile", "this app steps aside; it comes back when the command has ended")

    def manual(self) -> str:
        """The command, as it is typed in another terminal."""
        return shlex.join(self._argv)

    def action_agree(self) -> None:
        """Run it."""
        self.dismiss(True)  # noqa: FBT003 - Textual's own signature

    def action_decline(self) -> None:
        """Not now."""
        self.dismiss(False)  # noqa: FBT003 - Textual's own signature
