"""This machine: its clock, and the private folder of a run."""

from __future__ import annotations

import asyncio
import functools
import hashlib
import shutil
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path

from runbook.commands.places import PRIVATE
from runbook.engine.errors import LayerFailed, NoVerdict
from runbook.safety.environment import set_variables
from runbook.safety.outside_text import outside_text
from steps.here import HouseState


class SystemClock:
    """The real time."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic_ns(self) -> int:
        return time.monotonic_ns()

    def asleep_s(self) -> float | None:
        return _asleep_s()

    def boot_id(self) -> str:
        return _boot_id()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


def _asleep_s() -> float | None:
    """What the clock that counts sleep is ahead of the one that does not (clock_gettime(2) of Linux and of macOS)."""
    pairs = (("CLOCK_BOOTTIME", "CLOCK_MONOTONIC"), ("CLOCK_MONOTONIC", "CLOCK_UPTIME_RAW"))
    for counting, not_counting in pairs:
        if hasattr(time, counting) and hasattr(time, not_counting):
            ahead = time.clock_gettime(getattr(time, counting)) - time.clock_gettime(getattr(time, not_counting))
            return max(0.0, ahead)
    return None


@functools.cache
def _boot_id() -> str:
    """Linux says it; elsewhere the second of the boot (wall minus monotonic), which is as good within one boot."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        return f"booted-{round(time.time() - time.monotonic(), -1):.0f}"


TakeOver = Callable[[str, str], Awaitable[bool]]
Claim = Callable[[TakeOver], Awaitable[str]]


async def unclaimed(_: TakeOver) -> str:
    """Where no evidence bucket is configured, or nothing outside this machine can be touched."""
    return "no evidence bucket is configured: another machine would not know of this run"


class LocalHouse:
    """A run's private folder (0700), and what is known of this machine.

    `private` is below the record folder unless it is said otherwise; `claim` is how the environment is reserved for
    this run against other machines.
    """

    def __init__(
        self, records: Path, credentials: str, *, private: Path | None = None, claim: Claim = unclaimed
    ) -> None:
        self._records = records
        self._private = private or records / PRIVATE
        self._credentials = credentials
        self._claim = claim

    async def claim(self, take_over: TakeOver) -> str:
        return await self._claim(take_over)

    async def state(self) -> HouseState:
        return await asyncio.to_thread(self._state)

    def place(self, name: str) -> Path:
        self._private.mkdir(mode=0o700, parents=True, exist_ok=True)
        return self._private / name

    async def holds(self, name: str, sha256: str) -> bool:
        return await asyncio.to_thread(_sha256, self._private / name) == sha256

    async def discard(self, name: str) -> None:
        (self._private / name).unlink(missing_ok=True)
        self.leave()

    async def names(self, folder: Path) -> tuple[str, ...]:
        return await asyncio.to_thread(_names, folder)

    async def read(self, file: Path, limit: int) -> bytes:
        return await asyncio.to_thread(_read, file, limit)

    def leave(self) -> None:
        """Remove the private folder when nothing is left in it."""
        if self._private.is_dir() and not any(self._private.iterdir()):
            self._private.rmdir()

    def _state(self) -> HouseState:
        probe = self._records / ".probe"
        try:
            probe.write_bytes(b"probe")
            probe.unlink()
            writable = True
        except OSError:
            writable = False
        return HouseState(writable, shutil.disk_usage(self._records).free, self._credentials, set_variables())


def _names(folder: Path) -> tuple[str, ...]:
    try:
        return tuple(sorted(each.name for each in folder.iterdir() if each.is_file()))
    except OSError as error:
        raise _unreadable(folder, error) from None


def _read(path: Path, limit: int) -> bytes:
    try:
        with path.open("rb") as file:
            body = file.read(limit + 1)
    except OSError as error:
        raise _unreadable(path, error) from None
    if len(body) > limit:
        raise LayerFailed(
            f"{path.name} is larger than {limit:,} bytes",
            fix="It is not what it should be: look at it.",
            source="local disk",
        )
    return body


def _unreadable(path: Path, error: OSError) -> NoVerdict:
    return NoVerdict(
        f"{path} cannot be read",
        fix="Look whether it is there, and whether this user may read it.",
        provider_text=outside_text(error.strerror or ""),
        source="local disk",
    )


def _sha256(path: Path) -> str | None:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return None
