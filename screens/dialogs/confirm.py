"""May this Action be done?  Everything it will do stands here before it does it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.widget import Widget
from textual.widgets import Static

from runbook.engine.ports import Change, Confirm
from runbook.views import Session
from screens.dialogs.ask import HELP, Ask
from screens.text import plain
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
                yield _diff(change)

    def action_agree(self) -> None:
        """Do it."""
        self.dismiss(True)  # noqa: FBT003 - Textual's own signature

    def action_decline(self) -> None:
        """Not now: the conductor asks what else."""
        self.dismiss(False)  # noqa: FBT003 - Textual's own signature


class OptionalDialog(ConfirmDialog):
    """What the run can do without: Enter goes on without it, only `y` agrees."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("n,enter,escape", "decline", "Go on without it", id="optional.decline", key_display="n/⏎"),
        Binding("y", "agree", "Do it", id="optional.agree"),
        HELP,
    ]

    def body(self) -> Iterable[Widget]:
        """The same, and that it may be left out."""
        yield Pair("optional", "the run goes on without it: only y agrees")
        yield from super().body()


def _diff(change: Change) -> Horizontal:
    """The signs have a column of their own: a long value must not push its sign to another line."""
    lines = [(sign, text) for sign, text in (("-", change.before), ("+", change.after)) if text]
    return Horizontal(
        Static(plain(change.name), classes="pair-label"),
        Vertical(*(_signed(sign, text) for sign, text in lines), classes="change-lines"),
        classes="change",
    )


def _signed(sign: str, text: str) -> Horizontal:
    style = "$text-error" if sign == "-" else "$text-success"
    columns = (Static(plain(sign, style), classes="change-sign"), Static(plain(text, style), classes="pair-text"))
    return Horizontal(*columns, classes="change")
