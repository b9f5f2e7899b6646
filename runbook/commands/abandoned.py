"""Runs that nobody goes on with: ended as what they are, recorded, and their practice estate reaped."""

from __future__ import annotations

from pathlib import Path

from runbook.commands.closing import record_training
from runbook.commands.places import JOURNAL, Home, state_of
from runbook.engine.errors import RecordFailed
from runbook.engine.events import Kind
from runbook.engine.outcome import tally
from runbook.engine.ports import Clock
from runbook.engine.scribe import Scribe
from runbook.records.evidence import SUMS
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
    return lines


def end(home: Home, folder: Path, clock: Clock, reason: str) -> Ending | None:
    """End one run whose estate is gone or goes now; None when it had ended, or never begun."""
    reap(folder)
    run = state_of(folder)
    if run is None:
        return None
    if run.outcome is not None:  # ended, and killed before its record was written
        return None if (folder / SUMS).exists() else record_training(home, folder)
    journal = Journal.open(folder / JOURNAL, clock)
    scribe = Scribe(journal, journal.past)
    scribe.say(Kind.RESUMED, by="the next command")
    scribe.say(Kind.CHECKPOINT, stage=run.last_stage, decision="aborted", reason=reason, by="the next command")
    for entry in scribe.run.open_ledger:
        seen = "the practice estate is gone" if _discarded(folder, entry.kind, entry.id) else "still there"
        scribe.say(Kind.CLEANUP, stage="closeout", kind=entry.kind, id=entry.id, gone=True, observed=seen)
    scribe.say(Kind.ENDED, stage="closeout", outcome=str(tally(scribe.run, PROCEDURE).outcome))
    journal.close()
    return record_training(home, folder)


def _discarded(folder: Path, kind: str, name: str) -> bool:
    """Everything else lay in the estate; the downloaded archive lies in the run's own folder."""
    private = folder / "private"
    if kind == "file:archive":
        for left in private.glob(f"{name}*"):
            left.unlink()
    if private.is_dir() and not any(private.iterdir()):
        private.rmdir()
    return True
