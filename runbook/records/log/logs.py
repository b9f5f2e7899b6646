"""The two logs, and who may write which: a training run has no way to the restoration-test log, a real run none to
training's.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, ClassVar, Final, final

from runbook import __version__
from runbook.engine.errors import RecordFailed, Refused
from runbook.records.canonical import second
from runbook.records.disk import Disk
from runbook.records.log.appending import LogFile, Recorded
from runbook.records.log.folding import told
from runbook.records.log.further import (
    CLEANUP,
    CORRECTABLE,
    CORRECTION,
    KINDS,
    RUN,
    SIGNING,
    FurtherKind,
    next_name,
)
from runbook.records.log.row import row_of
from runbook.records.log.testlog import Domain, Row
from runbook.records.log.verdicts import Problem, Verification

__all__ = ["Recorded", "TestLog", "TrainingLog"]

_THIS: Final = f"runbook {__version__}"


class _Log:
    """What both logs can do; each takes runs of its own `modes` only."""

    def __init__(self, file: LogFile, name: str, modes: frozenset[str]) -> None:
        self._file = file
        self._name = name
        self._modes = modes

    @property
    def path(self) -> Path:
        """Where it is; nothing can change it."""
        return self._file.path

    @property
    def head(self) -> str | None:
        """The last row's hash, for the next run's evidence; None where the log is damaged or cannot be read."""
        try:
            return self._file.sound().head
        except RecordFailed:
            return None

    def verify(self) -> Verification:
        """Judge the file as it is now, against the head beside it too; FILE_ABSENT before the first run."""
        return self._file.verify()

    def recorded(self, run_id: str) -> bool:
        """Whether the run's row is in the log, and the log's head beside it: nothing is left to do."""
        rows, head = self.verify().rows, self._file.anchored()
        known = any((row["run_id"], row["record_type"]) == (run_id, RUN) for row in rows)
        return known and (isinstance(head, Problem) or (head is not None and head.rows >= len(rows)))

    # -- rows -------------------------------------------------------------------------------------------------------
    def record(self, document: Mapping[str, Any], *, evidence_path: str, evidence_digest: str) -> Recorded:
        """Append the run's row (`evidence.document`); RecordFailed says where it was kept instead."""
        return self._append(self._row(document, evidence_path, evidence_digest))

    def amend(
        self, run_id: str, document: Mapping[str, Any], *, own: str, evidence_path: str, evidence_digest: str
    ) -> Recorded:
        """Append what became of a recorded run: its cleanup, open findings and summary as `document` has them now.

        The run's own row stays as it is; the amendment, called `own`, refers to it.  RecordFailed as for `record`.
        """
        if document.get("run_id") != run_id:
            raise RecordFailed(f"what is known of {document.get('run_id')} does not amend {run_id}")
        row = self._row(document, evidence_path, evidence_digest)
        said = {column: row[column] for column in (*CLEANUP.may_change, "tool_version")}
        return self._append(said | _named(CLEANUP, run_id, own, evidence_path, evidence_digest))

    def sign(
        self,
        run_id: str,
        *,
        decision: str,
        name: str,
        at: datetime,
        own: str,
        evidence_path: str,
        evidence_digest: str,
        behind: str = "",
    ) -> Recorded:
        """Append who accepts the record of a recorded run (`decision` SIGNED), or does not (DECLINED), as row `own`.

        `behind`: the hash of the run's last row that they were shown.  Refused where they may not sign, or there is
        another since, which keeps nothing; RecordFailed where there is no such run, and as for
        `record`.
        """
        said = {"signoff": decision, "signoff_name": name, "signed_at": second(at), "tool_version": _THIS}
        return self._append(said | _named(SIGNING, run_id, own, evidence_path, evidence_digest), behind=behind)

    def correct(
        self, run_id: str, changes: Mapping[str, str], *, own: str, evidence_path: str, evidence_digest: str
    ) -> Recorded:
        """Append, as row `own`, what a person corrects of a recorded run: columns of `CORRECTABLE`.

        Refused where it may not be so, which keeps nothing; RecordFailed as for `sign`.
        """
        if others := sorted(set(changes) - CORRECTABLE):
            raise Refused(f"{', '.join(others)} cannot be corrected: the run's own row stands")
        said = {**changes, "tool_version": _THIS}
        return self._append(said | _named(CORRECTION, run_id, own, evidence_path, evidence_digest))

    def next_name(self, run_id: str, kind: str) -> str:
        """What the run's next further row is called; `kind` is cleanup, amendment or signoff.

        RecordFailed where the run has no row in the log.
        """
        about = next((each for each in told(self.verify().rows) if each.run["run_id"] == run_id), None)
        if about is None:
            raise RecordFailed(f"{run_id} has no row in {self.path.name}")
        return next_name(run_id, next(each for each in KINDS if each.name == kind), about.further)

    # -- rows that wait -----------------------------------------------------------------------------------------------
    def pending(self) -> tuple[Row, ...]:
        """Rows that wait for this log, as they were kept."""
        return self._file.pending.rows()

    def pending_troubles(self) -> tuple[str, ...]:
        """A sentence for each file among those that wait which nobody will bring in."""
        return self._file.pending.troubles()

    def bring_in(self) -> tuple[Recorded, ...]:
        """Append every row that waits, with its own times: runs first, then what follows them, each by time.

        RecordFailed, once all were tried, tells each that still cannot be; it stays where it is.
        """
        waiting = sorted(self.pending(), key=_runs_first)
        if waiting:
            self._file.sound()
        recorded, failures = list[Recorded](), list[str]()
        for row in waiting:
            try:
                recorded.append(self._append(row))
            except (RecordFailed, Refused) as failure:
                failures.append(f"{row['run_id']}: {failure.sentence}")
        if failures:
            raise RecordFailed(f"rows still wait: {'; '.join(failures)}", source=str(self.path))
        return tuple(recorded)

    # -- for the above ------------------------------------------------------------------------------------------------
    def _row(self, document: Mapping[str, Any], evidence_path: str, evidence_digest: str) -> Row:
        self._refuse_others(document.get("mode"))
        return row_of(document, evidence_path=evidence_path, evidence_digest=evidence_digest)

    def _append(self, values: Row, *, behind: str = "") -> Recorded:
        if "mode" in values:  # a row that waits was a file for a while
            self._refuse_others(values["mode"].lower())
        return self._file.append(values, behind=behind)

    def _refuse_others(self, mode: object) -> None:
        if mode not in self._modes:
            raise RecordFailed(f"the {self._name} takes no {mode} run")


@final
class TrainingLog(_Log):
    """`<home>/training/training-log.csv`: the one log that a training run can write; it has no way to another."""

    def __init__(self, home: Path, *, disk: Disk | None = None) -> None:
        path = home / "training" / "training-log.csv"
        file = LogFile(path, Domain.TRAINING, home / "pending", disk or Disk())
        super().__init__(file, "training log", frozenset({"training"}))


@final
class TestLog(_Log):
    """`<folder>/restoration-test-log.csv`: it takes drills, rehearsals and recoveries."""

    __test__: ClassVar[bool] = False  # no class of tests, whatever its name begins with

    def __init__(self, folder: Path, pending: Path, *, disk: Disk | None = None) -> None:
        path = folder / "restoration-test-log.csv"
        file = LogFile(path, Domain.TEST, pending, disk or Disk())
        super().__init__(file, "restoration-test log", frozenset({"drill", "rehearsal", "recovery"}))


def _named(kind: FurtherKind, run_id: str, own: str, evidence_path: str, evidence_digest: str) -> dict[str, str]:
    """What says which row it is, and where its evidence lies."""
    named = {"run_id": own, "record_type": kind.record_type, "refers_to": run_id}
    return named | {"evidence_path": evidence_path, "evidence_digest": evidence_digest}


def _runs_first(row: Row) -> tuple[bool, str]:
    """A further row that waits has no times of a run: those stay in the order in which they were kept."""
    return row["record_type"] != RUN, row.get("ended_at", "")
