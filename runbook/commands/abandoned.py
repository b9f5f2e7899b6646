"""Runs that nobody goes on with: ended as what they are, recorded, and their practice estate reaped."""

from __future__ import annotations

import contextlib
import shutil
from pathlib import Path

from runbook.commands.closing import finish_recording, record, training_book
from runbook.commands.places import JOURNAL, PRIVATE, Home, state_of
from runbook.engine.errors import RecordFailed
from runbook.engine.events import Kind
from runbook.engine.outcome import tally
from runbook.engine.ports import Clock
from runbook.engine.scribe import Scribe
from runbook.records.journal import Journal
from runbook.training.client import reap
from runbook.views import Ending
from steps import PROCEDURE


def end_all(home: Home, clock: Clock) -> list[str]:
    """End every unfinished training run of this home; answers what was done, as lines."""
    lines = []
    for folder in home.folders():
        lines += [f"{folder.name}: {line}" for line in reap(folder)]
        try:
            ending = end(home, folder, clock, "a new training run was started")
        except RecordFailed as damaged:
            lines.append(f"{folder.name}: {damaged.sentence}")
            continue
        if ending is not None:
            lines.append(f"{folder.name}: ended as {ending.outcome}")
    return [*lines, *_brought_in(home)]


def _brought_in(home: Home) -> list[str]:
    """Rows that waited for the training log, and what keeps others waiting."""
    log = training_book(home).log
    try:
        lines = [f"{log.path.name}: row {each.row} had waited, and is in it now" for each in log.bring_in()]
    except RecordFailed as failure:
        lines = [failure.sentence]
    return [*lines, *log.pending_troubles()]


def end(home: Home, folder: Path, clock: Clock, reason: str) -> Ending | None:
    """End one run whose estate is gone or goes now; None when it had ended, or never begun."""
    reap(folder)
    run = state_of(folder)
    if run is None:
        return None
    if run.outcome is not None:  # ended, and perhaps killed before its record was written
        book = training_book(home)
        return None if book.log.recorded(folder.name) else finish_recording(book, folder)
    journal = Journal.open(folder / JOURNAL, clock)
    scribe = Scribe(journal, journal.past)
    scribe.say(Kind.RESUMED, by="the next command")
    scribe.say(Kind.CHECKPOINT, stage=run.last_stage, decision="aborted", reason=reason, by="the next command")
    _discard_archives(folder)
    for entry in scribe.run.open_ledger:  # all of it lay in the estate or in the folder that was just emptied
        seen = "the practice estate was ended"
        scribe.say(Kind.CLEANUP, stage="closeout", kind=entry.kind, id=entry.id, gone=True, observed=seen)
    scribe.say(Kind.ENDED, stage="closeout", outcome=str(tally(scribe.run, PROCEDURE).outcome))
    journal.close()
    return record(training_book(home), folder)


def _discard_archives(folder: Path) -> None:
    """The run's private folder: what was downloaded into it leaves this machine."""
    if (folder / PRIVATE).is_dir():
        shutil.rmtree(folder / PRIVATE)


def complete(home: Home, clock: Clock) -> Ending | None:
    """Finish the newest run that ended and was killed before its record stood, or that never declared itself."""
    ending: Ending | None = None
    for folder in home.folders():
        with contextlib.suppress(RecordFailed):  # a damaged journal of another run is no concern of this one
            run = state_of(folder)
            if run is None or run.outcome is not None:
                ending = end(home, folder, clock, "") or ending
    return ending
