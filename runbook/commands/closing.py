"""What follows the journal's last line: run.json, report, checksums, the row in the log of that kind of run."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from runbook.commands.exits import of_outcome
from runbook.commands.places import JOURNAL, Home
from runbook.engine.errors import RecordFailed
from runbook.engine.run import replay
from runbook.engine.verdict import Finding
from runbook.records import assessor, journal
from runbook.records.audit import anchors
from runbook.records.evidence import run_json, sealing, sweeping
from runbook.records.evidence.witness_code import witness_code
from runbook.records.log.logs import TestLog, TrainingLog
from runbook.records.report import rendering
from runbook.records.scanner import Scanner
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
    book: Book,
    folder: Path,
    *,
    extra: Mapping[str, Any] | None = None,
    scanner: Scanner | None = None,
    copied: bool = False,
) -> Ending:
    """Write all that a run leaves; RecordFailed says what is kept.

    `scanner` knows this process's secrets and takes its last look; None in a process that had none.  `copied`: the
    journal's lines are in the evidence bucket already, where nothing is written over.
    """
    sweeping.sweep(folder, scanner, copied=copied)
    extra = {**(extra or {}), "previous_head": book.log.head}
    papers = _papers(folder, extra)
    if scanner is not None and (found := _found(papers, scanner)):
        _write(folder, _papers(folder, extra, scanner))  # before the journal says that they are masked
        sweeping.add(folder, found)
        papers = _papers(folder, extra, scanner)
    _write(folder, papers)
    sealing.seal(folder)
    return _row(book, folder)


def _write(folder: Path, papers: Mapping[str, str]) -> None:
    for name, text in papers.items():
        sealing.write_text(folder / name, text)


def _papers(folder: Path, extra: Mapping[str, Any], masking: Scanner | None = None) -> dict[str, str]:
    """What is made of the journal, by file name; the witness code is of the run.json that is written."""
    events = journal.read(folder / JOURNAL)
    document: Mapping[str, Any] = run_json.document(replay(events), events, PROCEDURE, extra)
    document = masking.masked(document) if masking else document
    written = sealing.as_written(document)
    code = witness_code(written.encode("utf-8"))
    texts = {"report.md": rendering.markdown(document, code), "report.html": rendering.html(document, code)}
    return {"run.json": written, **(masking.masked(texts) if masking else texts)}


def _found(papers: Mapping[str, str], scanner: Scanner) -> list[Finding]:
    """Where a secret stands although it stood in nothing that they were made of."""
    places: dict[str, Sequence[str]] = {"run.json": scanner.found(json.loads(papers["run.json"]))}
    for name in papers.keys() - places.keys():
        places[name] = [f"line {number}" for number in scanner.lines(papers[name])]
    return [sweeping.finding(name, where) for name, where in sorted(places.items()) if where]


def finish_recording(book: Book, folder: Path) -> Ending:
    """What was left to do for a run that ended and was killed before its row was written."""
    return _row(book, folder) if (folder / sealing.SUMS).exists() else record(book, folder)


def _row(book: Book, folder: Path) -> Ending:
    """The row of a sealed folder."""
    document = sealing.read_document(folder)
    path, digest = book.evidence_path(folder), sealing.sealed_digest(folder)
    row = book.log.record(document, evidence_path=path, evidence_digest=digest)
    if isinstance(book.log, TestLog):
        with contextlib.suppress(RecordFailed):  # the row stands, whether the page that explains it does or not
            assessor.place(book.log.path.parent)
    short = anchors.short(row.row, row.row_hash)
    details = {"row": row.row, "head": row.row_hash, "short": short, "log": str(book.log.path)}
    outcome, text = str(document["outcome"]), (folder / "report.md").read_text(encoding="utf-8")
    return Ending(outcome, int(of_outcome(outcome)), str(folder), text, details)
