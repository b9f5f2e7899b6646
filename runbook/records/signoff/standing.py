"""A recorded run as it stands now: its rows, its sealed evidence, its findings; and whether anything may be added."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from runbook.engine.errors import RecordFailed, Refused, WrongUse
from runbook.engine.people import same_person
from runbook.records.audit.evidence_check import troubles
from runbook.records.disk import Disk
from runbook.records.evidence import sealing
from runbook.records.log.appending import complete
from runbook.records.log.folding import Told, told
from runbook.records.log.logs import TestLog, TrainingLog
from runbook.records.log.testlog import Row
from runbook.records.log.verdicts import LogVerdict, Verification
from runbook.records.signoff import findings
from runbook.records.signoff.findings import OPEN, Finding

Log = TestLog | TrainingLog


@dataclass(frozen=True)
class Standing:
    """`folder` is the run's evidence, `document` its run.json."""

    told: Told
    document: Mapping[str, Any]
    folder: Path

    @property
    def run_id(self) -> str:
        """The run's id."""
        return self.told.run["run_id"]

    @property
    def rows(self) -> tuple[Row, ...]:
        """Its own, then all that follow it, in the log's order."""
        return (self.told.run, *self.told.further)

    @cached_property
    def findings(self) -> tuple[Finding, ...]:
        """As they stand after every amendment; RecordFailed where one cannot be read."""
        return findings.standing(self.document, self.folder.parent, self.told.amendments)

    @property
    def open(self) -> tuple[Finding, ...]:
        """The findings that nobody closed yet."""
        return tuple(each for each in self.findings if each.status == OPEN)

    @property
    def operators(self) -> tuple[str, ...]:
        """Everybody who carried the run out: who declared it, and who went on with it, on whichever machine."""
        later = (str(each.get("by") or "") for each in self.document.get("handovers", ()) if "host" in each)
        return tuple(dict.fromkeys(filter(None, (self.told.now["operator_name"], *later))))

    def refuse_operator(self, name: str, what: str) -> None:
        """Refused where that person carried the run out: `what` (a sign-off, a witness) is somebody else's."""
        for operator in self.operators:
            if same_person(name, operator):
                raise Refused(f"{operator} ran it: {what}", fix="Name somebody who did not carry it out.")

    def refuse_unfit(self, own: str, record_type: str, changes: Row) -> None:
        """Refused where such a further row may not stand in the log, before anything of it is written."""
        complete({**changes, "run_id": own, "record_type": record_type, "refers_to": self.run_id}, self.rows)


def of(log: Log, folder: Path) -> Standing:
    """The run of that folder.  WrongUse where it is not recorded; RecordFailed where log or evidence is damaged."""
    judged, run_id = log.verify(), folder.name
    if judged.verdict is LogVerdict.FILE_ABSENT and len(judged.problems) == 1:
        raise _not_recorded(run_id, log)
    _refuse_damage(judged, log.path)
    found = next((each for each in told(judged.rows) if each.run["run_id"] == run_id), None)
    if found is None:
        raise _not_recorded(run_id, log)
    for row in (found.run, *found.further):
        _refuse_broken_seal(row, folder)
    return Standing(found, sealing.read_document(folder), folder)


def _not_recorded(run_id: str, log: Log) -> WrongUse:
    return WrongUse(
        f"{run_id} has no row in {log.path.name}: what is not recorded is neither signed nor corrected",
        fix="runbook log show lists what is recorded; runbook resume finishes a run and its record.",
    )


def _refuse_broken_seal(row: Row, folder: Path) -> None:
    """The evidence of each row lies beside the run's own, and is what was sealed."""
    root, own = folder.parents[1], folder.with_name(row["run_id"])
    if root / row["evidence_path"] != own:
        raise RecordFailed(f"{row['run_id']} has its evidence elsewhere than in {own.name}", source=str(own))
    trouble = next(troubles(root, row["evidence_path"], row["evidence_digest"], Disk()), None)
    if trouble is not None:
        raise RecordFailed(
            f"the evidence of {row['run_id']} is not what was sealed ({trouble.verdict}): {trouble.sentence}",
            fix="runbook log verify explains it. Put its last copy back (version control, backup), then try again.",
            source=str(own),
        )


def _refuse_damage(judged: Verification, path: Path) -> None:
    if judged.sound:
        return
    worst = next(each for each in judged.problems if each.verdict is judged.verdict)
    raise RecordFailed(
        f"{path.name} is damaged ({judged.verdict}): {worst.sentence}",
        fix="runbook log verify explains it. Keep the file as it is; nothing is added to it.",
        source=str(path),
    )
