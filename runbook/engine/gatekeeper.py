"""The checkpoints: what is looked at before one opens, what keeps it shut, what else may be decided there."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Generic, assert_never

from runbook.engine.checkpoint import fallen, refusal
from runbook.engine.events import Kind
from runbook.engine.performer import Performer
from runbook.engine.ports import Act, Clock, Decision, Gate
from runbook.engine.procedure import AnyStep, Check, H, Lasting, Procedure, Stage
from runbook.engine.pulse import Watch
from runbook.engine.run import Run
from runbook.engine.scribe import Scribe
from runbook.engine.verdict import Verdict
from runbook.engine.ways import Move, Ways

Obstacle = Callable[[], Awaitable[str | None]]


async def no_obstacle() -> str | None:
    """Nothing but the run itself keeps its checkpoints shut."""
    return None


class Gatekeeper(Generic[H]):
    """One for a conductor.  `obstacle` is asked before a checkpoint is shown and whenever it is tried: a sentence of
    something outside the run, such as a changed configuration, keeps it shut."""

    def __init__(
        self,
        procedure: Procedure[H],
        *,
        scribe: Scribe,
        performer: Performer[H],
        ways: Ways[H],
        watch: Watch[H],
        clock: Clock,
        freshness: timedelta,
        obstacle: Obstacle,
    ) -> None:
        self._procedure = procedure
        self._scribe = scribe
        self._performer = performer
        self._ways = ways
        self._watch = watch
        self._clock = clock
        self._freshness = freshness
        self._obstacle = obstacle
        self._in_the_way: str | None = None  # what the obstacle was when it was last asked

    @property
    def _run(self) -> Run:
        return self._scribe.run

    def refusal(self, stage: Stage[H]) -> str | None:
        """Why that stage's checkpoint stays shut, or None."""
        return refusal(self._run, self._procedure, stage) or self._in_the_way

    async def look_for_obstacle(self) -> None:
        """What it says now is what keeps the checkpoints shut until it is asked again."""
        self._in_the_way = await self._obstacle()

    async def gate(self, stage: Stage[H]) -> Move:
        """Ask about this stage's checkpoint until something is decided."""
        asking = self._performer.asking(stage.id, None)
        await self._watch.look((stage,))
        await self.look_for_obstacle()
        while (move := await self._decided(stage, await asking.gate(self._gate_of(stage)))) is None:
            pass
        return move

    def _gate_of(self, stage: Stage[H]) -> Gate:
        after = self._procedure.after(stage)
        return Gate(
            stage=stage.id,
            number=stage.number,
            title=stage.title,
            refusal=self.refusal(stage),
            next_title=after.title if after else None,
            next_touches=after.touches if after else self._procedure.closing.touches,
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

    async def _decided(self, stage: Stage[H], decision: Decision) -> Move | None:
        """Do what was decided at the checkpoint; None: it is still to be decided."""
        match decision.act:
            case Act.OPEN | Act.RETRY:
                return await self._tried(stage, opening=decision.act is Act.OPEN)
            case Act.SIGN_IN:
                await self._ways.sign_in(self._ways.sign_in_step(self._signed_out(stage)))
                await self._watch.look(self._up_to(stage))
                return Move.AGAIN if self._run.stopped else None
            case Act.CLOSE:
                return _away(await self._ways.take_back(stage.id, decision))
            case Act.BACK:
                return _away(self._ways.go_back(stage.id, decision))
            case Act.ABORT:
                return self._ways.abort(stage.id, decision)
            case Act.ATTEST | Act.ACCEPT:
                return None  # a checkpoint is opened or not; nothing about it can be attested
            case _:
                assert_never(decision.act)

    # -- opening --------------------------------------------------------------------------------------------------
    async def _tried(self, stage: Stage[H], *, opening: bool) -> Move | None:
        await self._look_again(stage)
        await self.look_for_obstacle()
        if any(not self._run.satisfied(step.id) for step in stage.steps):
            self._refuse(stage)
            return Move.AGAIN
        return Move.ON if opening and self._open(stage) else None

    async def _look_again(self, stage: Stage[H]) -> None:
        """What opening needs: every layer's heartbeat now, the stage's companions, its stale checks again.

        On a fallen layer nothing is checked again: the fall is what is named, not what follows from it.
        """
        await self._watch.look(self._up_to(stage), opening=stage)
        if fallen(self._run, self._procedure, stage) is None:
            await self._performer.attempt_all([step for step in stage.steps if self._stale(step)])

    def _stale(self, step: AnyStep[H]) -> bool:
        result = self._run.result(step.id)
        if not isinstance(step, Check) or result is None or result.verdict is not Verdict.PASS:
            return False
        match step.lasting:
            case Lasting.MOMENT:
                return False
            case Lasting.HEAVY:
                return self._run.last_fall > result.seq
            case Lasting.STANDING:  # of what was seen before the clock was set back nobody knows the age
                return abs(self._clock.now() - result.at) > self._freshness
            case _:
                assert_never(step.lasting)

    def _open(self, stage: Stage[H]) -> bool:
        if self.refusal(stage) is not None:
            return self._refuse(stage)
        self._scribe.say(Kind.CHECKPOINT, stage=stage.id, decision="opened", by=self._ways.who)
        return True

    def _refuse(self, stage: Stage[H]) -> bool:
        sentence = self.refusal(stage)
        self._scribe.say(Kind.CHECKPOINT, stage=stage.id, decision="refused", reason=sentence, by="checkpoint")
        return False

    # -- layers ---------------------------------------------------------------------------------------------------
    def _up_to(self, stage: Stage[H]) -> tuple[Stage[H], ...]:
        return (*self._procedure.before(stage), stage)

    def _signed_out(self, stage: Stage[H]) -> str:
        """The system that a heartbeat says does not know us any more, or ""."""
        pulses = (self._run.pulses.get(layer.id) for layer in self._up_to(stage))
        return next((pulse.signed_out for pulse in pulses if pulse and pulse.signed_out), "")


def _away(move: Move) -> Move | None:
    """At a checkpoint a way that leads nowhere leaves it to be decided again."""
    return move if move is Move.AWAY else None
