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
from screens.dialogs.deciding import Deciding
from screens.text import one_line, plain
from screens.widgets.pairs import Pair
from screens.words import BAD, GOOD, QUIET, step_mark

LOOK_S = 0.25


class CheckpointDialog(Deciding):
    """Opens only when neither the gate as asked nor the live run refuses, whatever key, button or command was used."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("o,enter", "open_gate", "Open checkpoint", id="checkpoint.open", key_display="o/⏎"),
        Binding("s", "sign_in", "Sign in again", id="checkpoint.sign-in", tooltip="Here and now; nothing is lost"),
        Binding("r", "retry", "Look again", id="checkpoint.retry", tooltip="Run the checks again"),
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
        )
        self._gate = gate
        self._shown: str | None = None

    def refusal(self) -> str | None:
        """Why it stays shut now, or None."""
        if Act.OPEN not in self._gate.options:
            return self._gate.refusal or "opening it is not offered now"
        return self._gate.refusal or self.session.refusal(self._gate.stage)

    def body(self) -> Iterable[Widget]:
        """Each step with its verdict and what was observed."""
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
        way_out = " — press s: sign in again here, nothing is lost" if sentence and self._signed_out() else ""
        if sentence + way_out == self._shown:
            return
        self._shown = sentence + way_out
        shut = Content.assemble(("✗ SHUT  ", BAD), one_line(sentence), (way_out, "bold"))
        ready = Content.assemble(("✓ CAN BE OPENED  ", GOOD), "every step holds; opening it is your act")
        self.query_one("#gate", Static).update(shut if sentence else ready)
        self.refresh_bindings()

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
            self.query_one("#gate", Static).update(plain(f"✗ SHUT  {sentence}"))
            return
        self.dismiss(Decision(Act.OPEN))
