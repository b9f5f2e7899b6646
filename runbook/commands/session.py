"""What the sessions of every mode share: who listens, what guards the record, how a conductor is told to walk."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from runbook.commands import forecasting
from runbook.commands.closing import Book
from runbook.commands.machine import SystemClock
from runbook.commands.places import JOURNAL, Shelf
from runbook.config import Targets
from runbook.config.checks import pasted
from runbook.engine.conductor import Conductor
from runbook.engine.errors import WrongUse
from runbook.engine.events import Event, Kind, Progress, Said
from runbook.engine.forecast import Forecast, shared_out
from runbook.engine.ports import Clock
from runbook.engine.procedure import Procedure
from runbook.engine.run import Run
from runbook.estate.door import Door
from runbook.records.evidence import sweeping
from runbook.records.journal import Journal
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

    def __init__(self, clock: Clock | None = None, targets: Targets | None = None) -> None:
        self._clock: Clock = clock or SystemClock()
        self._aims = targets or Targets()
        self._forecast = Forecast()
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
        return self._aims.model_dump(include={"rto_s", "rpo_s"})

    @property
    def forecast(self) -> Forecast:
        return self._forecast

    @property
    def budgets(self) -> Mapping[str, float]:
        shared = shared_out(self._aims.rto_s, self._forecast, (stage.id for stage in self.procedure.stages))
        return self._aims.stages.by_stage or shared

    def now(self) -> datetime:
        return self._clock.now()

    def note(self, text: str, *, severity: str = "minor") -> None:
        run = self._conductor.run if self._conductor else None
        if self._conductor is None or run is None or run.started_at is None or run.outcome is not None:
            raise WrongUse("there is no run to note it in", fix="A finding is noted between T0 and the end of a run.")
        if pasted.typed(text):
            raise WrongUse(
                "a word of it looks like a secret, and what is noted is kept for good",
                fix="Say it without; of a hash the first twelve characters are enough.",
            )
        self._conductor.find(text, severity=severity)

    def subscribe(self, listener: Callable[[Said], None]) -> Callable[[], None]:
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    def refusal(self, stage: str) -> str | None:
        return self._conductor.refusal(stage) if self._conductor else "the run has not begun"

    # -- for the sessions ---------------------------------------------------------------------------------------------
    async def _look_at_earlier(self, book: Book, shelf: Shelf, *, attended: bool) -> None:
        """How long earlier runs took, read in a thread: from then on there is a forecast."""
        self._forecast = await asyncio.to_thread(forecasting.of_estate, shelf, book.log, attended=attended)

    async def _load_adapters(self, *, attended: bool) -> None:
        """The adapters and the providers' libraries, before T0, so that no key waits for them after it.

        Where nobody is there no key waits, and each is loaded at its first call.
        """
        if attended:
            await asyncio.to_thread(_loaded)

    @contextmanager
    def _tools(self, bounds: Bounds) -> Iterator[Tools]:
        scanner = Scanner(self._leaked)
        tools = Tools(scanner, Interlock(bounds, guard=scanner.register), Door())
        try:
            yield tools
        finally:
            tools.door.close()

    def _leaked(self, where: str) -> None:
        """A secret was masked on its way to disk: a finding, and the record goes on; outside the record, only said."""
        found = sweeping.on_its_way(where)
        run = self._conductor.run if self._conductor else None
        if self._conductor is not None and run is not None and run.declared and run.outcome is None:
            self._conductor.find(found.text, severity=found.severity)
        else:
            self._show(found.text)

    def _looking_back(self, journal: Journal, scanner: Scanner, *, copied: bool = False) -> Callable[[Said], None]:
        """A listener that finds, before the run's end, what was recorded before it was known to be secret.

        It looks when the closing begins, so that its findings are among those that get an owner, and once more before
        the end.  They are masked when the record is sealed; `copied`: lines are in the evidence bucket already.
        """

        def hear(said: Said) -> None:
            if self._conductor is not None and _is_time_to_look_back(said):
                known = sweeping.told(journal.events)
                if new := [each for each in sweeping.places(journal.events, scanner) if each not in known]:
                    found = sweeping.finding(JOURNAL, new, copied=copied)
                    self._conductor.find(found.text, severity=found.severity)

        return hear

    def _show(self, text: str) -> None:
        self._tell(Progress("estate", 0, 0, text))

    def _tell(self, said: Said) -> None:
        """To whoever listens now: a dialogue begins to listen when it is opened, long after the run began."""
        for listener in tuple(self._listeners):
            listener(said)


def _loaded() -> None:
    from runbook.commands import wiring

    wiring.load()


def _is_time_to_look_back(said: Said) -> bool:
    """Whether the closing begins, or its last step is done."""
    closing = PROCEDURE.closing
    if not isinstance(said, Event) or said.stage != closing.id:
        return False
    begins = said.kind is Kind.STARTED and said.step is None
    return begins or (said.kind is Kind.RESULT and said.step == closing.steps[-1].id)


async def uninterrupted(work: Awaitable[T]) -> T:
    """Await what must not be left half done; a cancellation is passed on once it is done, its failure before that."""
    task = asyncio.ensure_future(work)
    cancelled: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.wait([task])
        except asyncio.CancelledError as error:  # another one may follow
            cancelled = error
    if cancelled is not None and not task.cancelled() and task.exception() is None:
        raise cancelled
    return task.result()
