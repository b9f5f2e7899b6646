"""Masked entry of a share (or another secret): whose it is, how many are in, what went wrong with the last one."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.widget import Widget
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from runbook.engine.errors import RunbookError
from runbook.engine.ports import AskSecret, Secret, SecretAnswer
from runbook.views import Session
from screens.dialogs.ask import HELP, Ask
from screens.text import plain
from screens.widgets.inputs import SecretInput
from screens.widgets.marks import MarkList
from screens.widgets.pairs import Pair


class ShareDialog(Ask[SecretAnswer]):
    """The secret and its custodian; without a secret when the operator stops entering.

    `c` calls a practice custodian (training only), whose share is put into the entry and still has to be handed in.
    """

    AUTO_FOCUS = "#labels, #secret"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "hand_in", "Hand in", id="share.hand-in", key_display="⏎"),
        Binding("c,f2", "call", "Call custodian", id="share.call", key_display="c/F2", tooltip="Practice only"),
        Binding("escape", "stop", "Stop entering", id="share.stop", key_display="esc"),
        HELP,
    ]

    def __init__(self, session: Session, ask: AskSecret) -> None:
        counted = f" · {ask.entered} of {ask.needed} are in" if ask.needed > 1 else ""
        super().__init__(session, kind=f"Secret · {ask.step}{counted}", headline=ask.prompt, step=ask.step)
        self._ask = ask

    def body(self) -> Iterable[Widget]:
        """How far it is, whose share comes next."""
        if self._ask.needed > 1:
            yield Pair("progress", _progress(self._ask.entered, self._ask.needed))
        if self._ask.labels:
            yield Pair("whose", "arrows or number mark the custodian, then the share")
            labels = (Option(plain(f"{n} {label}")) for n, label in enumerate(self._ask.labels, start=1))
            yield MarkList(*labels, id="labels", compact=True, markup=False)

    def entries(self) -> Iterable[Widget]:
        """The masked entry, and what went wrong with the last one: always in sight."""
        yield SecretInput(placeholder="the share: typed or pasted, never shown" if self._ask.labels else "never shown")
        yield Static(plain(f"✗ {self._ask.note}" if self._ask.note else ""), id="note")

    def on_mount(self) -> None:
        """The custodian whose turn it would be is marked."""
        if self._ask.labels:
            self.query_one(OptionList).highlighted = self._ask.entered % len(self._ask.labels)

    def may(self, action: str) -> bool | None:
        """Calling is there in training only, and for those who have a telephone."""
        if action == "call":
            phone = self.session.phone
            if phone is None or not self._ask.labels:
                return False
            return True if self._label() in phone.labels else None
        return True

    def _label(self) -> str:
        if not self._ask.labels or not self.is_mounted:
            return ""
        highlighted = self.query_one(OptionList).highlighted
        return self._ask.labels[highlighted or 0]

    def on_key(self, event: events.Key) -> None:
        """A number marks the custodian, as long as it is not typed into the entry."""
        number = event.key if event.key.isdecimal() else ""
        if number and 1 <= int(number) <= len(self._ask.labels) and not isinstance(self.focused, Input):
            event.stop()
            self.query_one(OptionList).highlighted = int(number) - 1

    def on_option_list_option_highlighted(self) -> None:
        """Whether there is somebody to call depends on whose share it is."""
        self.refresh_bindings()

    def action_hand_in(self) -> None:
        """Hand in what was typed; nothing typed is no share."""
        entry = self.query_one(SecretInput)
        if not entry.value:
            self._say("Nothing is typed yet.")
            entry.focus()
            return
        self.dismiss(SecretAnswer(Secret(entry.take()), self._label()))

    def action_stop(self) -> None:
        """No more shares now."""
        self.query_one(SecretInput).take()
        self.dismiss(SecretAnswer(None))

    def action_call(self) -> None:
        """Ring the custodian; the call is awaited beside the screen."""
        label = self._label()
        self._say(f"Calling {label} …")
        self.run_worker(self._call(label), exclusive=True, exit_on_error=False, description="call a custodian")

    async def _call(self, label: str) -> None:
        assert self.session.phone is not None
        entry = self.query_one(SecretInput)
        try:
            entry.value = await self.session.phone.call(label)
        except RunbookError as error:
            self._say(error.sentence)
            return
        self._say(f"{label} read their share out: hand it in with Enter.")
        entry.focus()

    def _say(self, text: str) -> None:
        self.query_one("#note", Static).update(plain(text))


def _progress(entered: int, needed: int) -> str:
    return f"{'■' * entered}{'□' * max(needed - entered, 0)}  {entered} of {needed} are in"
