"""What follows the journal's last line: run.json, report, checksums, the row in the log of that kind of run."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from runbook.commands.exits import of_outcome
from runbook.commands.places import JOURNAL, Home
from runbook.engine.run import replay
from runbook.records import journal
from runbook.records.evidence import run_json, sealing
from runbook.records.log.logs import TestLog, TrainingLog
from runbook.records.report import rendering
from runbook.views import Ending
from steps import PROCEDURE


@dataclass(frozen=True, slots=True)
class Book:
    """A log, and how the evidence beside it is called from there."""

    log: TrainingLog | TestLog
    prefix: str  # of the evidence, as seen from the test log's folder, or in training from the home

    def evidence_path(self, folder: Path) -> str:
        """The run's folder as its row names it."""
        return f"{self.prefix}/{folder.name}"


def training_book(home: Home) -> Book:
    """What training writes into, and nothing else."""
    return Book(TrainingLog(home.root), "training")


def record(
    book: Book, folder: Path, *, extra: Mapping[str, Any] | None = None, masked: Callable[[str], str] = str
) -> Ending:
    """Write all that a run leaves; RecordFailed says what is kept.  `masked`: the scanner's last look."""
    events = journal.read(folder / JOURNAL)
    run = replay(events)
    document = run_json.document(run, events, PROCEDURE, {**(extra or {}), "previous_head": book.log.head})
    sealing.write_document(folder, document)
    sealing.write_text(folder / "report.md", masked(rendering.markdown(document)))
    sealing.seal(folder)
    return _row(book, folder)


def finish_recording(book: Book, folder: Path) -> Ending:
    """What was left to do for a run that ended and was killed before its row was written."""
    return _row(book, folder) if (folder / sealing.SUMS).exists() else record(book, folder)


def _row(book: Book, folder: Path) -> Ending:
    """The row of a sealed folder."""
    document = sealing.read_document(folder)
    path, digest = book.evidence_path(folder), sealing.sealed_digest(folder)
    row = book.log.record(document, evidence_path=path, evidence_digest=digest)
    details = {"row": row.row, "head": row.row_hash, "log": str(book.log.path)}
    outcome, text = str(document["outcome"]), (folder / "report.md").read_text(encoding="utf-8")
    return Ending(outcome, int(of_outcome(outcome)), str(folder), text, details)
