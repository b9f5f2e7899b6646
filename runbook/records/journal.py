"""The journal: one append-only, hash-chained line for everything that a run says.

A line is on disk when `append` returns.  After any failure the object refuses to go on: what the disk holds is then
unknown, and an action without its intent on disk is what the journal exists to prevent.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, Self, TypedDict, Unpack

from runbook.engine.errors import RecordFailed
from runbook.engine.events import Event, Kind
from runbook.engine.ports import Clock
from runbook.records import rescue
from runbook.records.chain import SCHEMA, Chain, Link, link, read_chain
from runbook.records.disk import Disk, read_whole
from runbook.records.line_file import LineFile

Scan = Callable[[Mapping[str, Any]], Mapping[str, Any]]
"""Answers the record with every live secret masked."""

OnLine = Callable[[bytes, int], None]
"""Told each line that is on disk, with its number: who keeps a copy elsewhere.  It raises nothing."""

Calls = Callable[[], Mapping[str, int]]
"""How many calls this process has made: {read, mutating, refused}."""

COUNTED = frozenset({Kind.RESULT, Kind.CHECKPOINT, Kind.CLEANUP, Kind.ENDED})
"""The events that carry these counts: a process that is killed has left its own by then (`course.calls`)."""


def unscanned(record: Mapping[str, Any]) -> Mapping[str, Any]:
    """For records that can hold no secret: those of tests."""
    return record


def unheard(_line: bytes, _seq: int) -> None:
    """Nobody keeps a copy elsewhere."""


def uncounted() -> Mapping[str, int]:
    """Nobody counts."""
    return {}


class Wired(TypedDict, total=False):
    """What a journal works with, where something other than nothing is wanted."""

    scan: Scan
    on_line: OnLine
    calls: Calls


class Journal:
    """Implements `engine.ports.Recorder`; made by `create`, `open` or `rescued`, closed once."""

    def __init__(
        self,
        clock: Clock,
        file: LineFile,
        chain: Chain,
        *,
        scan: Scan = unscanned,
        on_line: OnLine = unheard,
        calls: Calls = uncounted,
    ) -> None:
        self._clock = clock
        self._file = file
        self._past = chain.events
        self._events = list(chain.events)
        self._head = chain.head
        self._scan = scan
        self._on_line = on_line
        self._calls = calls

    @classmethod
    def create(cls, path: Path, clock: Clock, *, disk: Disk | None = None, **wired: Unpack[Wired]) -> Self:
        """A new, empty journal; RecordFailed when the file is there already."""
        return cls(clock, LineFile.create(path, disk or Disk()), Chain(), **wired)

    @classmethod
    def open(
        cls, path: Path, clock: Clock, *, run_id: str | None = None, disk: Disk | None = None, **wired: Unpack[Wired]
    ) -> Self:
        """A journal to go on with.  RecordFailed names the damaged line and the damage, or the other run it is of.

        A torn last line (a crash during its append; never acknowledged) is kept in `<path>.torn` and cut off.
        """
        disk = disk or Disk()
        chain = read_chain(read_whole(path, disk), path)
        if not chain.events:
            raise RecordFailed(f"{path.name} holds no whole line: this run declared nothing", source=str(path))
        _refuse_other_run(chain.events[0], run_id, path)
        return cls(clock, LineFile.reopen(path, chain.size, chain.torn, disk), chain, **wired)

    @classmethod
    def rescued(
        cls,
        old: Path,
        new: Path,
        clock: Clock,
        *,
        why: str,
        known: Iterable[Event] = (),
        disk: Disk | None = None,
        **wired: Unpack[Wired],
    ) -> Self:
        """The journal goes on in `new`, with every whole line of `old` and a finding that says so.

        `known` (`events` of the journal that failed) stands in where `old` cannot even be read.  The caller asked the
        operator first.
        """
        rescue.copy_lines(old, new, known, disk or Disk())
        journal = cls.open(new, clock, disk=disk, **wired)
        if journal.past[-1].kind is Kind.ENDED:
            return journal
        text = f"the journal could not be written ({why}): on the operator's word the run went on at {new}"
        finding = {"text": text, "severity": "major", "owner": "", "due": ""}
        journal.append(Kind.FINDING, stage=None, step=None, data=finding)
        journal.close()
        return cls.open(new, clock, disk=disk, **wired)

    @staticmethod
    def bring_back(second: Path, first: Path, *, disk: Disk | None = None) -> None:
        """Write the continued journal back to its own place; RecordFailed leaves both files as they are."""
        rescue.bring_back(second, first, disk or Disk())

    @property
    def path(self) -> Path:
        """Where it is."""
        return self._file.path

    @property
    def past(self) -> tuple[Event, ...]:
        """What the journal held when it was opened; empty for a new one."""
        return self._past

    @property
    def events(self) -> tuple[Event, ...]:
        """Everything that it holds now."""
        return tuple(self._events)

    @property
    def head(self) -> str:
        """The hash of the last line."""
        return self._head

    def append(self, kind: Kind, *, stage: str | None, step: str | None, data: Mapping[str, Any]) -> Event:
        """Scan, write once, count, fsync.  RecordFailed on anything else, and on every later call."""
        scanned = self._scan(data)  # first: its call-back may append a finding of its own
        self._refuse(kind)
        new = self._link(kind, stage, step, {**self._own(kind), **scanned})
        self._file.put(new.line)
        self._events.append(new.event)
        self._head = new.hash
        self._on_line(new.line, new.event.seq)
        return new.event

    def close(self) -> None:
        """Give the file back; may be called twice."""
        self._file.close()

    def _refuse(self, kind: Kind) -> None:
        last = self._events[-1].kind if self._events else None
        if self._file.broken is not None:
            raise RecordFailed(self._file.broken)
        if (last is None) is not (kind is Kind.DECLARED):
            raise RecordFailed("a journal begins with `declared`, and holds it once")
        if last is Kind.ENDED:
            raise RecordFailed("`ended` is the last line of a journal")

    def _own(self, kind: Kind) -> dict[str, Any]:
        """What the journal adds of its own accord."""
        if not self._events:
            return {"schema": SCHEMA}
        calls = dict(self._calls()) if kind in COUNTED else {}
        return {"calls": {**calls, "process": os.getpid()}} if calls else {}

    def _link(self, kind: Kind, stage: str | None, step: str | None, data: Mapping[str, Any]) -> Link:
        try:
            return link(
                seq=len(self._events) + 1,
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


def read(path: Path, *, disk: Disk | None = None) -> tuple[Event, ...]:
    """Every whole line, verified; a line still being written is left out.  RecordFailed names damage."""
    return read_chain(read_whole(path, disk or Disk()), path).events


def _refuse_other_run(first: Event, run_id: str | None, path: Path) -> None:
    if run_id is not None and first.data.get("run_id") != run_id:
        raise RecordFailed(
            f"{path.name} is the journal of {first.data.get('run_id')}, not of {run_id}",
            fix="Put each run's folder back under its own name.",
            source=str(path),
        )
