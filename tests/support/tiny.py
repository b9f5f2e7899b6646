"""Tiny procedures for the engine's own tests: what a step sees is its desk."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from typing import Any

from runbook.engine.conductor import Conductor
from runbook.engine.desk import Desk
from runbook.engine.events import Event
from runbook.engine.ports import Clock, Preview
from runbook.engine.procedure import Action, AnyStep, Attestation, Check, Procedure, Question, Repeat, Stage
from runbook.engine.verdict import Observation
from tests.support.clock import FakeClock
from tests.support.operator import ScriptedOperator
from tests.support.recorder import MemoryRecorder

Look = Callable[[Desk], Awaitable[Observation]]
DECLARED = {"run_id": "run-1", "operator": {"name": "Robin"}}


def seen(observed: str = "fine") -> Observation:
    return Observation.passed(expected="fine", observed=observed, source="test")


def wrong(observed: str = "broken") -> Observation:
    return Observation.that(False, expected="fine", observed=observed, source="test", fix="mend it")  # noqa: FBT003


def unknown(observed: str = "no answer") -> Observation:
    return Observation.inconclusive(expected="fine", observed=observed, source="test")


def saying(*observations: Observation) -> Look:
    """A look that sees these one after the other, and the last one from then on."""
    left = list(observations)

    async def look(_: Desk) -> Observation:
        return left.pop(0) if len(left) > 1 else left[0]

    return look


def raising(error: BaseException) -> Look:
    async def look(_: Desk) -> Observation:
        raise error

    return look


def check(step: str, look: Look | None = None, **more: Any) -> Check[Desk]:
    return Check(id=step, title=f"{step} holds", why="because", manual="look", look=look or saying(seen()), **more)


def question(step: str, ask: Look) -> Question[Desk]:
    return Question(id=step, title=f"{step} asks", why="because", manual="look", ask=ask)


def attestation(step: str) -> Attestation[Desk]:
    return Attestation(id=step, title=f"{step} is stated", why="because", manual="look", statement="I saw it")


def action(step: str, perform: Look | None = None, **more: Any) -> Action[Desk]:
    async def never_found(_: Desk) -> Observation | None:
        return None

    async def preview(desk: Desk) -> Preview:
        return Preview(what=f"do {desk.step}", target="the target")

    given: dict[str, Any] = {"find": never_found, "preview": preview, "repeat": Repeat.ONCE, **more}
    return Action(
        id=step,
        title=f"do {step}",
        aim=f"{step} is done",
        why="because",
        manual="do",
        perform=perform or saying(seen()),
        **given,
    )


def stage(number: int, name: str, *steps: AnyStep[Desk], **more: Any) -> Stage[Desk]:
    given: dict[str, Any] = {"title": name.title(), "clause": f"3.{number}", "touches": f"what {name} touches", **more}
    return Stage(number=number, id=name, steps=steps or (check(f"{name}.only"),), **given)


def closing(*steps: AnyStep[Desk]) -> Stage[Desk]:
    return stage(9, "closeout", *(steps or (check("closeout.declare"),)))


def procedure(*stages: Stage[Desk], end: Stage[Desk] | None = None) -> Procedure[Desk]:
    return Procedure(stages=stages, closing=end or closing())


class Bench:
    """One tiny run: its conductor, and what was said and asked."""

    def __init__(
        self,
        walked: Procedure[Desk],
        operator: ScriptedOperator | None = None,
        *,
        clock: Clock | None = None,
        recorder: MemoryRecorder | None = None,
        past: Iterable[Event] = (),
        heartbeat_s: float | None = None,
        **more: Any,
    ) -> None:
        self.operator = operator or ScriptedOperator()
        self.clock = clock or FakeClock()
        past = list(past)
        self.recorder = recorder or MemoryRecorder(self.clock, past)
        self.conductor: Conductor[Desk] = Conductor(
            walked,
            recorder=self.recorder,
            operator=self.operator,
            clock=self.clock,
            here_for=lambda desk: desk,
            past=past,
            heartbeat_s=heartbeat_s,
            **more,
        )

    async def walk(self) -> None:
        await self.conductor.declare(DECLARED)

    @property
    def outcome(self) -> str | None:
        return self.conductor.run.outcome
