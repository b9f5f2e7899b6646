"""Walks the procedure: runs checks side by side, asks the operator, emits events; the single writer of run state.

Every position in the run is derived from its state, so that resuming is the same walk over a replayed state.
There is no way past a checkpoint but `_gate`, and no way into a stage but `perform_stage`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict
from datetime import timedelta
from typing import Any, Generic, assert_never

from runbook.engine.checkpoint import entry_refusal, fallen, refusal
from runbook.engine.desk import Desk
from runbook.engine.errors import Refused
from runbook.engine.events import Event, Kind, Said
from runbook.engine.outcome import tally
from runbook.engine.performer import Performer
from runbook.engine.ports import Act, Clock, Decision, Gate, Operator, Recorder, Secret
from runbook.engine.procedure import Action, AnyStep, Check, H, Lasting, Procedure, Stage
from runbook.engine.pulse import Watch
from runbook.engine.run import Run
from runbook.engine.scribe import Scribe
from runbook.engine.verdict import Finding, Verdict
from runbook.engine.ways import Move, Ways


class Conductor(Generic[H]):
    """One run.  `past` are the events of its journal when it is resumed.

    `freshness_s` is the age in seconds up to which a standing check needs no second look at a checkpoint;
    `heartbeat_s` the seconds between background heartbeats, None for none; `typed_target` the name that must
    be typed before each Action (production); `guard` is told every secret that the operator enters.
    """

    def __init__(
        self,
        procedure: Procedure[H],
        *,
        recorder: Recorder,
        operator: Operator,
        clock: Clock,
        here_for: Callable[[Desk], H],
        past: Iterable[Event] = (),
        freshness_s: float = 300.0,
        heartbeat_s: float | None = 30.0,
        typed_target: str | None = None,
        guard: Callable[[Secret], None] = lambda _: None,
    ) -> None:
        self.procedure = procedure
        self._operator = operator
        self._clock = clock
        self._freshness = timedelta(seconds=freshness_s)
        self._scribe = Scribe(recorder, past)
        self._performer = Performer(
            procedure,
            scribe=self._scribe,
            operator=operator,
            clock=clock,
            here_for=here_for,
            typed_target=typed_target,
            guard=guard,
        )
        self._ways = Ways(procedure, scribe=self._scribe, performer=self._performer, operator=operator)
        self._watch = Watch(procedure, self._scribe, clock, self._performer.here_for_heartbeat, heartbeat_s)

    @property
    def run(self) -> Run:
        """The state now."""
        return self._scribe.run

    def subscribe(self, listener: Callable[[Said], None]) -> Callable[[], None]:
        """Tell `listener` everything said from now on."""
        return self._scribe.subscribe(listener)

    def refusal(self, stage_id: str) -> str | None:
        """Why that stage's checkpoint stays shut, or None."""
        return refusal(self.run, self.procedure, self.procedure.stage(stage_id))

    def find(self, text: str, *, severity: str = "minor") -> None:
        """A finding that no step made: of the operator, or of the recorder's own watch."""
        self._scribe.say(Kind.FINDING, **asdict(Finding(text, severity)))

    # -- the walk -------------------------------------------------------------------------------------------------
    async def declare(self, declared: Mapping[str, Any], findings: Iterable[Mapping[str, Any]] = ()) -> Run:
        """Begin a new run: T0 is written with what was declared."""
        self._scribe.say(Kind.DECLARED, **declared)
        for finding in findings:
            self._scribe.say(Kind.FINDING, **finding)
        return await self.walk()

    async def resume(self, **by: Any) -> Run:
        """Go on with a run whose process ended: what was held in memory is obtained again, then the same walk."""
        self._scribe.say(Kind.RESUMED, **by)
        await self._regain()
        return await self.walk()

    async def walk(self) -> Run:
        """Every stage in order, then the closing; answers the ended run."""
        async with self._watch:
            while (stage := self._current()) is not None and self.run.aborted is None:
                await self.perform_stage(stage.id)
        if self.run.outcome is None:
            await self._close()
        return self.run

    async def perform_stage(self, stage_id: str) -> None:
        """The one way into a stage; Refused, with the sentence, when it is not this stage's turn.

        Ends when the checkpoint was opened, the operator went back, or the run was aborted.
        """
        stage = self.procedure.stage(stage_id)
        sentence = entry_refusal(self.run, self.procedure, stage)
        if sentence is not None:
            raise Refused(sentence, fix="The stages are done in the policy's order.")
        self._scribe.say(Kind.STARTED, stage=stage.id)
        while await self._steps(stage):
            move = await self._gate(stage)
            if move is not Move.AGAIN:
                return

    def _current(self) -> Stage[H] | None:
        return next((stage for stage in self.procedure.stages if stage.id not in self.run.opened), None)

    # -- steps ----------------------------------------------------------------------------------------------------
    async def _steps(self, stage: Stage[H]) -> bool:
        """All steps of the stage; False when the operator left it.

        Once the run is stopped (also at a checkpoint, or before a resume) nothing is attempted any more.
        """
        while not self._is_stopped() and (batch := self._next_batch(stage)):
            await self._performer.attempt_all(batch)
            for step in batch:
                if self._is_stopped():
                    break
                if not self.run.satisfied(step.id) and await self._ways.after(step) is Move.AWAY:
                    return False
        if self._is_stopped():
            await self._ways.end()
        return not self._is_stopped()

    def _is_stopped(self) -> bool:
        return bool(self.run.stopped)

    def _next_batch(self, stage: Stage[H]) -> list[AnyStep[H]]:
        """The checks that can run side by side now, or the one other step whose turn it is."""
        batch: list[AnyStep[H]] = []
        for step in stage.steps:
            if self.run.satisfied(step.id):
                continue
            if not isinstance(step, Check) or step.asks:
                return batch or [step]
            if all(self.run.satisfied(earlier) for earlier in step.after):
                batch.append(step)
        return batch

    # -- the checkpoint -------------------------------------------------------------------------------------------
    async def _gate(self, stage: Stage[H]) -> Move:
        asking = self._performer.asking(stage.id, None)
        await self._watch.look((stage,))
        while (move := await self._decided(stage, await asking.gate(self._gate_of(stage)))) is None:
            pass
        return move

    async def _decided(self, stage: Stage[H], decision: Decision) -> Move | None:
        """Do what was decided at the checkpoint; None: it is still to be decided."""
        match decision.act:
            case Act.OPEN | Act.RETRY:
                return await self._tried(stage, opening=decision.act is Act.OPEN)
            case Act.SIGN_IN:
                await self._ways.sign_in(self._ways.sign_in_step(self._signed_out(stage)))
                await self._watch.look((*self.procedure.before(stage), stage))
                return Move.AGAIN if self.run.stopped else None
            case Act.CLOSE:
                return _away(await self._ways.take_back(stage.id, decision))
            case Act.BACK:
                return _away(self._ways.go_back(stage.id, decision))
            case Act.ABORT:
                return self._ways.abort(stage.id, decision)
            case Act.ATTEST:
                return None  # a checkpoint is opened or not; nothing about it can be attested
            case _:
                assert_never(decision.act)

    async def _tried(self, stage: Stage[H], *, opening: bool) -> Move | None:
        await self._look_again(stage)
        if any(not self.run.satisfied(step.id) for step in stage.steps):
            self._refuse(stage)
            return Move.AGAIN
        return Move.ON if opening and self._open(stage) else None

    def _gate_of(self, stage: Stage[H]) -> Gate:
        after = self.procedure.after(stage)
        return Gate(
            stage=stage.id,
            number=stage.number,
            title=stage.title,
            refusal=self.refusal(stage.id),
            next_title=after.title if after else None,
            next_touches=after.touches if after else self.procedure.closing.touches,
            options=(
                *((Act.SIGN_IN,) if self._ways.sign_in_step(self._signed_out(stage)) else ()),
                Act.OPEN,
                Act.RETRY,
                *((Act.CLOSE,) if self._ways.retreat else ()),
                Act.BACK,
                Act.ABORT,
            ),
            back_to=self._ways.back_to(stage),
            retreat=self._ways.retreat,
        )

    def _signed_out(self, stage: Stage[H]) -> str:
        """The system that a heartbeat says does not know us any more, or ""."""
        pulses = (self.run.pulses.get(layer.id) for layer in (*self.procedure.before(stage), stage))
        return next((pulse.signed_out for pulse in pulses if pulse and pulse.signed_out), "")

    async def _look_again(self, stage: Stage[H]) -> None:
        """What opening needs: every layer's heartbeat now, the stage's companions, its stale checks again.

        On a fallen layer nothing is checked again: the fall is what is named, not what follows from it.
        """
        await self._watch.look((*self.procedure.before(stage), stage), opening=stage)
        if fallen(self.run, self.procedure, stage) is None:
            await self._performer.attempt_all([step for step in stage.steps if self._stale(step)])

    def _stale(self, step: AnyStep[H]) -> bool:
        result = self.run.result(step.id)
        if not isinstance(step, Check) or result is None or result.verdict is not Verdict.PASS:
            return False
        match step.lasting:
            case Lasting.MOMENT:
                return False
            case Lasting.HEAVY:
                return self.run.last_fall is not None and self.run.last_fall > result.at
            case Lasting.STANDING:
                return self._clock.now() - result.at > self._freshness
            case _:
                assert_never(step.lasting)

    def _open(self, stage: Stage[H]) -> bool:
        if self.refusal(stage.id) is not None:
            return self._refuse(stage)
        self._scribe.say(Kind.CHECKPOINT, stage=stage.id, decision="opened", by=self._operator.name)
        return True

    def _refuse(self, stage: Stage[H]) -> bool:
        sentence = self.refusal(stage.id)
        self._scribe.say(Kind.CHECKPOINT, stage=stage.id, decision="refused", reason=sentence, by="checkpoint")
        return False

    # -- resume ---------------------------------------------------------------------------------------------------
    async def _regain(self) -> None:
        """Obtain again what the ended process held in memory, where a later stage needs it; the closing needs none."""
        if self._current() is None or self.run.aborted is not None or self.run.stopped:
            return
        for stage in self.procedure.stages:
            for step in stage.steps:
                if not (self.run.satisfied(step.id) and step.regain(self.run)):
                    continue
                why = "what it established was held in memory by a process that ended"
                if step.regained_alone or stage.id in self.run.opened:
                    await self._performer.attempt(step, quietly=True)
                    if self.run.satisfied(step.id):
                        continue
                    why += ", and could not be had again"
                self._ways.void_from(step.id, stage.id, reason=why, by="resume")
                return

    # -- the closing ----------------------------------------------------------------------------------------------
    async def _close(self) -> None:
        """Criteria, cleanup, declaration; `ended` is the journal's last line."""
        closing = self.procedure.closing
        self._scribe.say(Kind.STARTED, stage=closing.id)
        for step in closing.steps:
            if self.run.satisfied(step.id):
                continue
            await self._performer.attempt(step)
            while isinstance(step, Action) and not self.run.satisfied(step.id):
                if (await self._ways.ask(step, (Act.RETRY, Act.ABORT))).act is not Act.RETRY:
                    result = self.run.result(step.id)
                    self.find(f"not finished: {result.observed if result else step.title}", severity="major")
                    break
                await self._performer.attempt(step)
        self._scribe.say(Kind.ENDED, stage=closing.id, outcome=str(tally(self.run, self.procedure).outcome))


def _away(move: Move) -> Move | None:
    """At a checkpoint a way that leads nowhere leaves it to be decided again."""
    return move if move is Move.AWAY else None
