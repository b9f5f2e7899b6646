"""Several things at once, each with its own entry; what is wrong is said beside the field that it is about."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Input, Static

from runbook.engine.ports import Field, Form
from runbook.views import Session
from screens.dialogs.ask import HELP, Ask
from screens.looks.keymap import key_of
from screens.text import one_line, plain
from screens.widgets.inputs import Entry, ExactInput
from screens.words import BAD, QUIET


class FieldEntry(Vertical):
    """One field: what it is, where it is typed, and its hint, which gives way to what is wrong."""

    def __init__(self, field: Field) -> None:
        super().__init__(classes="field")
        self.field = field

    def compose(self) -> Iterable[Widget]:
        """Label, entry, one line below."""
        optional = "" if self.field.required else "  (may be left out)"
        yield Static(Content.assemble((one_line(self.field.label), "bold"), (optional, QUIET)), classes="field-label")
        kind = ExactInput if self.field.exact else Entry
        yield kind(one_line(self.field.default), select_on_focus=False, compact=True)
        yield Static(plain(self.field.hint, QUIET), classes="field-note")

    @property
    def typed(self) -> str:
        """What stands there."""
        return self.field.taken(self.query_one(Input).value)

    def judge(self) -> bool:
        """Say what is wrong with it; whether nothing is."""
        mistake = self.field.mistake(self.typed)
        told = plain(f"✗ {mistake}", BAD) if mistake else plain(self.field.hint, QUIET)
        self.query_one(".field-note", Static).update(told)
        return not mistake

    def enter(self) -> None:
        """Type here next."""
        self.query_one(Input).focus()
        self.scroll_visible(animate=False)


class FillDialog(Ask[Mapping[str, str] | None]):
    """What was entered by key, or None: withdrawn.  Enter goes on to the next field, from the last one it submits."""

    AUTO_FOCUS = ""  # Textual would scroll to what it focuses
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "go_on", "Next", id="fill.go-on", key_display="⏎", tooltip="To the next field, then hand in"),
        Binding("f2", "hand_in", "Hand in", id="fill.hand-in", key_display="F2", tooltip="All fields as they are"),
        Binding("escape", "withdraw_from", "Withdraw", id="fill.withdraw", key_display="esc", tooltip="Nothing counts"),
        HELP,
    ]

    def __init__(self, session: Session, ask: Form) -> None:
        kind = f"Fill in · {ask.step}" if ask.step else "Fill in"
        super().__init__(session, kind=kind, headline=ask.title, step=ask.step)
        self._ask = ask
        self._at = 0  # the field that was typed in last: a click on a button takes the focus away from it

    def on_mount(self) -> None:
        """Typing goes to the first field, while what is to be read before it stays in sight."""
        self.call_after_refresh(self.rung(self._type_first))

    def _type_first(self) -> None:
        self.query(Input).first().focus(scroll_visible=False)

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        """Remember which field it is."""
        at = (n for n, each in enumerate(self._fields) if event.widget.parent is each)
        self._at = next(at, self._at)

    def on_input_changed(self, event: Input.Changed) -> None:
        """Nothing is typed out of sight; what stands there from the start was not typed."""
        if event.value != self._fields[self._at].field.default and event.input.has_focus:
            event.input.scroll_visible(animate=False)

    def body(self) -> Iterable[Widget]:
        """What is read before, then the fields; it scrolls."""
        for line in self._ask.text:
            yield Static(plain(line), classes="form-text")
        yield from (FieldEntry(field) for field in self._ask.fields)

    def entries(self) -> Iterable[Widget]:
        """What handing it in does, and how much of it is still wrong."""
        yield Static(self._meaning(), id="note")

    def _meaning(self) -> Content:
        on, in_ = key_of(self, "fill.go-on"), key_of(self, "fill.hand-in")
        return plain(f"{on}: next field; from the last one, and {in_}: {self._ask.submit}", QUIET)

    @property
    def _fields(self) -> list[FieldEntry]:
        return list(self.query(FieldEntry))

    def action_go_on(self) -> None:
        """To the next field, once this one is right; from the last one: hand it in."""
        fields, at = self._fields, self._at
        if not fields[at].judge():
            fields[at].enter()
        elif at + 1 < len(fields):
            fields[at + 1].enter()
        else:
            self.action_hand_in()

    def action_hand_in(self) -> None:
        """All that was entered, when none of it is wrong; else to the first that is."""
        wrong = [each for each in self._fields if not each.judge()]
        if not wrong:
            self.dismiss({each.field.key: each.typed for each in self._fields})
            return
        count = f"{len(wrong)} of {len(self._fields)} fields"
        self.query_one("#note", Static).update(plain(f"✗ Not handed in: see what stands below {count}."))
        wrong[0].enter()

    def action_withdraw_from(self) -> None:
        """Nothing was filled in."""
        self.dismiss(None)
