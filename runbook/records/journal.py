"""The journal: one append-only, hash-chained line for everything that a run says.

A line is on disk when `append` returns.  After any failure the object refuses to go on: what the disk holds is then
unknown, and an action without its intent on disk is what the journal exists to prevent.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Self

from runbook.engine.errors import RecordFailed
from runbook.engine.events import Event, Kind
from runbook.engine.ports import Clock
from runbook.records.chain import SCHEMA, Chain, Link, link, read_chain
from runbook.records.disk import PRIVATE, Disk, make_folder, read_whole, recording, write_all

Scan = Callable[[Mapping[str, Any]], Mapping[str, Any]]
"""Answers the record with every live secret masked."""


def unscanned(record: Mapping[str, Any]) -> Mapping[str, Any]:
    """For records that can hold no secret: those of tests."""
    return record


class Journal:
    """Implements `engine.ports.Recorder`; made by `create` or `open`, closed once."""

    def __init__(self, path: Path, clock: Clock, descriptor: int, *, scan: Scan, disk: Disk, chain: Chain) -> None:
        self._path = path
        self._clock = clock
        self._descriptor: int | None = descriptor
        self._scan = scan
        self._disk = disk
        self._past = chain.events
        self._head = chain.head
        self._seq = len(chain.events)
        self._size = chain.size
        self._last = chain.events[-1].kind if chain.events else None
        self._broken: str | None = None

    @classmethod
    def create(cls, path: Path, clock: Clock, *, scan: Scan = unscanned, disk: Disk | None = None) -> Self:
        """A new, empty journal; RecordFailed when the file is there already."""
        disk = disk or Disk()
        make_folder(path.parent, disk)
        with recording(path, "created"):
            descriptor = disk.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_EXCL, PRIVATE)
            try:
                disk.sync_folder(path.parent)
            except OSError:
                disk.close(descriptor)
                raise
        return cls(path, clock, descriptor, scan=scan, disk=disk, chain=Chain())

    @classmethod
    def open(cls, path: Path, clock: Clock, *, scan: Scan = unscanned, disk: Disk | None = None) -> Self:
        """A journal to go on with.  RecordFailed names the damaged line and the damage.

        A torn last line (a crash during its append; never acknowledged) is kept in `<path>.torn` and cut off.
        """
        disk = disk or Disk()
        chain = read_chain(read_whole(path, disk), path)
        if not chain.events:
            raise RecordFailed(f"{path.name} holds no whole line: this run declared nothing", source=str(path))
        if chain.torn:
            _keep(chain.torn, path.with_name(path.name + ".torn"), disk)
        with recording(path, "opened for appending"):
            descriptor = disk.open(path, os.O_WRONLY | os.O_APPEND)
            try:
                if chain.torn:
                    disk.truncate(descriptor, chain.size)
                    disk.fsync(descriptor)
            except OSError:
                disk.close(descriptor)
                raise
        return cls(path, clock, descriptor, scan=scan, disk=disk, chain=chain)

    @property
    def past(self) -> tuple[Event, ...]:
        """What the journal held when it was opened; empty for a new one."""
        return self._past

    @property
    def head(self) -> str:
        """The hash of the last line."""
        return self._head

    def append(self, kind: Kind, *, stage: str | None, step: str | None, data: Mapping[str, Any]) -> Event:
        """Scan, write once, count, fsync.  RecordFailed on anything else, and on every later call."""
        scanned = self._scan(data)  # first: its call-back may append a finding of its own
        descriptor = self._ready(kind)
        new = self._link(kind, stage, step, {"schema": SCHEMA, **scanned} if self._seq == 0 else scanned)
        try:
            self._put(descriptor, new.line)
        except RecordFailed as failure:
            self._broken = failure.sentence
            raise
        self._seq, self._head, self._last = new.event.seq, new.hash, kind
        self._size += len(new.line)
        return new.event

    def close(self) -> None:
        """Give the file back; may be called twice."""
        if self._descriptor is not None:
            self._disk.close(self._descriptor)
            self._descriptor = None

    def _ready(self, kind: Kind) -> int:
        if self._broken is not None:
            raise RecordFailed(f"the journal failed earlier and is not written to any more: {self._broken}")
        if self._descriptor is None:
            raise RecordFailed("the journal is closed")
        if (self._last is None) is not (kind is Kind.DECLARED):
            raise RecordFailed("a journal begins with `declared`, and holds it once")
        if self._last is Kind.ENDED:
            raise RecordFailed("`ended` is the last line of a journal")
        return self._descriptor

    def _link(self, kind: Kind, stage: str | None, step: str | None, data: Mapping[str, Any]) -> Link:
        try:
            return link(
                seq=self._seq + 1,
                at=self._clock.now(),
                mono_ns=self._clock.monotonic_ns(),
                boot_id=self._clock.boot_id(),
                kind=kind,
                stage=stage,
                step=step,
                data=data,
                prev=self._head,
            )
        except (TypeError, ValueError) as error:
            raise RecordFailed(f"{kind} of {step or stage or 'the run'} has no form in the journal: {error}") from error

    def _put(self, descriptor: int, line: bytes) -> None:
        with recording(self._path, "read"):
            size = os.fstat(descriptor).st_size
        if size != self._size:
            raise RecordFailed(
                f"{self._path.name} is {size} bytes long where {self._size} were written: something else writes to it",
                fix="End the other run of this record; never edit a journal.",
                source=str(self._path),
            )
        try:
            write_all(descriptor, line, self._path, self._disk)
        except RecordFailed:
            with contextlib.suppress(OSError):  # if this fails too, `open` finds a torn line
                self._disk.truncate(descriptor, self._size)
            raise
        with recording(self._path, "made durable"):
            self._disk.fsync(descriptor)


def read(path: Path, *, disk: Disk | None = None) -> tuple[Event, ...]:
    """Every whole line, verified; a line still being written is left out.  RecordFailed names damage."""
    return read_chain(read_whole(path, disk or Disk()), path).events


def _keep(torn: bytes, path: Path, disk: Disk) -> None:
    with recording(path, "written"):
        descriptor = disk.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, PRIVATE)
        try:
            write_all(descriptor, torn, path, disk)
            disk.fsync(descriptor)
            disk.sync_folder(path.parent)
        finally:
            disk.close(descriptor)
