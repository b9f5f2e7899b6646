"""Shows how far something slow is, often enough that it never seems to have stopped."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import Final, TypeVar

from runbook.engine.desk import Desk
from steps.rate import Rate

T = TypeVar("T")
TICK_S: Final = 0.5  # a person takes two seconds of silence for a stop


class Ticker:
    """A `ContentProgress` for an adapter, which may call it from any thread and as often as it likes.

    What it said last is shown by `beside`, from the event loop, twice a second while the work goes on, moved or not.
    """

    def __init__(self, desk: Desk, doing: str, *, of: int = 0, unit: str = "tables") -> None:
        self._desk = desk
        self._rate = Rate(desk, doing)
        self._of = f" of {of:,} {unit}" if of else f" {unit}"
        self._said: tuple[int, int, str] = (0, 0, "")  # replaced as a whole, never changed: no lock is needed
        self._seen: set[str] = set()
        self._began = desk.clock.monotonic_ns()

    def __call__(self, done: int, total: int, what: str) -> None:
        self._seen.add(what)
        self._said = (done, total, what)

    @property
    def seconds(self) -> float:
        """Since it was made."""
        return (self._desk.clock.monotonic_ns() - self._began) / 1e9

    async def beside(self, work: Awaitable[T]) -> T:
        """Await `work` and show how far it is meanwhile."""
        ticking = asyncio.create_task(self._ticking())
        try:
            return await work
        finally:
            ticking.cancel()
            await asyncio.wait({ticking})

    async def _ticking(self) -> None:
        while True:
            done, total, what = self._said
            self._rate(done, total, self._words(what))
            await self._desk.clock.sleep(TICK_S)

    def _words(self, what: str) -> str:
        minutes, seconds = divmod(int(self.seconds), 60)
        reached = f"{what}, {len(self._seen):,}{self._of}, " if what else ""
        return f"{reached}{minutes}:{seconds:02d}"
