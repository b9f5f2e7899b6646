"""A one-time code: which device, what went wrong with the last one.  Nobody's share, so no custodians."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.widget import Widget
from textual.widgets import Static

from runbook.engine.ports import CODE_DIGITS, AskSecret, Secret, SecretAnswer
from runbook.views import Session
from screens.dialogs.ask import HELP
from screens.dialogs.calling import Calling
from screens.text import plain
from screens.widgets.inputs import CodeInput, SecretInput
from screens.widgets.pairs import Pair


class CodeDialog(Calling):
    """The code; without one when no device is at hand.  `c` has the practice device read its code out."""

    AUTO_FOCUS = "#secret"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "hand_in", "Sign in", id="code.hand-in", key_display="⏎", tooltip="With these digits"),
        Binding("c,f2", "call", "Read the device", id="code.call", key_display="c/F2", tooltip="Practice only"),
        Binding("escape", "stop", "Not now", id="code.stop", key_display="esc", tooltip="No device is at hand"),
        HELP,
    ]

    def __init__(self, session: Session, ask: AskSecret) -> None:
        super().__init__(session, kind=f"One-time code · {ask.step}", headline=ask.prompt, step=ask.step)
        self._ask = ask

    def body(self) -> Iterable[Widget]:
        """The device, and what its code is for."""
        yield Pair("device", self._label(), style="bold")
        yield Pair("each code", "works once; when one is refused, wait for the next")

    def entries(self) -> Iterable[Widget]:
        """The masked entry, and what went wrong with the last one."""
        yield CodeInput(placeholder=f"{CODE_DIGITS} digits, never shown")
        yield Static(plain(f"✗ {self._ask.note}" if self._ask.note else ""), id="note")

    def _label(self) -> str:
        return self._ask.labels[0] if self._ask.labels else "your MFA device"

    def action_hand_in(self) -> None:
        """Hand in the digits; anything else is no code."""
        entry = self.query_one(SecretInput)
        if not entry.typed.isdecimal() or len(entry.typed) != CODE_DIGITS:
            self.say(f"A code has {CODE_DIGITS} digits: nothing was sent.")
            entry.focus()
            return
        self.dismiss(SecretAnswer(Secret(entry.take()), self._label()))

    def action_stop(self) -> None:
        """No device at hand."""
        self.dismiss(SecretAnswer(None))
