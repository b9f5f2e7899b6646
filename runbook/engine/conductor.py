"""Walks the procedure: runs checks side by side, asks the operator, emits events; the single writer of run state.

Every position in the run is derived from its state, so that resuming is the same walk over a replayed state.
There is no way past a checkpoint but the gatekeeper, and no way into a stage but `perform_stage`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict
from datetime import timedelta
from typing import Any, Final, Generic

from runbook.engine.checkpoint import entry_refusal
from runbook.engine.desk import Desk, Settle
from runbook.engine.errors import Refused
from runbook.engine.events import Event, Kind, Said
from runbook.engine.gatekeeper import Gatekeeper, Obstacle, no_obstacle
from runbook.engine.outcome import tally
from runbook.engine.pauses import Pauses
from runbook.engine.performer import Performer
from runbook.engine.ports import Act, Clock, Operator, Recorder, Secret
from runbook.engine.procedure import Action, AnyStep, Check, H, Procedure, Stage
from runbook.engine.pulse import Watch
from runbook.engine.run import Run
from runbook.engine.scribe import Scribe
from runbook.engine.verdict import Finding
from runbook.engine.ways import Move, Ways

NOT_FINISHED: Final = "not finished:"
"""How the finding begins that says what the closing could not do; what is done later closes it."""


async def settled() -> None:
    """The journal is kept nowhere but on disk."""


class Conductor(Generic[H]):
    """One run.  `past` are the events of its journal when it is resumed.

    `freshness_s` is the age in seconds up to which a standing check needs no second look at a checkpoint;
    `heartbeat_s` the seconds between background heartbeats and `tick_s` those between looks at the clocks, None for
    none; `typed_target` the name that must be typed before each Action (production); `accepts` whether a failure may
    be accepted (recovery); `guard` is told every secret that the operator enters; `obstacle` is asked what else keeps
    a checkpoint shut; `settle` is awaited after each intent, before its permit is given.
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
        tick_s: float | None = None,
        typed_target: str | None = None,
        accepts: bool = False,
        guard: Callable[[Secret], None] = lambda _: None,
        obstacle: Obstacle = no_obstacle,
        settle: Settle = settled,
    ) -> None:
        self.procedure = procedure
        self._scribe = Scribe(recorder, past)
        self._performer = Performer(
            procedure,
            scribe=self._scribe,
            operator=operator,
            clock=clock,
            here_for=here_for,
            typed_target=typed_target,
            guard=guard,
            settle=settle,
        )
        self._watch = Watch(procedure, self._scribe, clock, self._performer.here_for_heartbeat, heartbeat_s)
        self._pauses = Pauses(self._scribe, clock, tick_s)
        self._ways = Ways(
            procedure,
            scribe=self._scribe,
            performer=self._performer,
            operator=operator,
            watch=self._watch,
            accepts=accepts,
        )
        self._gatekeeper = Gatekeeper(
            procedure,
            scribe=self._scribe,
            performer=self._performer,
            ways=self._ways,
            watch=self._watch,
            clock=clock,
            freshness=timedelta(seconds=freshness_s),
            obstacle=obstacle,
        )

    @property
    def run(self) -> Run:
        """The state now."""
        return self._scribe.run

    def subscribe(self, listener: Callable[[Said], None]) -> Callable[[], None]:
        """Tell `listener` everything said from now on."""
        return self._scribe.subscribe(listener)

    def refusal(self, stage_id: str) -> str | None:
        """Why that stage's checkpoint stays shut, or None."""
        return self._gatekeeper.refusal(self.procedure.stage(stage_id))

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

    async def resume(self, *, void_from: str | None = None, why: str = "", **by: Any) -> Run:
        """Go on with a run whose process ended: what was held in memory is obtained again, then the same walk.

        With `void_from`, the results from that stage on do not count any more, which `why` says; they are made again.
        """
        self._scribe.say(Kind.RESUMED, **by)
        if void_from is not None and self._can_go_back():
            self._ways.void_from(void_from, self.run.last_stage or void_from, reason=why, by="resume")
        await self._gatekeeper.look_for_obstacle()
        await self._regain()
        await self._watch.look_at_fallen()
        return await self.walk()

    async def walk(self) -> Run:
        """Every stage in order, then the closing; answers the ended run."""
        async with self._watch.watching(), self._pauses.watched(self._watch.look_at_opened):
            while (stage := self._current()) is not None and self.run.aborted is None:
                await self.perform_stage(stage.id)
        if self.run.outcome is None:
            async with self._pauses.watched():  # what is taken down now has no heartbeat any more
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
            move = await self._gatekeeper.gate(stage)
            if move is not Move.AGAIN:
                return

    def _current(self) -> Stage[H] | None:
        return next((stage for stage in self.procedure.stages if stage.id not in self.run.opened), None)

    def _can_go_back(self) -> bool:
        """What the closing has begun to take down is not done again."""
        closing = self.procedure.closing.id in self.run.entered
        return not (closing or self._is_stopped() or self.run.aborted is not None)

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

    # -- resume ---------------------------------------------------------------------------------------------------
    async def _regain(self) -> None:
        """Obtain again what the ended process held in memory, where a later stage needs it."""
        if self._current() is None or self.run.aborted is not None or self.run.stopped:
            await self._regain_to_close()
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

    async def _regain_to_close(self) -> None:
        """Only what undoing needs: nothing that was shown is judged again."""
        needed = [step for step in self.procedure.steps() if step.needed_to_close and self.run.satisfied(step.id)]
        for step in needed if self.run.open_ledger else ():
            await self._performer.attempt(step, quietly=True)
            while not self.run.satisfied(step.id):
                if (await self._ways.ask(step, (Act.RETRY, Act.ABORT))).act is not Act.RETRY:
                    break
                await self._performer.attempt(step, quietly=True)

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
                    self.find(f"{NOT_FINISHED} {result.observed if result else step.title}", severity="major")
                    break
                await self._performer.attempt(step)
        self._scribe.say(Kind.ENDED, stage=closing.id, outcome=str(tally(self.run, self.procedure).outcome))
