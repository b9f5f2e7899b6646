"""Disks that fail in one way each."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path

from runbook.records.disk import Disk


class QuickDisk(Disk):
    """Syncs nothing: nobody pulls the plug."""

    def fsync(self, descriptor: int) -> None:
        del descriptor


class FullDisk(Disk):
    """Takes nothing more once `full`."""

    full = False

    def write(self, descriptor: int, data: bytes) -> int:
        if self.full:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return super().write(descriptor, data)


class ShortDisk(Disk):
    """Takes `room` bytes and says so, as a nearly full disk does."""

    room: int | None = None

    def write(self, descriptor: int, data: bytes) -> int:
        return super().write(descriptor, data if self.room is None else data[: self.room])


class TiredDisk(Disk):
    """Its fsync fails once `tired`; counts how often it is asked, by descriptor."""

    tired = False

    def __init__(self) -> None:
        self.asked: list[int] = []

    def fsync(self, descriptor: int) -> None:
        if self.tired:
            self.asked.append(descriptor)
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        super().fsync(descriptor)


class CrashingDisk(Disk):
    """Dies (SIGKILL, power cut) in the middle of a write: nothing after it happens."""

    def __init__(self, after: int) -> None:
        self.after = after

    def write(self, descriptor: int, data: bytes) -> int:
        super().write(descriptor, data[: self.after])
        raise KeyboardInterrupt


class ReadOnlyDisk(Disk):
    """A file system that went read-only."""

    def open(self, path: Path, flags: int, mode: int = 0o600) -> int:
        if flags & (os.O_WRONLY | os.O_RDWR):
            raise OSError(errno.EROFS, os.strerror(errno.EROFS))
        return super().open(path, flags, mode)


class TracingDisk(Disk):
    """Writes down what was asked of it, in order."""

    def __init__(self) -> None:
        self.calls: list[str] = []

    def write(self, descriptor: int, data: bytes) -> int:
        self.calls.append("write")
        return super().write(descriptor, data)

    def fsync(self, descriptor: int) -> None:
        if "folder" not in self.calls[-1:]:
            self.calls.append("fsync")
        super().fsync(descriptor)

    def sync_folder(self, folder: Path) -> None:
        self.calls.append("folder")
        super().sync_folder(folder)


class FailsAt(Disk):
    """Fails at one call, or from it on: a write (`full`, `short`), an fsync (`io`), opening to write (`readonly`).

    `fired` says whether it came to that.  An fsync on a descriptor whose last one failed is an error of the product.
    """

    def __init__(self, how: str, number: int, *, stays: bool = False) -> None:
        self.how = how
        self.number = number
        self.stays = stays
        self.fired = False
        self._calls = 0
        self._lost: set[int] = set()

    def open(self, path: Path, flags: int, mode: int = 0o600) -> int:
        if flags & (os.O_WRONLY | os.O_RDWR) and self._now("readonly"):
            raise OSError(errno.EROFS, os.strerror(errno.EROFS))
        return super().open(path, flags, mode)

    def write(self, descriptor: int, data: bytes) -> int:
        if self.how == "full" and self._now("full"):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        if self.how == "short" and self._now("short"):
            return super().write(descriptor, data[: len(data) // 2])
        return super().write(descriptor, data)

    def fsync(self, descriptor: int) -> None:
        assert descriptor not in self._lost, "a failed fsync was tried again on the same descriptor"
        if self._now("io"):
            self._lost.add(descriptor)
            raise OSError(errno.EIO, os.strerror(errno.EIO))

    def close(self, descriptor: int) -> None:
        super().close(descriptor)
        self._lost.discard(descriptor)

    def _now(self, how: str) -> bool:
        if how != self.how:
            return False
        self._calls += 1
        due = self._calls >= self.number if self.stays else self._calls == self.number
        self.fired = self.fired or due
        return due


class AtCall(Disk):
    """Does something else at its `number`-th call (from 1), of whatever kind: `strike` may raise, or end the process.

    `fired` says whether it came to that.  An fsync on a descriptor whose last one failed is an error of the product.
    """

    def __init__(self, number: int, strike: Callable[[], None], *, short: bool = False) -> None:
        self.fired = False
        self._number = number
        self._strike = strike
        self._short = short  # a write takes half of it, and no more happens
        self._calls = 0
        self._lost: set[int] = set()

    def open(self, path: Path, flags: int, mode: int = 0o600) -> int:
        self._count()
        return super().open(path, flags, mode)

    def write(self, descriptor: int, data: bytes) -> int:
        if self._count(writes=True):
            return super().write(descriptor, data[: len(data) // 2])
        return super().write(descriptor, data)

    def fsync(self, descriptor: int) -> None:
        assert descriptor not in self._lost, "a failed fsync was tried again on the same descriptor"
        self._lost.add(descriptor)
        self._count()
        self._lost.discard(descriptor)

    def truncate(self, descriptor: int, size: int) -> None:
        self._count()
        super().truncate(descriptor, size)

    def close(self, descriptor: int) -> None:
        super().close(descriptor)  # it is gone, whatever the system says of it
        self._lost.discard(descriptor)
        self._count()

    def _count(self, *, writes: bool = False) -> bool:
        """Whether this call is to be a short write."""
        self._calls += 1
        if self._calls != self._number or (self._short and not writes):
            return False
        self.fired = True
        if not self._short:
            self._strike()
        return self._short


class LyingDisk(Disk):
    """Says that it took the bytes, and keeps others."""

    def write(self, descriptor: int, data: bytes) -> int:
        return super().write(descriptor, data.replace(b"PASS", b"FAIL"))
