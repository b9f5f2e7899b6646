"""May this Action be done?  Everything it will do stands here before it does it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import takewhile
from typing import ClassVar

from rich.cells import cell_len
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.widget import Widget
from textual.widgets import Static

from runbook.engine.ports import Change, Confirm
from runbook.views import Session
from screens.dialogs.ask import HELP, Ask
from screens.looks.keymap import key_of
from screens.text import one_line, plain
from screens.widgets.pairs import LABEL, Pair

AGREE = "Exactly what stands there, and no more"
DECLINE = "Nothing is done; what else can be done is asked next"
WITHOUT = "It is not done, and the run goes on"
NAME = 26  # cells that a name may have beside its values
LEAST_ALIKE = 4  # characters at both ends together, below which two values are two values, and not one changed


class ConfirmDialog(Ask[bool]):
    """True: do it; False: not now."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y,enter", "agree", "Do it", id="confirm.agree", key_display="y/⏎", tooltip=AGREE),
        Binding("n,escape", "decline", "Not now", id="confirm.decline", key_display="n/esc", tooltip=DECLINE),
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
        Binding(
            "n,enter,escape", "decline", "Go on without it", id="optional.decline", key_display="n/⏎", tooltip=WITHOUT
        ),
        Binding("y", "agree", "Do it", id="optional.agree", tooltip=AGREE),
        HELP,
    ]

    def body(self) -> Iterable[Widget]:
        """The same, and that it may be left out."""
        yield Pair("optional", f"the run goes on without it: only {key_of(self, 'optional.agree')} agrees")
        yield from super().body()


class CarefulDialog(ConfirmDialog):
    """One that Enter, pressed once too often, must not answer; `why` is told."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "agree", "Do it", id="again.agree", tooltip=AGREE),
        Binding("n,escape", "decline", "Not now", id="again.decline", key_display="n/esc", tooltip=DECLINE),
        Binding("enter", "unsure", "Neither", show=False, id="again.unsure", tooltip="Only y agrees"),
        HELP,
    ]

    def __init__(self, session: Session, ask: Confirm, why: str) -> None:
        super().__init__(session, ask)
        self._why = why

    def body(self) -> Iterable[Widget]:
        """The same, and why Enter is not enough."""
        yield Pair("careful", f"{self._why}: only {key_of(self, 'again.agree')} agrees, Enter does nothing")
        yield from super().body()

    def action_unsure(self) -> None:
        """Neither yes nor no."""
        self.app.bell()


def _counted(title: str, things: Sequence[object]) -> str:
    return title if len(things) == 1 else f"{title} ({len(things)})"


def _diffs(changes: Sequence[Change]) -> Iterable[Widget]:
    """Names beside the values where all of them have room there, else above them, so that no name is broken."""
    widest = max(cell_len(change.name) for change in changes)
    return (_diff(change, max(widest, LABEL) if widest <= NAME else 0) for change in changes)


def _diff(change: Change, beside: int) -> Widget:
    """The signs have a column of their own: a long value must not push its sign to another line."""
    lines = [("-", change.before, change.after), ("+", change.after, change.before)]
    signed = Vertical(*(_signed(sign, text, other) for sign, text, other in lines if text), classes="change-lines")
    name = Static(plain(change.name), classes="pair-label" if beside else "change-name")
    if beside:
        name.styles.width = beside + 1
    return Horizontal(name, signed, classes="change") if beside else Vertical(name, signed, classes="change")


def _signed(sign: str, text: str, other: str = "") -> Horizontal:
    """One line of a diff; what differs from the other one is underlined too, since colour is never alone."""
    style = {"-": "$text-error", "+": "$text-success"}.get(sign, "")
    start, end = differs(one_line(text), one_line(other)) if other else (0, 0)
    said = plain(text, style).stylize("bold underline", start, end) if start < end else plain(text, style)
    columns = (Static(plain(sign, style), classes="change-sign"), Static(said, classes="pair-text"))
    return Horizontal(*columns, classes="change")


def _alike(one: str, other: str) -> int:
    """How many characters the two begin with alike."""
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False)))


def differs(text: str, other: str) -> tuple[int, int]:
    """From where to where a text is not as the other one; (0, 0) where the two have next to nothing in common."""
    head = _alike(text, other)
    tail = _alike(text[head:][::-1], other[head:][::-1])
    return (head, len(text) - tail) if head + tail >= LEAST_ALIKE else (0, 0)
