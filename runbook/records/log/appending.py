"""Appending to a log: lock, verify all of it, one write, count, fsync, read back; only then is a row RECORDED.

A damaged log is neither appended to nor repaired: the row goes to the pending folder, and the operator is told.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from filelock import FileLock, Timeout

from runbook.engine.errors import RecordFailed, Refused
from runbook.records.disk import SHARED, Disk, make_folder, read_whole, recording, stands, write_all
from runbook.records.log.folding import told
from runbook.records.log.further import RUN, kind_of, whole, wrongs
from runbook.records.log.head import Head, against, beside, read_head, write_head
from runbook.records.log.pending import Pending
from runbook.records.log.rules import contradictions
from runbook.records.log.testlog import COLUMNS, FIRST, Domain, Row, field, line, sealed
from runbook.records.log.verdicts import LogVerdict, Problem, Verification
from runbook.records.log.verifying import verify

LOCK_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Recorded:
    """A row that was read back from the disk.  `already`: it stood there before; `anchor`: what the head file says."""

    row: int
    row_hash: str
    already: bool
    anchor: Head | None = None


class NotKept(RecordFailed):
    """There is nothing that could be brought in later: the row is there already, or it never can be."""


class LogFile:
    """A log file of one hash domain, its head beside it; who may write which file is decided in `logs`."""

    def __init__(self, path: Path, domain: Domain, pending: Path, disk: Disk) -> None:
        self.path = path
        self.pending = Pending(pending, path, disk)
        self._domain = domain
        self._disk = disk

    def verify(self) -> Verification:
        """Judge the file as it is now, against the head beside it too."""
        head = self.anchored()  # before the rows: one may be added meanwhile, and the head with it
        return self._judged(verify(self._content(), self._domain), head)

    def sound(self) -> Verification:
        """The file as the next row finds it, which may be not begun yet; RecordFailed where it is damaged."""
        return self._begun()[0]

    def anchored(self) -> Head | Problem | None:
        """What the head beside the log says; a Problem where it says nothing that could be compared."""
        try:
            return read_head(beside(self.path), self._disk)
        except RecordFailed as failure:
            sentence = f"{failure.sentence}: whether rows were cut off cannot be said"
            return Problem(LogVerdict.TRUNCATED, None, None, sentence)

    def append(self, values: Row, *, behind: str = "") -> Recorded:
        """Append, or recognise, this row; RecordFailed after it was kept in the pending folder.

        A RUN row has all its columns; a further one says what it changes, and takes the rest from what stands before
        it.  Refused for a person's row that may not be, or where the run's last row is not the one (`behind`: its hash)
        that they were shown; NotKept where its run is not recorded: nothing is kept then.
        """
        try:
            if values["record_type"] == RUN:
                _refuse_defect(contradictions(values))
            with self._locked():
                recorded, log = self._append(values, behind)
                self.pending.forget(values)
                return replace(recorded, anchor=self._anchor(recorded.row, log))
        except NotKept:
            raise
        except RecordFailed as failure:
            raise self.pending.keep(values, failure) from failure

    def _anchor(self, row: int, log: Verification) -> Head:
        try:
            return write_head(self.path, log, self._disk)
        except RecordFailed as failure:
            sentence = f"row {row} is in {self.path.name}, but {failure.sentence}"
            raise NotKept(sentence, fix=failure.fix, source=failure.source) from failure

    def _judged(self, verified: Verification, head: Head | Problem | None) -> Verification:
        found = head if isinstance(head, Problem) else against(head, verified, beside(self.path).name)
        return replace(verified, problems=(*verified.problems, *([found] if found else ())))

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        make_folder(self.path.parent, self._disk)
        lock = FileLock(self.path.with_name(self.path.name + ".lock"), timeout=LOCK_SECONDS)
        with recording(self.path, "locked"):
            try:
                lock.acquire()
            except Timeout as error:  # an OSError too
                raise RecordFailed(f"{self.path.name} is being written to by another process") from error
        try:
            yield
        finally:
            with contextlib.suppress(OSError):  # the system takes it back when the process ends
                lock.release()

    def _content(self) -> bytes | None:
        if not stands(self.path):
            return None
        return read_whole(self.path, self._disk)

    def _append(self, values: Row, behind: str) -> tuple[Recorded, Verification]:
        """The row where it stands, and the log as it now is."""
        log, before = self._begun()
        for number, earlier in enumerate(log.rows, start=1):
            if (earlier["run_id"], earlier["record_type"]) == (values["run_id"], values["record_type"]):
                self._recognise(earlier, values)
                return Recorded(number, earlier["row_hash"], already=True), log
        _refuse_unseen(values, log.rows, behind)
        row = sealed(complete(values, log.rows), log.head, self._domain)
        self._put((line(COLUMNS) if not before else b"") + line(row), before)
        log = Verification((*log.rows, row), log.problems, row["row_hash"])
        return Recorded(len(log.rows), row["row_hash"], already=False), log

    def _begun(self) -> tuple[Verification, bytes]:
        """The sound log and its bytes, b"" where no row was ever written; RecordFailed where it is damaged."""
        head = self.anchored()
        before = self._content() or b""  # an empty file is one whose first write never happened
        log = self._judged(verify(before, self._domain) if before else Verification((), (), FIRST), head)
        if not log.sound:
            worst = next(each for each in log.problems if each.verdict is log.verdict)
            raise RecordFailed(
                f"{self.path.name} is damaged ({log.verdict}): {worst.sentence}",
                fix="Keep the file as it is; compare it with its last copy (version control, backup).",
                source=str(self.path),
            )
        return log, before

    def _recognise(self, earlier: Row, values: Row) -> None:
        """A crash between writing and saying so left it there; it may not have reached the medium yet."""
        differing = [name for name in COLUMNS if name in values and earlier[name] != field(values[name])]
        if differing:
            raise RecordFailed(
                f"{self.path.name} has another row of {values['run_id']} already: it differs in {', '.join(differing)}",
                source=str(self.path),
            )
        with recording(self.path, "made durable"):
            self._synced(os.O_WRONLY)

    def _put(self, data: bytes, before: bytes) -> None:
        new = not stands(self.path)
        with recording(self.path, "opened for appending"):
            flags = os.O_WRONLY | os.O_APPEND | (os.O_CREAT | os.O_EXCL if new else 0)
            descriptor = self._disk.open(self.path, flags, SHARED)
        try:
            self._write(descriptor, data, len(before))
        finally:
            with recording(self.path, "made durable"):  # a file system over a network may say it only now
                self._disk.close(descriptor)
        with recording(self.path, "made durable"):
            if new:
                self._disk.sync_folder(self.path.parent)
        if read_whole(self.path, self._disk) != before + data:
            raise RecordFailed(f"{self.path.name} does not hold what was written to it", source=str(self.path))

    def _write(self, descriptor: int, data: bytes, size: int) -> None:
        try:
            write_all(descriptor, data, self.path, self._disk)
        except RecordFailed:
            with contextlib.suppress(OSError):  # our own half row, under the lock: the log stays whole
                self._disk.truncate(descriptor, size)
                self._disk.fsync(descriptor)
            raise
        with recording(self.path, "made durable"):
            self._disk.fsync(descriptor)  # never tried again on this descriptor: a second one would lie

    def _synced(self, flags: int) -> None:
        descriptor = self._disk.open(self.path, flags)
        try:
            self._disk.fsync(descriptor)
        finally:
            self._disk.close(descriptor)
        self._disk.sync_folder(self.path.parent)


def complete(values: Row, rows: Sequence[Row]) -> Row:
    """Every column of a row that is to stand behind these; NotKept, Refused or RecordFailed where it may not."""
    if values["record_type"] == RUN:
        return values
    about = next((each for each in told(rows) if each.run["run_id"] == values["refers_to"]), None)
    kind = kind_of(values)
    if about is None:
        failed = NotKept if kind and kind.by_person else RecordFailed  # what was removed of a run is never lost
        raise failed(f"{values['refers_to']} has no row in the log that a further one could refer to")
    row = whole(values, about.run, about.further)
    found = contradictions(row) or wrongs(row, about.run, about.further)
    if kind and kind.by_person and found:
        raise Refused("; ".join(found))
    _refuse_defect(found)
    return row


def _refuse_unseen(values: Row, rows: Sequence[Row], behind: str) -> None:
    """Nobody puts their name behind a row that came in while they were reading."""
    of_run = [row for row in rows if values["refers_to"] in {row["run_id"], row["refers_to"]}]
    if behind and of_run and of_run[-1]["row_hash"] != behind:
        raise Refused(
            f"{of_run[-1]['run_id']} was recorded of that run meanwhile: what was shown is not all there is",
            fix="Begin again, and look at it.",
        )


def _refuse_defect(found: tuple[str, ...]) -> None:
    if found:
        raise RecordFailed(f"a defect in this tool: the row contradicts itself: {'; '.join(found)}")
