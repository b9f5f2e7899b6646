"""The two logs, and who may write which: a training run has no way to the restoration-test log, a real run none to
training's.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, final

from runbook.engine.errors import RecordFailed
from runbook.records.disk import Disk
from runbook.records.log.appending import Appended, LogFile
from runbook.records.log.further import AMENDMENT, changes, wrongs
from runbook.records.log.head import Head, against, read_head, write_head
from runbook.records.log.row import row_of
from runbook.records.log.testlog import Domain, Row
from runbook.records.log.verdicts import LogVerdict, Problem, Verification

REAL = frozenset({"drill", "rehearsal", "recovery"})


@dataclass(frozen=True, slots=True)
class Recorded:
    """A row that was read back from the disk.  `already`: it stood there before; `anchor`: what the head file says."""

    row: int
    row_hash: str
    already: bool
    anchor: Head | None = None


@final
class TrainingLog:
    """`<home>/training/training-log.csv`: the one log that a training run can write; it has no way to another."""

    def __init__(self, home: Path, *, disk: Disk | None = None) -> None:
        path = home / "training" / "training-log.csv"
        self._log = LogFile(path, Domain.TRAINING, home / "pending", disk or Disk())

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
        values = row_of(document, evidence_path=evidence_path, evidence_digest=evidence_digest)
        return _recorded(self._log.append(values))

    def recorded(self, run_id: str) -> bool:
        """Whether the run's row is in the log."""
        return _known(run_id, self.verify().rows)


@final
class TestLog:
    """`<folder>/restoration-test-log.csv`, and its head beside it.

    It takes drills, rehearsals and recoveries, and whatever RecordFailed says was kept in the pending folder.
    """

    __test__: ClassVar[bool] = False  # no class of tests, whatever its name begins with

    def __init__(self, folder: Path, pending: Path, *, disk: Disk | None = None) -> None:
        self._disk = disk or Disk()
        self._head = folder / "restoration-test-log.head"
        path = folder / "restoration-test-log.csv"
        self._log = LogFile(path, Domain.TEST, pending, self._disk, judge=self._judge, anchor=self._anchor)

    @property
    def path(self) -> Path:
        """Where it is; nothing can change it."""
        return self._log.path

    @property
    def head(self) -> str:
        """The last row's hash, for the next run's evidence."""
        return self.verify().head

    def verify(self) -> Verification:
        """Judge the file as it is now, against the head beside it too; FILE_ABSENT before the first run."""
        return self._log.verify()

    def record(self, document: Mapping[str, Any], *, evidence_path: str, evidence_digest: str) -> Recorded:
        """Append the run's row (`evidence.document`); RecordFailed says where it was kept instead."""
        return self._append(self._row(document, evidence_path, evidence_digest))

    def amend(
        self, run_id: str, document: Mapping[str, Any], *, evidence_path: str, evidence_digest: str, name: str = ""
    ) -> Recorded:
        """Append what became of a recorded run: its cleanup, open findings and summary as `document` has them now.

        The run's own row stays as it is; the amendment refers to it, under a `name` of its own (`<run id>.cleanup-<n>`,
        the next free one by default).  RecordFailed as for `record`.
        """
        if document.get("run_id") != run_id:
            raise RecordFailed(f"what is known of {document.get('run_id')} does not amend {run_id}")
        return self._append(changes(self._row(document, evidence_path, evidence_digest), name))

    def recorded(self, run_id: str) -> bool:
        """Whether the run's row is in the log, and the log's head beside it: nothing is left to do."""
        rows, head = self.verify().rows, self._known_head()
        return _known(run_id, rows) and (isinstance(head, Problem) or (head is not None and head.rows >= len(rows)))

    def pending(self) -> tuple[Row, ...]:
        """Rows that wait for this log, as they were kept."""
        return self._log.pending.rows()

    def bring_in(self) -> tuple[Recorded, ...]:
        """Append every row that waits, with its own times; RecordFailed at the first that still cannot be."""
        runs_first = sorted(self.pending(), key=lambda row: (row["record_type"] == AMENDMENT, row.get("ended_at", "")))
        return tuple(self._append(row) for row in runs_first)

    # -- for the above ------------------------------------------------------------------------------------------------
    def _row(self, document: Mapping[str, Any], evidence_path: str, evidence_digest: str) -> Row:
        if document.get("mode") not in REAL:
            raise RecordFailed(f"the restoration-test log takes no {document.get('mode')} run")
        return row_of(document, evidence_path=evidence_path, evidence_digest=evidence_digest)

    def _append(self, values: Row) -> Recorded:
        if values.get("mode") == "TRAINING":  # a row that waits was a file for a while
            raise RecordFailed("the restoration-test log takes no training run")
        return _recorded(self._log.append(values), read_head(self._head, self._disk))

    def _judge(self, log: Verification) -> tuple[Problem, ...]:
        head = self._known_head()
        anchored = head if isinstance(head, Problem) else against(head, log)
        return (*([anchored] if anchored else ()), *_unfit(log.rows))

    def _known_head(self) -> Head | Problem | None:
        try:
            return read_head(self._head, self._disk)
        except RecordFailed as failure:
            sentence = f"{failure.sentence}: whether rows were cut off cannot be said"
            return Problem(LogVerdict.TRUNCATED, None, None, sentence)

    def _anchor(self, log: Verification) -> None:
        write_head(self._head, self._log.path, log, self._disk)


def _recorded(appended: Appended, anchor: Head | None = None) -> Recorded:
    return Recorded(appended.row, appended.row_hash, appended.already, anchor)


def _known(run_id: str, rows: tuple[Row, ...]) -> bool:
    return any((row["run_id"], row["record_type"]) == (run_id, "RUN") for row in rows)


def _unfit(rows: tuple[Row, ...]) -> Iterator[Problem]:
    """Rows that are as they were written, and should never have been."""
    seen = set[str]()
    for number, row in enumerate(rows, start=1):
        if row["record_type"] == AMENDMENT:
            for wrong in wrongs(row, rows[: number - 1]):
                sentence = f"row {number} ({row['run_id']}) is no amendment: {wrong}"
                yield Problem(LogVerdict.ROW_ALTERED, number, "refers_to", sentence)
        elif row["record_type"] == "RUN":
            if row["run_id"] in seen:
                sentence = f"row {number} is a second row of {row['run_id']}"
                yield Problem(LogVerdict.ROW_DUPLICATED, number, "run_id", sentence)
            seen.add(row["run_id"])
