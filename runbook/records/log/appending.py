"""Appending to a log: lock, verify all of it, one write, count, fsync, read back; only then is a row RECORDED.

A damaged log is neither appended to nor repaired: the row goes to the pending folder, and the operator is told.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from filelock import FileLock, Timeout

from runbook.engine.errors import RecordFailed
from runbook.records.disk import SHARED, Disk, make_folder, read_whole, recording, write_all
from runbook.records.log.further import AMENDMENT, amended
from runbook.records.log.pending import Pending
from runbook.records.log.rules import contradictions
from runbook.records.log.testlog import COLUMNS, FIRST, Domain, Row, line, sealed
from runbook.records.log.verdicts import Problem, Verification
from runbook.records.log.verifying import verify

LOCK_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Appended:
    """A row that was read back from the disk, and the log as it now is.  `already`: it stood there before."""

    row: int
    row_hash: str
    already: bool
    log: Verification


class _NotAnchored(RecordFailed):
    """The row is recorded; what would show that it was cut off later is not."""


class LogFile:
    """A log file of one hash domain; who may write which file is decided in `logs`.

    `judge` adds what it finds to every verification; `anchor` is told of each append, under the log's lock.
    """

    def __init__(
        self,
        path: Path,
        domain: Domain,
        pending: Path,
        disk: Disk,
        *,
        judge: Callable[[Verification], tuple[Problem, ...]] = lambda _log: (),
        anchor: Callable[[Verification], None] = lambda _log: None,
    ) -> None:
        self.path = path
        self.pending = Pending(pending, path, disk)
        self._domain = domain
        self._disk = disk
        self._judge = judge
        self._anchor = anchor

    def verify(self) -> Verification:
        """Judge the file as it is now."""
        return self._judged(verify(self._content(), self._domain))

    def append(self, values: Row) -> Appended:
        """Append, or recognise, this row; RecordFailed after it was kept in the pending folder.

        A RUN row has all its columns; an AMENDMENT says what it changes, and takes the rest from the row it refers to.
        """
        try:
            if values["record_type"] != AMENDMENT:
                _refuse(contradictions(values))
            with self._locked():
                appended = self._append(values)
                self.pending.forget(values)
                self._anchored(appended)
        except _NotAnchored as failure:
            raise RecordFailed(failure.sentence, fix=failure.fix, source=failure.source) from failure
        except RecordFailed as failure:
            raise self.pending.keep(values, failure) from failure
        return appended

    def _anchored(self, appended: Appended) -> None:
        try:
            self._anchor(appended.log)
        except RecordFailed as failure:
            sentence = f"row {appended.row} is in {self.path.name}, but {failure.sentence}"
            raise _NotAnchored(sentence, fix=failure.fix, source=failure.source) from failure

    def _judged(self, verified: Verification) -> Verification:
        return replace(verified, problems=(*verified.problems, *self._judge(verified)))

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        make_folder(self.path.parent, self._disk)
        lock = FileLock(self.path.with_name(self.path.name + ".lock"), timeout=LOCK_SECONDS)
        try:
            with recording(self.path, "locked"):
                lock.acquire()
        except Timeout as error:
            raise RecordFailed(f"{self.path.name} is being written to by another process") from error
        try:
            yield
        finally:
            lock.release()

    def _content(self) -> bytes | None:
        if not self.path.exists() and not self.path.is_symlink():
            return None
        return read_whole(self.path, self._disk)

    def _append(self, values: Row) -> Appended:
        before = self._content() or b""  # an empty file is one whose first write never happened
        judged = self._judged(verify(before, self._domain) if before else Verification((), (), FIRST))
        self._refuse_damage(judged)
        if values["record_type"] == AMENDMENT:
            values = amended(values, judged.rows)
            _refuse(contradictions(values))
        row = sealed(values, judged.head, self._domain)
        for number, earlier in enumerate(judged.rows, start=1):
            if (earlier["run_id"], earlier["record_type"]) == (row["run_id"], row["record_type"]):
                self._recognise(earlier, row)
                return Appended(number, earlier["row_hash"], already=True, log=judged)
        self._put((line(COLUMNS) if not before else b"") + line(row), before)
        log = Verification((*judged.rows, row), judged.problems, row["row_hash"])
        return Appended(len(log.rows), row["row_hash"], already=False, log=log)

    def _refuse_damage(self, judged: Verification) -> None:
        if not judged.sound:
            worst = next(each for each in judged.problems if each.verdict is judged.verdict)
            raise RecordFailed(
                f"{self.path.name} is damaged ({judged.verdict}): {worst.sentence}",
                fix="Keep the file as it is; compare it with its last copy (version control, backup).",
                source=str(self.path),
            )

    def _recognise(self, earlier: Row, row: Row) -> None:
        """A crash between writing and saying so left it there; it may not have reached the medium yet."""
        differing = [name for name in COLUMNS[:-2] if earlier[name] != row[name]]
        if differing:
            raise RecordFailed(
                f"{self.path.name} has another row of {row['run_id']} already: it differs in {', '.join(differing)}",
                source=str(self.path),
            )
        with recording(self.path, "made durable"):
            self._synced(os.O_WRONLY)

    def _put(self, data: bytes, before: bytes) -> None:
        new = not self.path.exists()
        with recording(self.path, "opened for appending"):
            flags = os.O_WRONLY | os.O_APPEND | (os.O_CREAT | os.O_EXCL if new else 0)
            descriptor = self._disk.open(self.path, flags, SHARED)
        try:
            self._write(descriptor, data, len(before))
        finally:
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


def _refuse(found: tuple[str, ...]) -> None:
    if found:
        raise RecordFailed(f"a defect in this tool: the row contradicts itself: {'; '.join(found)}")
