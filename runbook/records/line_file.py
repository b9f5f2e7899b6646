"""A file to which whole lines are added, each durable before the next; after one failure it takes no more.

What the disk holds after a failure is unknown: an fsync that failed is never tried again on the same descriptor, since
the system forgets what it could not write and the second one would lie.
"""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import Self

from runbook.engine.errors import RecordFailed
from runbook.records.disk import PRIVATE, Disk, make_folder, recording, write_all


class LineFile:
    """Made by `create` or `reopen`, closed once.  Everything that goes wrong is RecordFailed."""

    def __init__(self, path: Path, descriptor: int, size: int, disk: Disk) -> None:
        self.path = path
        self._descriptor: int | None = descriptor
        self._size = size
        self._disk = disk
        self._broken: str | None = None

    @classmethod
    def create(cls, path: Path, disk: Disk) -> Self:
        """A new, empty file, its folder's entry durable; RecordFailed when it is there already."""
        make_folder(path.parent, disk)
        with recording(path, "created"):
            descriptor = disk.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_EXCL, PRIVATE)
            try:
                disk.sync_folder(path.parent)
            except OSError:
                disk.close(descriptor)
                raise
        return cls(path, descriptor, 0, disk)

    @classmethod
    def reopen(cls, path: Path, size: int, torn: bytes, disk: Disk) -> Self:
        """A file whose first `size` bytes are whole lines; what is torn behind them is kept beside it and cut off."""
        if torn:
            keep_torn(torn, path, disk)
        with recording(path, "opened for appending"):
            descriptor = disk.open(path, os.O_WRONLY | os.O_APPEND)
            try:
                if torn:
                    disk.truncate(descriptor, size)
                    disk.fsync(descriptor)
            except OSError:
                disk.close(descriptor)
                raise
        return cls(path, descriptor, size, disk)

    @property
    def broken(self) -> str | None:
        """Why it takes no more, in a sentence; None while it does."""
        if self._broken is not None:
            return f"the journal failed earlier and is not written to any more: {self._broken}"
        return "the journal is closed" if self._descriptor is None else None

    def put(self, line: bytes) -> None:
        """One write, counted, and one fsync."""
        assert self._descriptor is not None
        try:
            self._put(self._descriptor, line)
        except RecordFailed as failure:
            self._broken = failure.sentence
            raise
        self._size += len(line)

    def close(self) -> None:
        """Give the file back; may be called twice."""
        if self._descriptor is not None:
            self._disk.close(self._descriptor)
            self._descriptor = None

    def _put(self, descriptor: int, line: bytes) -> None:
        with recording(self.path, "read"):
            size = os.fstat(descriptor).st_size
        if size != self._size:
            raise RecordFailed(
                f"{self.path.name} is {size} bytes long where {self._size} were written: something else writes to it",
                fix="End the other run of this record; never edit a journal.",
                source=str(self.path),
            )
        try:
            write_all(descriptor, line, self.path, self._disk)
        except RecordFailed:
            with contextlib.suppress(OSError):  # if this fails too, the next `reopen` is told of a torn line
                self._disk.truncate(descriptor, self._size)
            raise
        with recording(self.path, "made durable"):
            self._disk.fsync(descriptor)


def keep_torn(torn: bytes, path: Path, disk: Disk) -> None:
    """A torn line goes to `<path>.torn`: nobody was told that it was written, and nobody may lose sight of it."""
    beside = path.with_name(path.name + ".torn")
    with recording(beside, "written"):
        descriptor = disk.open(beside, os.O_WRONLY | os.O_APPEND | os.O_CREAT, PRIVATE)
        try:
            write_all(descriptor, torn, beside, disk)
            disk.fsync(descriptor)
            disk.sync_folder(beside.parent)
        finally:
            disk.close(descriptor)
