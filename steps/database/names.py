"""What this run calls the things that it makes of a recovery point: numbered, since there may be more than one.

After going back another recovery point may be chosen, and what came out hopeless is made once more under a new name.
"""

from __future__ import annotations

from typing import Final

from runbook.engine.run import LedgerEntry
from steps.facts import SnapshotChosen
from steps.here import Here

INSTANCE: Final = "rds:instance"
SNAPSHOT: Final = "rds:snapshot"
_LONGEST: Final = 63  # of an instance's identifier; a snapshot's may be longer
_SUFFIX: Final = {INSTANCE: "", SNAPSHOT: "-source"}


def made(here: Here, kind: str) -> LedgerEntry | None:
    """The newest thing of that kind which this run announced of the recovery point that is chosen now."""
    chosen = here.desk.need(SnapshotChosen).id
    entries = (entry for entry in reversed(here.run.ledger) if entry.kind == kind and not entry.destroyed)
    return next((entry for entry in entries if entry.detail.get("recovery_point") == chosen), None)


def fresh(here: Here, kind: str) -> str:
    """`<prefix>-<run id>`, a further one with a number: lower case, at most 63 characters."""
    before = len({entry.id for entry in here.run.ledger if entry.kind == kind})
    end = _SUFFIX[kind] + (f"-{before + 1}" if before else "")
    return f"{here.environment.database.prefix}-{here.run.id}".lower()[: _LONGEST - len(end)] + end
