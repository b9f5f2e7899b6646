"""How the platform stands today: the last restore, the quarter's test, and what waits for somebody."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Final

from runbook.records.history.days import days
from runbook.records.history.words import wrapped
from runbook.views import HistoryView, QuarterLine, RecordedRun

WIDTH: Final = 80
SIGNED: Final = frozenset({"SIGNED", "NOT_NEEDED"})


def quarter(view: HistoryView) -> QuarterLine | None:
    """The one whose test is next, or is overdue; None of training's log."""
    return view.quarters[-1] if view.quarters else None


def overdue(view: HistoryView) -> bool:
    """Whether this quarter's test is."""
    return any(each.overdue for each in view.quarters)


def newest(view: HistoryView) -> RecordedRun | None:
    """The last run that is recorded, whatever came of it."""
    return view.runs[-1] if view.runs else None


def findings_open(view: HistoryView) -> int:
    """Over all runs."""
    return sum(run.findings_open for run in view.runs)


def unsigned(view: HistoryView) -> tuple[RecordedRun, ...]:
    """What nobody has signed off."""
    return tuple(run for run in view.runs if run.signoff not in SIGNED)


def lines(view: HistoryView, now: datetime) -> Iterator[str]:
    """A few lines of 80 columns."""
    if not view.sound:
        yield f"THE LOG IS DAMAGED ({view.verdict}): runbook log verify says what is wrong."
    yield from wrapped(view.answer, WIDTH)
    if line := quarter(view):
        yield from wrapped(f"{line.name}: {line.state} {line.sentence}", WIDTH)
    if last := newest(view):
        yield from wrapped("; ".join(_of_runs(view, last, now)), WIDTH)


def _of_runs(view: HistoryView, last: RecordedRun, now: datetime) -> Iterator[str]:
    ago = f", {days(now - last.ended_at)} ago" if last.ended_at and last.ended_at <= now else ""
    yield f"Newest record: {last.mode} {last.outcome}{ago}"
    yield f"open findings: {findings_open(view)}"
    if waiting := unsigned(view):
        yield f"not signed off: {len(waiting)} of {len(view.runs)} (runbook log sign {waiting[-1].run_id})"
    else:
        yield "all signed off"
