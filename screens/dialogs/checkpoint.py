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
from screens.dialogs.ask import UNKNOWN_WIDTH
from screens.dialogs.deciding import Deciding
from screens.text import one_line, plain
from screens.widgets.pairs import Pair
from screens.words import BAD, GOOD, QUIET, step_mark

LOOK_S = 0.25
SHUT = "✗ SHUT  "
BESIDE = 2  # lines that a refusal may fill beside the keys; a longer one stands above the evidence, where it scrolls


class CheckpointDialog(Deciding):
    """Opens only when neither the gate as asked nor the live run refuses, whatever key, button or command was used."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("o,enter", "open_gate", "Open checkpoint", id="checkpoint.open", key_display="o/⏎"),
        Binding("s", "sign_in", "Sign in again", id="checkpoint.sign-in", tooltip="Here and now; nothing is lost"),
        Binding("r", "retry", "Look again", id="checkpoint.retry", tooltip="Run the checks again"),
        Binding("c", "close", "Close doors", id="checkpoint.close", tooltip="Takes back what was opened to the world"),
        Binding("b", "back", "Back", id="checkpoint.back", tooltip="To an earlier stage, with a reason"),
        Binding("q", "abort", "Abort run", id="checkpoint.abort", tooltip="End the run, with a reason"),
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
        self._shown: tuple[str, bool] | None = None

    def refusal(self) -> str | None:
        """Why it stays shut now, or None."""
        if Act.OPEN not in self._gate.options:
            return self._gate.refusal or "opening it is not offered now"
        return self._gate.refusal or self.session.refusal(self._gate.stage)

    def body(self) -> Iterable[Widget]:
        """Why it is shut, where that is long; each step with its verdict and what was observed."""
        yield Static(id="refusal", markup=False)
        for step in self.session.procedure.stage(self._gate.stage).steps:
            yield self._evidence(step)

    def _evidence(self, step: Step[Any]) -> Pair:
        run = self.session.run
        result = run.result(step.id)
        observed = result.observed if result else step.title
        return Pair(
            step_mark(run, step.id).content,
            Content.assemble((step.id, QUIET), "  ", one_line(observed)),
            classes="evidence",
        )

    def entries(self) -> Iterable[Widget]:
        """What opening it leads to, and whether it can be opened."""
        after = f"{self._gate.next_title}: " if self._gate.next_title else ""
        yield Pair("next", f"{after}{self._gate.next_touches}", classes="next")
        yield Static(id="gate", markup=False)

    def on_mount(self) -> None:
        """Watch the refusal for as long as this is on screen."""
        self._look()
        self.set_interval(LOOK_S, self._look)

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
        signing = " — press s: sign in again here, nothing is lost" if self._signed_out() else ""
        retreat, _, _ = self._gate.retreat.partition(":")  # the dialogue behind that key says the rest
        closing = f" — press c: {one_line(retreat)}" if Act.CLOSE in self._gate.options else ""
        return signing + closing

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
