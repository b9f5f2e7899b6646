"""What the sessions of every mode share: who listens, what guards the record, how a conductor is told to walk."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from runbook.commands.machine import SystemClock
from runbook.config import Targets
from runbook.engine.conductor import Conductor
from runbook.engine.events import Progress, Said
from runbook.engine.ports import Clock
from runbook.engine.procedure import Procedure
from runbook.engine.run import Run
from runbook.estate.door import Door
from runbook.records.scanner import Scanner
from runbook.safety.bounds import Bounds
from runbook.safety.interlock import Interlock
from runbook.views import Phone
from steps import PROCEDURE
from steps.here import Here

T = TypeVar("T")
TICK_S = 1.0
"""Seconds between two looks at both clocks: what lies between them and is no tick is a pause."""


@dataclass(frozen=True, slots=True)
class Tools:
    """What guards a run from its first call to its last: one of each for a process that walks it."""

    scanner: Scanner
    interlock: Interlock
    door: Door


class RunSession:
    """The part of `views.Session` that does not ask where the run goes."""

    def __init__(self, clock: Clock | None = None) -> None:
        self._clock: Clock = clock or SystemClock()
        self._listeners: list[Callable[[Said], None]] = []
        self._conductor: Conductor[Here] | None = None
        self._past = Run()

    @property
    def procedure(self) -> Procedure[Any]:
        return PROCEDURE

    @property
    def run(self) -> Run:
        return self._conductor.run if self._conductor else self._past

    @property
    def phone(self) -> Phone | None:
        return None

    @property
    def targets(self) -> Mapping[str, int | None]:
        return as_mapping(Targets())

    def now(self) -> datetime:
        return self._clock.now()

    def subscribe(self, listener: Callable[[Said], None]) -> Callable[[], None]:
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    def refusal(self, stage: str) -> str | None:
        return self._conductor.refusal(stage) if self._conductor else "the run has not begun"

    # -- for the sessions ---------------------------------------------------------------------------------------------
    @contextmanager
    def _tools(self, bounds: Bounds) -> Iterator[Tools]:
        tools = Tools(Scanner(self._leaked), Interlock(bounds), Door())
        try:
            yield tools
        finally:
            tools.door.close()

    def _leaked(self, where: str) -> None:
        """A secret was masked on its way to disk: a finding, and the record goes on; outside the record, only said."""
        sentence = f"a secret was masked in {where} on its way to the record"
        run = self._conductor.run if self._conductor else None
        if self._conductor is not None and run is not None and run.declared and run.outcome is None:
            self._conductor.find(sentence, severity="major")
        else:
            self._show(sentence)

    def _show(self, text: str) -> None:
        self._tell(Progress("estate", 0, 0, text))

    def _tell(self, said: Said) -> None:
        """To whoever listens now: a dialogue begins to listen when it is opened, long after the run began."""
        for listener in tuple(self._listeners):
            listener(said)


def as_mapping(targets: Targets) -> dict[str, int | None]:
    """`rto_s` and `rpo_s`."""
    return {"rto_s": targets.rto_s, "rpo_s": targets.rpo_s}


async def uninterrupted(work: Awaitable[T]) -> T:
    """Await what must not be left half done; a cancellation is passed on once it is done."""
    task = asyncio.ensure_future(work)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait([task])
        raise
