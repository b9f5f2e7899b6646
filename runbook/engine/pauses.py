"""When the run could not go on and nobody stopped it: the machine slept, its clock was set, the process was held up.

Wall and monotonic clock are compared at every tick.  What is found is an event of its own, and every layer that is
open is looked at again at once: a sign-in may have run out meanwhile, or a server gone.
"""

from __future__ import annotations

import contextlib
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from runbook.engine.events import Kind
from runbook.engine.ports import Clock
from runbook.engine.scribe import Scribe
from runbook.engine.timekeeping import STEPPED, STOPPED, SUSPENDED
from runbook.engine.together import beside
from runbook.engine.verdict import Verdict

LIMIT_S: Final = 5.0  # no pause is made of less
SOURCE: Final = "this machine's clocks"

Then = Callable[[], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Reading:
    """All clocks at one moment; `asleep_s` None: this machine cannot tell."""

    wall: datetime
    mono_ns: int
    asleep_s: float | None


@dataclass(frozen=True, slots=True)
class Found:
    """What the clocks show; `seconds` are below 0 where the wall clock was set back."""

    kind: str
    seconds: int
    sentence: str


def between(before: Reading, after: Reading, held_up_s: float) -> Iterator[Found]:
    """What happened between the readings; `held_up_s` is how much later than it should the latter came.

    Only a machine that counts its sleep tells a suspension from a clock that was set ahead.
    """
    went_s = (after.mono_ns - before.mono_ns) / 1e9
    ahead_s = (after.wall - before.wall).total_seconds() - went_s
    known = before.asleep_s is not None and after.asleep_s is not None
    asleep_s = (after.asleep_s or 0.0) - (before.asleep_s or 0.0) if known else ahead_s
    if asleep_s > LIMIT_S:
        how = "suspended" if known else "suspended, or its clock set ahead,"
        yield Found(SUSPENDED, round(asleep_s), f"this machine was {how} for {_said(asleep_s)}")
    stepped_s = ahead_s - max(asleep_s, 0.0)
    if abs(stepped_s) > LIMIT_S:
        where = "back" if stepped_s < 0 else "ahead"
        yield Found(STEPPED, round(stepped_s), f"this machine's clock was set {where} by {_said(stepped_s)}")
    if held_up_s > LIMIT_S:
        yield Found(STOPPED, round(held_up_s), f"this process was stopped, or held up, for {_said(held_up_s)}")


def _said(seconds: float) -> str:
    return f"{abs(round(seconds)):,} s"


class Pauses:
    """Looks at the clocks every `every` seconds (None: never) and writes down what it finds."""

    def __init__(self, scribe: Scribe, clock: Clock, every: float | None) -> None:
        self._scribe = scribe
        self._clock = clock
        self._every = every

    def watched(self, then: Then | None = None) -> AbstractAsyncContextManager[None]:
        """Inside it the clocks are looked at; `then` is awaited after each pause."""
        if self._every is None:
            return contextlib.nullcontext()
        return beside(self._tick(self._every, then), name="pauses")

    async def _tick(self, every: float, then: Then | None) -> None:
        before = self._read()
        while True:
            began = self._clock.monotonic_ns()  # not `before`: what `then` takes is no pause
            await self._clock.sleep(every)
            after = self._read()
            found = tuple(between(before, after, (after.mono_ns - began) / 1e9 - every))
            before = after
            for pause in found:
                self._say(pause)
            if found and then is not None:
                await then()

    def _read(self) -> Reading:
        return Reading(self._clock.now(), self._clock.monotonic_ns(), self._clock.asleep_s())

    def _say(self, found: Found) -> None:
        self._scribe.say(
            Kind.HEARTBEAT,
            alive=True,
            verdict=str(Verdict.PASS),
            observed=found.sentence,
            source=SOURCE,
            pause=found.kind,
            seconds=found.seconds,
        )
