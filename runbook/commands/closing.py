"""What follows the journal's last line: run.json, report, checksums, the row in the training log."""

from __future__ import annotations

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
    text = masked(report.markdown(document))
    evidence.write_text(folder / "report.md", text)
    digest = evidence.seal(folder)
    row = log.record(document, evidence_path=f"training/{folder.name}", evidence_digest=digest)
    details = {"row": row.row, "head": row.row_hash, "log": str(log.path)}
    return Ending(str(run.outcome), int(of_outcome(str(run.outcome))), str(folder), text, details)
