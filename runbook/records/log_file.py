"""Appending to a log: lock, verify all of it, one write, count, fsync, read back; only then is a row RECORDED.

A damaged log is neither appended to nor repaired: the row goes to the pending folder, and the operator is told.
"""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

from filelock import FileLock, Timeout

from runbook.engine.errors import RecordFailed
from runbook.records.canonical import canonical
from runbook.records.disk import SHARED, Disk, make_folder, read_whole, recording, replace_file, write_all
from runbook.records.log_row import row_of
from runbook.records.log_rules import contradictions
from runbook.records.testlog import COLUMNS, FIRST, Domain, Row, Verification, line, sealed, verify

LOCK_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Recorded:
    """A row that was read back from the disk.  `already`: this run's row stood there before."""

    row: int
    row_hash: str
    already: bool


class _Log:
    """A log file of one hash domain; who may write which file is decided by the classes below."""

    def __init__(self, path: Path, domain: Domain, pending: Path, disk: Disk) -> None:
        self.path = path
        self._domain = domain
        self._pending = pending
        self._disk = disk

    def verify(self) -> Verification:
        """Judge the file as it is now."""
        return verify(self._content(), self._domain)

    def append(self, values: Row) -> Recorded:
        """Append, or recognise, the row of this run; RecordFailed after the row was kept in the pending folder."""
        try:
            _refuse_contradictions(values)
            with self._locked():
                return self._append(values)
        except RecordFailed as failure:
            raise self._not_recorded(values, failure) from failure

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

    def _append(self, values: Row) -> Recorded:
        before = self._content() or b""  # an empty file is one whose first write never happened
        judged = verify(before, self._domain) if before else Verification((), (), FIRST)
        if not judged.sound:
            raise RecordFailed(
                f"{self.path.name} is damaged ({judged.verdict}): {judged.problems[0].sentence}",
                fix="Keep the file as it is; compare it with its last copy (version control, backup).",
                source=str(self.path),
            )
        row = sealed(values, judged.head, self._domain)
        for number, earlier in enumerate(judged.rows, start=1):
            if (earlier["run_id"], earlier["record_type"]) == (row["run_id"], "RUN"):
                return self._recognised(number, earlier, row)
        self._put((line(COLUMNS) if not before else b"") + line(row), before)
        return Recorded(len(judged.rows) + 1, row["row_hash"], already=False)

    def _recognised(self, number: int, earlier: Row, row: Row) -> Recorded:
        """A crash between writing and saying so left it there; it may not have reached the medium yet."""
        differing = [name for name in COLUMNS[:-2] if earlier[name] != row[name]]
        if differing:
            raise RecordFailed(
                f"{self.path.name} has another row of {row['run_id']} already: it differs in {', '.join(differing)}",
                source=str(self.path),
            )
        with recording(self.path, "made durable"):
            self._synced(os.O_WRONLY)
        return Recorded(number, earlier["row_hash"], already=True)

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

    def _not_recorded(self, values: Row, failure: RecordFailed) -> RecordFailed:
        name = re.sub(r"[^A-Za-z0-9._-]", "_", values.get("run_id", "")) or "unnamed"
        kept = self._pending / f"{name}.json"
        note: Mapping[str, Any] = {"schema": 1, "log": self.path.name, "why": failure.sentence, "row": dict(values)}
        try:
            make_folder(kept.parent, self._disk)
            replace_file(kept, canonical(note) + b"\n", disk=self._disk)
        except (RecordFailed, ValueError) as worse:
            sentence = f"NOT RECORDED: {failure.sentence}; nor could the row be kept in {kept.parent.name}: {worse}"
        else:
            sentence = f"NOT RECORDED: {failure.sentence}; the row is kept in {kept.parent.name}/{kept.name}"
        return RecordFailed(sentence, fix=failure.fix, source=str(kept))


@final
class TrainingLog:
    """`<home>/training/training-log.csv`: the one log that a training run can write; it has no way to another."""

    def __init__(self, home: Path, *, disk: Disk | None = None) -> None:
        path = home / "training" / "training-log.csv"
        self._log = _Log(path, Domain.TRAINING, home / "pending", disk or Disk())

    @property
    def path(self) -> Path:
        """Where it is; nothing can change it."""
        return self._log.path

    @property
    def head(self) -> str:
        """The last row's hash, for the next run's evidence."""
        return self.verify().head

    def verify(self) -> Verification:
        """Judge the file as it is now; FILE_ABSENT before the first run."""
        return self._log.verify()

    def record(self, document: Mapping[str, Any], *, evidence_path: str, evidence_digest: str) -> Recorded:
        """Append the run's row (`evidence.document`); RecordFailed says where it was kept instead."""
        if document.get("mode") != "training":
            raise RecordFailed(f"the training log takes no {document.get('mode')} run")
        return self._log.append(row_of(document, evidence_path=evidence_path, evidence_digest=evidence_digest))


def _refuse_contradictions(values: Row) -> None:
    found = contradictions(values)
    if found:
        raise RecordFailed(f"a defect in this tool: the row contradicts itself: {'; '.join(found)}")
