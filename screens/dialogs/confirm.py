"""May this Action be done?  Everything it will do stands here before it does it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import ClassVar

from rich.cells import cell_len
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.widget import Widget
from textual.widgets import Static

from runbook.engine.ports import Change, Confirm
from runbook.views import Session
from screens.dialogs.ask import HELP, Ask
from screens.text import plain
from screens.widgets.pairs import LABEL, Pair


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
        """What, on what, with which differences, by which calls: all of it, however much; it scrolls."""
        yield Pair("what", self._preview.what)
        yield Pair("target", self._preview.target, style="bold")
        if self._preview.changes:
            yield Static(_counted("What changes", self._preview.changes), classes="section")
            yield from _diffs(self._preview.changes)
        if self._preview.calls:
            yield Static(_counted("Exact calls", self._preview.calls), classes="section")
            yield from (_signed("·", call) for call in self._preview.calls)

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


class CarefulDialog(ConfirmDialog):
    """One that Enter, pressed once too often, must not answer; `why` is told."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "agree", "Do it", id="again.agree"),
        Binding("n,escape", "decline", "Not now", id="again.decline", key_display="n/esc"),
        Binding("enter", "unsure", show=False),
        HELP,
    ]

    def __init__(self, session: Session, ask: Confirm, why: str) -> None:
        super().__init__(session, ask)
        self._why = why

    def body(self) -> Iterable[Widget]:
        """The same, and why Enter is not enough."""
        yield Pair("careful", f"{self._why}: only y agrees, Enter does nothing")
        yield from super().body()

    def action_unsure(self) -> None:
        """Neither yes nor no."""
        self.app.bell()


def _counted(title: str, things: Sequence[object]) -> str:
    return title if len(things) == 1 else f"{title} ({len(things)})"


def _diffs(changes: Sequence[Change]) -> Iterable[Widget]:
    """Names beside the values where all of them have room there, else above them, so that no name is broken."""
    beside = all(cell_len(change.name) <= LABEL for change in changes)
    return (_diff(change, beside=beside) for change in changes)


def _diff(change: Change, *, beside: bool) -> Widget:
    """The signs have a column of their own: a long value must not push its sign to another line."""
    lines = [(sign, text) for sign, text in (("-", change.before), ("+", change.after)) if text]
    signed = Vertical(*(_signed(sign, text) for sign, text in lines), classes="change-lines")
    name = Static(plain(change.name), classes="pair-label" if beside else "change-name")
    return Horizontal(name, signed, classes="change") if beside else Vertical(name, signed, classes="change")


def _signed(sign: str, text: str) -> Horizontal:
    style = {"-": "$text-error", "+": "$text-success"}.get(sign, "")
    columns = (Static(plain(sign, style), classes="change-sign"), Static(plain(text, style), classes="pair-text"))
    return Horizontal(*columns, classes="change")
