"""May this Action be done?  Everything it will do stands here before it does it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Static

from runbook.engine.ports import Change, Confirm
from runbook.views import Session
from screens.dialogs.ask import HELP, Ask
from screens.text import one_line
from screens.widgets.pairs import Pair


class ConfirmDialog(Ask[bool]):
    """True: do it; False: not now."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y,enter", "agree", "Do it", id="confirm.agree", key_display="y/⏎"),
        Binding("n,escape", "decline", "Not now", id="confirm.decline", key_display="n/esc"),
        HELP,
    ]

    def __init__(self, session: Session, ask: Confirm) -> None:
        super().__init__(session, kind=f"May this be done? · {ask.step}", headline=ask.title, step=ask.step)
        self._preview = ask.preview

    def body(self) -> Iterable[Widget]:
        """What, on what, by which calls, with which differences."""
        yield Pair("what", self._preview.what)
        yield Pair("target", self._preview.target, style="bold")
        for number, call in enumerate(self._preview.calls):
            yield Pair("exact calls" if number == 0 else "", call)
        if self._preview.changes:
            yield Static("What changes", classes="section")
            for change in self._preview.changes:
                yield Pair(Content(one_line(change.name)), _diff(change), classes="change")

    def action_agree(self) -> None:
        """Do it."""
        self.dismiss(True)  # noqa: FBT003 - Textual's own signature

    def action_decline(self) -> None:
        """Not now: the conductor asks what else."""
        self.dismiss(False)  # noqa: FBT003 - Textual's own signature


def _diff(change: Change) -> Content:
    return Content.assemble(
        (f"- {one_line(change.before) or '(nothing)'}", "$text-error"),
        "\n",
        (f"+ {one_line(change.after) or '(nothing)'}", "$text-success"),
    )
