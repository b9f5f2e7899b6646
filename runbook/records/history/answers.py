"""When a restore from backup last succeeded, in one line (DSPT 7.3.5); and who accepted the record of it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from runbook.records.evidence.summary import duration
from runbook.records.history.days import day_of_year, minute
from runbook.views import RecordedRun

ASKED: Final = "Last successful restore from backup"
NEVER: Final = f"{ASKED}: never. Nothing that is recorded here restored a backup of the platform: runbook drill does."
KINDS: Final = {
    "REHEARSAL": "a rehearsal with nobody present, which is no quarterly test; ",
    "RECOVERY": "production itself, in earnest; ",
}


def last_success(runs: Iterable[RecordedRun]) -> RecordedRun | None:
    """The one that ended last, of those that restored the platform's own backups: drill, rehearsal or recovery."""
    ended = [(run.ended_at, run.number, run) for run in runs if run.restored and run.ended_at]
    return max(ended, key=lambda each: each[:2])[2] if ended else None


def answer(run: RecordedRun | None) -> str:
    """The line."""
    if run is None:
        return NEVER
    issues = ", with issues" if run.outcome == "PASS_WITH_ISSUES" else ""
    backup = f" of {minute(run.database_of)}" if run.database_of else ""
    took = f" in {duration(run.rto.actual_s)}" if run.rto.actual_s is not None else ""
    what = f"{KINDS.get(run.mode, '')}database{backup} restored{took}{issues}, {signed(run)}"
    return f"{ASKED}: {day_of_year(run.ended_at)} ({run.run_id}, {what})"


def signed(run: RecordedRun) -> str:
    """`signed off by Robin Board`, and whether something was amended since."""
    if run.signoff not in {"SIGNED", "DECLINED"}:
        return "needs no sign-off" if run.signoff == "NOT_NEEDED" else "not signed off"
    deed = "signed off" if run.signoff == "SIGNED" else "sign-off declined"
    later = " before it was amended" if run.signed_before_amendment else ""
    return f"{deed} by {run.signed_by}{later}"
