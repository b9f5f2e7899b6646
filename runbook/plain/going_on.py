"""That work goes on, where it takes longer than two seconds: how long by now, and how long it usually takes."""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import Final

from runbook.engine.events import Event, Kind, Progress, Said
from runbook.engine.few import few
from runbook.engine.standing import current_stage
from runbook.plain.lines import Lines
from runbook.plain.spoken import spoken
from runbook.views import Session

EVERY_S: Final = 1.0
GAPS_S: Final = (2.0, 8.0, 20.0, 30.0, 60.0)
"""Seconds of silence before it is said for the first time, the second, and so on; the last of them from then on."""
NAMED: Final = 3


class GoingOn:
    """Speaks only while the machine works and nothing is asked; what the steps say of themselves comes first."""

    def __init__(self, session: Session, lines: Lines) -> None:
        self._session = session
        self._lines = lines
        self._times = 0  # in a row
        self._answered: datetime | None = None
        self._progress: dict[str, Progress] = {}

    def hear(self, said: Said) -> None:
        """A listener of the session."""
        if isinstance(said, Progress):
            self._progress[said.step] = said
            self._times = max(self._times, 1)  # it speaks for itself: no need to be quick
        elif isinstance(said, Event) and said.kind is not Kind.HEARTBEAT:
            self._times = 0
            if said.kind is Kind.ANSWERED:
                self._answered = said.at
            elif said.kind is Kind.STARTED:
                self._progress.pop(said.step or "", None)

    async def keep(self) -> None:
        """Look every second, until it is cancelled."""
        while True:
            await asyncio.sleep(EVERY_S)
            self.look()

    def look(self) -> None:
        """Say it, where it is time to."""
        run = self._session.run
        if run.started_at is None or run.outcome is not None or run.questions:
            return
        begun = next(iter(run.begun.values()), run.last_at or run.started_at)
        quiet_s = min(self._lines.silent_s, self._since(begun, self._session.now()))  # a question is silent too
        if quiet_s >= GAPS_S[min(self._times, len(GAPS_S) - 1)]:
            self._times += 1
            self._lines.say(f"  GOING ON     {self._sentence()}")

    def _sentence(self) -> str:
        """Of what was begun first; people's time is not counted as the machine's."""
        run, now = self._session.run, self._session.now()
        if not run.begun:
            where = current_stage(run, self._session.procedure).title
            return f"{where}: at work, {spoken(self._since(run.last_at or now, now))} since the last event"
        names = list(run.begun)
        first = names[0]
        took = self._since(run.begun[first], now)
        return f"{few(names, NAMED)}: {spoken(took)} so far, {self._usually(first, took)}{self._share(first)}"

    def _since(self, begun: datetime, now: datetime) -> float:
        return (now - max(filter(None, (begun, self._answered)))).total_seconds()

    def _usually(self, step: str, took: float) -> str:
        usual = self._session.forecast.steps.get(step)
        if usual is None:
            return "no forecast yet"
        return f"{'longer than' if took > usual else 'of'} the usual {spoken(usual)}"

    def _share(self, step: str) -> str:
        said = self._progress.get(step)
        return f", {min(said.done / said.total, 1):.0%} done" if said and said.total > 0 else ""
