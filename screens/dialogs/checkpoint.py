"""The checkpoint: the stage's evidence, what comes next, and one act to open it; shut with the sentence that says why.

The sentence is the conductor's, live: a layer that falls while this screen is read greys the key at once.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar

from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Static

from runbook.engine.ports import Act, Decision, Gate
from runbook.engine.procedure import Step
from runbook.views import Session
from screens.dialogs import evidence
from screens.dialogs.ask import UNKNOWN_WIDTH
from screens.dialogs.deciding import Deciding, act
from screens.looks.keymap import key_of
from screens.text import one_line, plain
from screens.widgets.pairs import Pair
from screens.words import BAD, GOOD, QUIET, step_mark

LOOK_S = 0.25
SHUT = "✗ SHUT  "
BESIDE = 2  # lines that a refusal may fill beside the keys; a longer one stands above the evidence, where it scrolls


class CheckpointDialog(Deciding):
    """Opens only when neither the gate as asked nor the live run refuses, whatever key, button or command was used."""

    BINDINGS: ClassVar[list[BindingType]] = [
        act("o,enter", "open_gate", "Open checkpoint", "checkpoint.open", key_display="o/⏎"),
        act("s", "sign_in", "Sign in again", "checkpoint.sign-in"),
        Binding("r", "retry", "Look again", id="checkpoint.retry", tooltip="Runs the checks that may be old again"),
        act("c", "close", "Close doors", "checkpoint.close"),
        act("b", "back", "Back", "checkpoint.back"),
        act("q", "abort", "Abort run", "checkpoint.abort"),
        Binding("v", "every_word", "Every word", id="checkpoint.every-word", tooltip="In full, or a line each"),
    ]

    SHOWS_FALLEN = False  # it is the refusal here

    def __init__(self, session: Session, gate: Gate) -> None:
        super().__init__(
            session,
            kind=f"Checkpoint {gate.number} of {len(session.procedure.stages)}",
            headline=gate.title,
            about=f"stage {gate.number} {gate.title}",
            options=gate.options,
            back_to=gate.back_to,
            retreat=gate.retreat,
        )
        self._gate = gate
        self._stage = session.procedure.stage(gate.stage)
        self._shown: tuple[str, bool] | None = None

    def refusal(self) -> str | None:
        """Why it stays shut now, or None."""
        if Act.OPEN not in self._gate.options:
            return self._gate.refusal or "opening it is not offered now"
        return self._gate.refusal or self.session.refusal(self._gate.stage)

    def body(self) -> Iterable[Widget]:
        """Why it is shut, where that is long; how long it took; each step; the findings."""
        yield Static(id="refusal", markup=False)
        yield Pair("took", evidence.time_taken(self.session, self._stage, self.session.now()))
        for step in evidence.in_order(self.session.run, self._stage):
            yield self._evidence(step)
        if self.session.run.findings:
            yield Static(Content(evidence.findings_title(self.session.run)), classes="section")
        yield from (Pair(mark, text, classes="-plain") for mark, text in evidence.findings(self.session.run))

    def _evidence(self, step: Step[Any]) -> Pair:
        """A line each, so that it is one screen; what is not plainly passed stands there in full."""
        run = self.session.run
        result = run.result(step.id)
        told = Content.assemble((step.id, QUIET), "  ", one_line(result.observed if result else step.title))
        return Pair(step_mark(run, step.id).content, told, classes="-plain" if evidence.is_plain(run, step) else "")

    def action_every_word(self) -> None:
        """The evidence in full, or a line each again."""
        self.query_one("#body").toggle_class("-every-word")
        self.call_after_refresh(self.refresh_bindings)

    def entries(self) -> Iterable[Widget]:
        """What opening it leads to, and whether it can be opened."""
        after = f"{self._gate.next_title}: " if self._gate.next_title else ""
        yield Pair("next", f"{after}{self._gate.next_touches}", classes="next")
        yield Static(id="gate", markup=False)

    def on_mount(self) -> None:
        """Watch the refusal for as long as this is on screen."""
        self._look()
        self.set_interval(LOOK_S, self.rung(self._look))

    def _look(self) -> None:
        sentence = self.refusal() or ""
        ways = self._ways_out() if sentence else ""
        above = len(SHUT + sentence) > BESIDE * (self.query_one("#dialog").content_size.width or UNKNOWN_WIDTH)
        if (sentence + ways, above) == self._shown:
            return
        self._shown = (sentence + ways, above)
        self._show_refusal(sentence if above else "")
        why = "why stands above the evidence" if above else one_line(sentence)
        shut = Content.assemble((SHUT, BAD), why, (ways, "bold"))
        ready = Content.assemble(("✓ CAN BE OPENED  ", GOOD), "every step holds; opening it is your act")
        self.query_one("#gate", Static).update(shut if sentence else ready)
        self.refresh_bindings()

    def _show_refusal(self, sentence: str) -> None:
        """In full, where it scrolls."""
        whole = self.query_one("#refusal", Static)
        whole.display = bool(sentence)
        whole.update(plain(sentence, BAD))

    def _ways_out(self) -> str:
        """What helps, besides looking again."""
        retreat, _, _ = self._gate.retreat.partition(":")  # the dialogue behind that key says the rest
        ways = {
            "sign-in": "sign in again here, nothing is lost" if self._signed_out() else "",
            "close": one_line(retreat) if Act.CLOSE in self._gate.options else "",
        }
        return "".join(f" — press {key_of(self, f'checkpoint.{way}')}: {what}" for way, what in ways.items() if what)

    def may(self, action: str) -> bool | None:
        """Opening is greyed while the checkpoint refuses."""
        if action == "open_gate" and self.refusal() is not None:
            return None
        return self._signed_out() if action == "sign_in" else super().may(action)

    def _signed_out(self) -> bool:
        """Whether a layer up to this one says that a sign-in ran out, now or when this was asked."""
        number, pulses = self._gate.number, self.session.run.pulses
        stages = (stage for stage in self.session.procedure.stages if stage.number <= number)
        return Act.SIGN_IN in self._gate.options or any(
            pulse.signed_out for stage in stages if (pulse := pulses.get(stage.id)) is not None
        )

    def action_open_gate(self) -> None:
        """The operator's explicit act."""
        sentence = self.refusal()
        if sentence is not None:
            self.app.bell()
            self._look()
            return
        self.dismiss(Decision(Act.OPEN))
