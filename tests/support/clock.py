"""Time that costs none: a 40-minute restore takes no time in a test, nor does a night in a closed laptop."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

START = datetime(2027, 1, 15, 10, 0, tzinfo=UTC)
READING = timedelta(milliseconds=1)


class FakeClock:
    """Each reading is a millisecond later than the one before; sleeping moves it on at once."""

    def __init__(self, start: datetime = START) -> None:
        self._now = start
        self._set_ahead = timedelta()
        self._asleep = timedelta()

    def now(self) -> datetime:
        return self._read() + self._asleep + self._set_ahead

    def monotonic_ns(self) -> int:
        return int(self._read().timestamp() * 1_000_000_000)

    def asleep_s(self) -> float | None:
        return self._asleep.total_seconds()

    def boot_id(self) -> str:
        return "this boot"

    async def sleep(self, seconds: float) -> None:
        self.advance(seconds)
        await asyncio.sleep(0)

    def advance(self, seconds: float) -> None:
        """That much later."""
        self._now += timedelta(seconds=seconds)

    def suspend(self, seconds: float) -> None:
        """The machine slept that long: the wall clock went on, the monotonic one did not."""
        self._asleep += timedelta(seconds=seconds)

    def step(self, seconds: float) -> None:
        """The wall clock was set, ahead or back."""
        self._set_ahead += timedelta(seconds=seconds)

    def _read(self) -> datetime:
        self._now += READING
        return self._now


class HeldClock(FakeClock):
    """Sleepers wake only when the test rings: for what goes on in the background."""

    def __init__(self) -> None:
        super().__init__()
        self.asleep = asyncio.Event()
        self._bell = asyncio.Event()

    async def sleep(self, seconds: float) -> None:
        self.asleep.set()
        await self._bell.wait()
        self._bell.clear()
        self.advance(seconds)

    async def ring(self) -> None:
        """Wake the sleeper, and wait until it has done its work and sleeps again."""
        await self.asleep.wait()
        self.asleep.clear()
        self._bell.set()
        await self.asleep.wait()
