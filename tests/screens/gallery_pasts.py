"""What logs tell, for the faces of home and history: real rows, read by what reads real logs, on the fakes' day."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from runbook.records.history import reading
from runbook.records.log.testlog import Domain, Row
from runbook.views import HistoryView
from tests.records.past import TARGETS, altered, run, signed, written
from tests.screens.fake import NOW

MONTHS = (1, 4, 7, 10)
HOUR = 3600


def _drill(at: str, took: int, outcome: str = "PASS", **columns: str) -> Row:
    """Its restore took that many seconds, of an hour that was allowed."""
    met = {"rto_target_s": str(HOUR), "rto_met": "YES" if took <= HOUR else "NO"}
    return run(at, outcome=outcome, **{**TARGETS, "rto_actual_s": str(took), **met, **columns})


A_YEAR = (
    first := _drill("2026-01-15T10:00:00Z", 3420),
    signed(first, "2026-02-01T09:00:00Z"),
    _drill("2026-04-16T10:00:00Z", 3060, "PASS_WITH_ISSUES", findings_open="2"),
    _drill("2026-06-02T02:30:00Z", 2400, mode="REHEARSAL", signoff="NOT_NEEDED"),
    _drill("2026-07-14T10:00:00Z", 3300, "FAIL"),
    repeated := _drill("2026-07-15T10:00:00Z", 3900),
    {**signed(repeated, "2026-07-20T09:00:00Z"), "signoff": "DECLINED"},
    _drill("2026-08-20T10:00:00Z", 1200, "ABORTED", mode="RECOVERY"),
    latest := _drill("2026-10-13T10:00:00Z", 2520),
    signed(latest, "2026-10-20T09:00:00Z"),
)


def _view(*rows: Row, domain: Domain = Domain.TEST, damage: bool = False) -> HistoryView:
    with TemporaryDirectory() as folder:
        path = written(Path(folder), rows, domain)
        if damage:
            altered(path, b'"FAIL"', b'"PASS"')
        return reading.view(reading.read(path), NOW, MONTHS)


@cache
def nothing_recorded() -> HistoryView:
    """A platform that was never drilled: there is no log."""
    with TemporaryDirectory() as folder:
        return reading.view(reading.read(Path(folder) / "restoration-test-log.csv"), NOW, MONTHS)


@cache
def passing() -> HistoryView:
    """Every quarter of a year was tested, the last one too."""
    return _view(*A_YEAR)


@cache
def overdue() -> HistoryView:
    """October's test did not take place."""
    return _view(*A_YEAR[:-2])


@cache
def failed() -> HistoryView:
    """The last drill failed, and was not repeated."""
    return _view(*A_YEAR[:-2], _drill("2026-10-13T10:00:00Z", 2520, "FAIL", findings_open="3"))


@cache
def neglected() -> HistoryView:
    """A quarter went by without a test, and this one is about to."""
    return _view(A_YEAR[0], run("2026-07-14T10:00:00Z", outcome="INCONCLUSIVE", **TARGETS))


@cache
def damaged() -> HistoryView:
    """Somebody made a FAIL a PASS by hand."""
    return _view(*A_YEAR, damage=True)


@cache
def practised() -> HistoryView:
    """Training's own log."""
    runs = (run(f"2026-11-{day:02}T10:00:00Z", mode="TRAINING", providers="PRACTICE") for day in (3, 12, 20))
    return _view(*runs, domain=Domain.TRAINING)
