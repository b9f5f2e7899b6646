"""What is asked about once more, and gets its reason here: an attestation, closed doors, a way back, an abort."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.widget import Widget
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from runbook.engine.few import few
from runbook.engine.meaning import becomes_void
from runbook.engine.ports import Act, Decision
from runbook.engine.procedure import Action
from runbook.views import Session
from screens.dialogs.ask import Ask
from screens.text import plain
from screens.widgets.inputs import Entry
from screens.widgets.marks import MarkList
from screens.widgets.pairs import Pair

NAMED = 6  # results and things are named, the others counted


@dataclass(frozen=True, slots=True)
class Words:
    """How one act is put to the operator; in an emergency nobody is made to type why."""

    kind: str
    headline: str
    consequence: str
    emergency: bool = False


WORDS = {
    Act.ATTEST: Words(
        "Attest",
        "You state it in place of the check",
        "An exception in the record, under your name: the stage becomes ATTESTED, the run PASS WITH ISSUES at best.",
    ),
    Act.CLOSE: Words(
        "Close the doors",
        "Take back what was opened to the world",
        "At once, newest first, each change announced and looked at again. This does not end the run.",
        emergency=True,
    ),
    Act.BACK: Words(
        "Go back",
        "Go back to an earlier stage, or to a step of one",
        "The results from there on become void and are done again; the clocks go on. What was restored and still fits "
        "is adopted, not made again.",
    ),
    Act.ABORT: Words(
        "Abort",
        "End this run now",
        "The run ends and is recorded as it stands; it cannot be resumed. What it created is cleaned up first.",
    ),
}


class ReasonDialog(Ask[Decision | None]):
    """The decision with its reason (and, for BACK, where to), or None: the operator thought better of it.

    `retreat` is the procedure's own sentence for CLOSE.
    """

    AUTO_FOCUS = "Input"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "hand_in", "Do it", id="reason.hand-in", key_display="⏎", tooltip="With the reason"),
        Binding("escape", "cancel", "Cancel", id="reason.cancel", key_display="esc", tooltip="Nothing was decided"),
    ]

    def __init__(
        self, session: Session, act: Act, *, about: str, back_to: tuple[str, ...] = (), retreat: str = ""
    ) -> None:
        self._act = act
        self._about = about
        self._retreat = retreat
        self._words = WORDS[act]
        self._back_to = back_to if act is Act.BACK else ()
        headline = retreat if act is Act.CLOSE and retreat else self._words.headline
        super().__init__(session, kind=f"{self._words.kind} · {about}", headline=headline)

    def body(self) -> Iterable[Widget]:
        """What follows from it, and for what."""
        yield Pair("then", self._words.consequence)
        if (stated := self._stated()) is not None:
            yield Pair("you state", stated)
        if self._act in {Act.BACK, Act.CLOSE}:
            yield Pair("becomes void", "", id="void")
        if self._act is Act.ABORT:
            yield Pair("to clean up", _named([entry.name for entry in self.session.run.open_ledger]))

    def _stated(self) -> str | None:
        """What the check was to show."""
        last = self.session.run.last(self._about) if self._act is Act.ATTEST else None
        return last.expected if last else None

    def _from(self) -> str:
        """Where what becomes void begins: the marked place, or the step whose changes are taken back."""
        if self._act is Act.BACK:
            return self._to()
        steps = (step for step in self.session.procedure.steps() if isinstance(step, Action))
        return next((step.id for step in steps if step.retreat and step.retreat == self._retreat), "")

    def _show_void(self) -> None:
        place = self._from()
        void = becomes_void(self.session.run, self.session.procedure, place) if place else None
        told = "what was opened, and all that came after it" if void is None else _named(void)
        self.query_one("#void .pair-text", Static).update(plain(told))

    def on_option_list_option_highlighted(self) -> None:
        """Another place was marked."""
        self._show_void()

    def entries(self) -> Iterable[Widget]:
        """Where to, why, and what is missing."""
        if self._back_to:
            options = [Option(plain(self._place(place)), id=place) for place in self._back_to]
            yield MarkList(*options, id="places", compact=True, markup=False)
        which = "a reason, if there is time for one" if self._words.emergency else "the reason"
        yield Entry(placeholder=f"{which} (recorded)", id="reason")
        yield Static(id="note", markup=False)

    def _place(self, place: str) -> str:
        """A stage, or a step of the one above it."""
        if _is_step(place):
            return f"  {place}  {self.session.procedure.step(place).title}"
        stage = self.session.procedure.stage(place)
        return f"{stage.number} {stage.title}"

    def on_mount(self) -> None:
        """The step that the fix names is marked, else the nearest stage; the reason is what is left to give."""
        if self._back_to:
            named = (at for at, place in enumerate(self._back_to) if _is_step(place))
            self.query_one(OptionList).highlighted = next(named, len(self._back_to) - 1)
        if self.query("#void"):
            self._show_void()

    def action_hand_in(self) -> None:
        """With a reason it is decided, without one only what cannot wait for one."""
        reason = self.query_one(Input).value.strip()
        if not reason and not self._words.emergency:
            self.query_one("#note", Static).update("A reason is needed: it stands in the record.")
            self.query_one(Input).focus()
            return
        self.dismiss(Decision(self._act, reason, self._to()))

    def _to(self) -> str:
        if not self._back_to:
            return ""
        return self._back_to[self.query_one(OptionList).highlighted or 0]

    def action_cancel(self) -> None:
        """Nothing was decided."""
        self.dismiss(None)


def _named(things: Sequence[str]) -> str:
    return f"{len(things)}: {few(things, NAMED)}" if things else "nothing"


def _is_step(place: str) -> bool:
    return "." in place
