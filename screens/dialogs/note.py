"""Something that the operator saw: a finding of their own, in the record at once."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Input, Static

from runbook.engine.errors import RunbookError
from runbook.views import Session
from screens.dialogs.ask import Ask
from screens.text import one_line, plain
from screens.widgets.inputs import Entry
from screens.widgets.pairs import Pair
from screens.words import QUIET

SEVERITIES = ("minor", "major")
SAID = 120  # of it, in the notice that it was recorded
LIMIT = 500  # characters: a finding is a sentence, not a report


class NoteDialog(Ask[None]):
    """Hands in through the session itself; nothing that was typed is lost when that is refused."""

    AUTO_FOCUS = "Input"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "record", "Record it", id="note.record", key_display="⏎", tooltip="At once, in your name"),
        Binding("f2", "weigh", "Minor or major", id="note.weigh", key_display="F2", tooltip="How much it matters"),
        Binding("escape", "cancel", "Cancel", id="note.cancel", key_display="esc", tooltip="Nothing is recorded"),
    ]

    def __init__(self, session: Session, *, begun: str = "", severity: str = SEVERITIES[0]) -> None:
        super().__init__(session, kind="Note", headline="A finding of your own")
        self._begun = begun
        self._severity = severity

    def body(self) -> Iterable[Widget]:
        """What a finding does, and does not."""
        yield Pair("recorded", "at once and for good, in your name; type no secret and no patient's name")
        yield Pair("it means", "the run goes on, PASS WITH ISSUES at best; at its end this gets an owner and a date")

    def entries(self) -> Iterable[Widget]:
        """How much it matters, what was seen."""
        yield Static(id="severity", markup=False)
        hint = "what you saw, in a sentence (recorded)"
        yield Entry(self._begun, placeholder=hint, id="reason", max_length=LIMIT, select_on_focus=False)
        yield Static(id="note", markup=False)

    def again(self) -> NoteDialog:
        """What is being typed has nothing to do with the question below it."""
        return NoteDialog(self.session, begun=self.typed, severity=self._severity)

    @property
    def typed(self) -> str:
        """What stands in it now."""
        return next((entry.value for entry in self.query(Input)), self._begun)

    def on_mount(self) -> None:
        """Minor, until somebody says otherwise."""
        self._show_severity()

    def _show_severity(self) -> None:
        marks = (("● ", "bold") if each == self._severity else ("○ ", QUIET) for each in SEVERITIES)
        told = [part for mark, each in zip(marks, SEVERITIES, strict=True) for part in (mark, f"{each}   ")]
        self.query_one("#severity", Static).update(Content.assemble(("severity        ", QUIET), *told))

    def action_weigh(self) -> None:
        """The other severity."""
        self._severity = SEVERITIES[1 - SEVERITIES.index(self._severity)]
        self._show_severity()

    def action_record(self) -> None:
        """Into the record, or why not."""
        text = self.typed.strip()
        if not text:
            self._say("Nothing is typed yet.")
            return
        try:
            self.session.note(text, severity=self._severity)
        except RunbookError as error:
            self._say(f"✗ not recorded: {error.sentence}")
            return
        self.app.notify(one_line(text, SAID), title="✓ Recorded", markup=False)
        self.dismiss(None)

    def _say(self, text: str) -> None:
        self.query_one("#note", Static).update(plain(text))
        self.query_one(Input).focus()

    def action_cancel(self) -> None:
        """Nothing was noted."""
        self.dismiss(None)
