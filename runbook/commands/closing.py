"""What follows the journal's last line: run.json, report, checksums, the row in the training log."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from runbook.commands.exits import of_outcome
from runbook.commands.places import JOURNAL, Home
from runbook.engine.run import replay
from runbook.records import evidence, journal, report
from runbook.records.log_file import TrainingLog
from runbook.views import Ending
from steps import PROCEDURE


def record_training(
    home: Home, folder: Path, *, extra: Mapping[str, Any] | None = None, masked: Callable[[str], str] = str
) -> Ending:
    """Write all that a training run leaves; RecordFailed says what is kept.  `masked`: the scanner's last look."""
    log = TrainingLog(home.root)
    events = journal.read(folder / JOURNAL)
    run = replay(events)
    document = evidence.document(run, events, PROCEDURE, {**(extra or {}), "previous_head": log.head})
    evidence.write_document(folder, document)
    evidence.write_text(folder / "report.md", masked(report.markdown(document)))
    evidence.seal(folder)
    return _row(log, folder)


def recorded(home: Home, folder: Path) -> bool:
    """Whether an ended run's row is in the log."""
    return any(row["run_id"] == folder.name for row in TrainingLog(home.root).verify().rows)


def finish_recording(home: Home, folder: Path) -> Ending:
    """What was left to do for a run that ended and was killed before its row was written."""
    return _row(TrainingLog(home.root), folder) if (folder / evidence.SUMS).exists() else record_training(home, folder)


def _row(log: TrainingLog, folder: Path) -> Ending:
    """The row of a sealed folder."""
    document = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    digest = "sha256:" + hashlib.sha256((folder / evidence.SUMS).read_bytes()).hexdigest()
    row = log.record(document, evidence_path=f"training/{folder.name}", evidence_digest=digest)
    details = {"row": row.row, "head": row.row_hash, "log": str(log.path)}
    outcome, text = str(document["outcome"]), (folder / "report.md").read_text(encoding="utf-8")
    return Ending(outcome, int(of_outcome(outcome)), str(folder), text, details)
