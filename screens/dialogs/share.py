"""Masked entry of a share: whose it is, how many are in (also from elsewhere), what went wrong with the last one."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.widget import Widget
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from runbook.engine.events import Progress, Said
from runbook.engine.ports import AskSecret, Secret, SecretAnswer
from runbook.views import Session
from screens.dialogs.ask import HELP
from screens.dialogs.calling import Calling
from screens.dialogs.doubt import SecondThought
from screens.looks.keymap import key_of
from screens.text import plain
from screens.widgets.inputs import SecretInput
from screens.widgets.marks import MarkList


class ShareDialog(Calling):
    """The secret and its custodian; without a secret when the operator stops, for now or because nobody is left.

    While it is open, custodians may enter theirs on their own machines: the count on screen follows, and what is
    typed here stays.
    """

    AUTO_FOCUS = "#labels, #secret"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "hand_in", "Hand in", id="share.hand-in", key_display="⏎", tooltip="Of the marked custodian"),
        Binding("c,f2", "call", "Call custodian", id="share.call", key_display="c/F2", tooltip="Practice only"),
        Binding("x,f4", "none_left", "Nobody else", id="share.none-left", key_display="x/F4", tooltip="Ends the entry"),
        Binding("escape", "stop", "Stop for now", id="share.stop", key_display="esc", tooltip="It stays sealed"),
        HELP,
    ]

    def __init__(self, session: Session, ask: AskSecret) -> None:
        how = " · arrows or number mark whose" if len(ask.labels) > 1 else ""
        super().__init__(session, kind=f"Secret · {ask.step}{how}", headline=ask.prompt, step=ask.step)
        self._ask = ask
        self._doubt = SecondThought(self)  # "nobody else" ends the attempt
        self._unsubscribe: Callable[[], None] = lambda: None

    def body(self) -> Iterable[Widget]:
        """How far it is, whose share comes next, and the other way in."""
        if self._ask.needed > 1:
            yield Static(plain(_progress(self._ask.entered, self._ask.needed)), id="progress")
            yield Static(id="meanwhile", classes="quiet", markup=False)
        if self._is_list:
            yield MarkList(*self._options(), id="labels", compact=True, markup=False)
        elif self._ask.labels:
            yield Static(next(iter(self._options())).prompt)
        if self._ask.hint:
            yield Static(plain(self._ask.hint), id="hint", classes="quiet")

    @property
    def _is_list(self) -> bool:
        """One custodian is not chosen."""
        return len(self._ask.labels) > 1

    def _options(self) -> Iterable[Option]:
        for number, (label, remark) in enumerate(self._ask.people, start=1):
            yield Option(plain(f"{number} {label}{f' · {remark}' if remark else ''}"))

    def entries(self) -> Iterable[Widget]:
        """The masked entry, and what went wrong with the last one: always in sight."""
        yield SecretInput(placeholder="the share: typed or pasted, never shown" if self._ask.labels else "never shown")
        yield Static(plain(f"✗ {self._ask.note}" if self._ask.note else ""), id="note")

    def on_mount(self) -> None:
        """The first of those whose shares are not in yet is marked."""
        if self._is_list:
            self.query_one(OptionList).highlighted = 0
        self._unsubscribe = self.session.subscribe(self._hear)

    def on_unmount(self) -> None:
        """Stop listening."""
        self._unsubscribe()

    def _hear(self, said: Said) -> None:
        if isinstance(said, Progress) and said.step == self._ask.step and self._ask.needed > 1:
            self.call_later(self._count, said)

    def _count(self, said: Progress) -> None:
        """What is in by now, in place: what is typed stays."""
        if said.total and self.is_mounted:
            self.query_one("#progress", Static).update(plain(_progress(said.done, said.total)))
            meanwhile = self.query_one("#meanwhile", Static)
            meanwhile.update(plain(said.text))
            meanwhile.display = True
            self._think_again()

    def _label(self) -> str:
        if not self._is_list or not self.is_mounted:
            return next(iter(self._ask.labels), "")
        highlighted = self.query_one(OptionList).highlighted
        return self._ask.labels[highlighted or 0]

    def on_key(self, event: events.Key) -> None:
        """A number marks the custodian, as long as it is not typed into the entry."""
        bound = self.active_bindings.get(event.key)
        if bound is None or bound.binding.action != "none_left":  # that one comes here too, before it acts
            self._think_again()
        number = int(event.key) if event.key.isdecimal() else 0
        if self._is_list and 1 <= number <= len(self._ask.labels) and not isinstance(self.focused, Input):
            event.stop()
            self.query_one(OptionList).highlighted = number - 1

    def on_option_list_option_highlighted(self) -> None:
        """Whether there is somebody to call depends on whose share it is."""
        self._think_again()
        self.refresh_bindings()

    def on_screen_resume(self) -> None:
        """What was opened on top, with the mouse too."""
        self._think_again()

    def on_input_changed(self, event: Input.Changed) -> None:
        """Who types a share has somebody."""
        del event
        self._think_again()

    def action_hand_in(self) -> None:
        """Hand in what was typed; nothing typed is no share."""
        entry = self.query_one(SecretInput)
        if not entry.typed:
            self.say("Nothing is typed yet.")
            entry.focus()
            return
        self.dismiss(SecretAnswer(Secret(entry.take()), self._label()))

    def action_stop(self) -> None:
        """No more shares now."""
        self.dismiss(SecretAnswer(None))

    def action_none_left(self) -> None:
        """Nobody else can be reached: it ends the attempt, so it takes a second press, after a moment."""
        if self._doubt.pressed():
            self.dismiss(SecretAnswer(None, none_left=True))
            return
        self.say(
            f"Nobody else can be reached? Fewer than {self._ask.needed} shares open nothing: this attempt ends as "
            f"FAIL. Press {key_of(self, 'share.none-left')} again to say so."
        )

    def _think_again(self) -> None:
        """Anything else that happens takes the first press back."""
        if self._doubt.forget():
            self.say("")


def _progress(entered: int, needed: int) -> str:
    return f"{'■' * entered}{'□' * max(needed - entered, 0)}  {entered} of {needed} are in"
