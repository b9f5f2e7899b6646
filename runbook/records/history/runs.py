"""A recorded run as it stands now, taken from its rows."""

from __future__ import annotations

from runbook.engine.people import is_nobody
from runbook.records.history.rows import count_of, time_of
from runbook.records.log.folding import Told
from runbook.records.log.formats import GOOD
from runbook.records.log.rules import asks_for_a_repeat, counts_as_quarterly
from runbook.records.log.testlog import Row
from runbook.safety.outside_text import outside_text
from runbook.views import Objective, RecordedRun

PASSED, FAILED = "PASSED", "FAILED"
LONGEST = 120  # characters of a name


def recorded(told: Told, number: int, *, damaged: bool = False) -> RecordedRun:
    """The run; what its rows do not say, or do not say as a row should, is None or empty."""
    run, now = told.run, told.now
    return RecordedRun(
        number=number,
        run_id=_said(run, "run_id"),
        mode=_said(run, "mode"),
        providers=_said(run, "providers"),
        scenario=_said(now, "scenario"),
        quarter=_said(run, "quarter"),
        operator=_said(now, "operator_name"),
        witness="" if is_nobody(now["witness_name"]) else _said(now, "witness_name"),
        started_at=time_of(run["started_at"]),
        ended_at=time_of(run["ended_at"]),
        outcome=_said(run, "outcome"),
        rto=_objective(run, "rto"),
        rpo=_objective(run, "rpo"),
        database_of=time_of(run["db_backup_created_at"]),
        findings_open=count_of(now["findings_open"]) or 0,
        cleanup=_said(now, "cleanup"),
        signoff=_said(now, "signoff"),
        signed_by=_said(now, "signoff_name"),
        signed_at=time_of(now["signed_at"]),
        signed_before_amendment=told.signed_before_amendment,
        restored=_restored(run),
        quarterly=PASSED if counts_as_quarterly(run) else FAILED if asks_for_a_repeat(run) else "",
        damaged=damaged,
    )


def start(run: RecordedRun) -> tuple[str, int]:
    """What runs are put in order by."""
    return (run.started_at.isoformat() if run.started_at else "", run.number)


def _restored(run: Row) -> bool:
    """Whether it shows that a backup could be restored: of the platform, not of a stand-in, and not in training."""
    return run["mode"] in {"DRILL", "REHEARSAL", "RECOVERY"} and run["providers"] == "REAL" and run["outcome"] in GOOD


def _objective(row: Row, name: str) -> Objective:
    return Objective(count_of(row[f"{name}_actual_s"]), count_of(row[f"{name}_target_s"]), _said(row, f"{name}_met"))


def _said(row: Row, column: str) -> str:
    return outside_text(row[column], LONGEST)
