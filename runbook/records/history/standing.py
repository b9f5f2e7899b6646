"""How the platform stands today: the last restore, the quarter's test, and what waits for somebody."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Final

from runbook.records.history.days import days
from runbook.records.history.words import wrapped
from runbook.views import HistoryView, RecordedRun

WIDTH: Final = 80
SIGNED: Final = frozenset({"SIGNED", "NOT_NEEDED"})


def overdue(view: HistoryView) -> bool:
    """Whether this quarter's test is."""
    return any(each.overdue for each in view.quarters)


def unsigned(view: HistoryView) -> tuple[RecordedRun, ...]:
    """What nobody has signed off."""
    return tuple(run for run in view.undamaged if run.signoff not in SIGNED)


def lines(view: HistoryView, now: datetime) -> Iterator[str]:
    """A few lines of 80 columns."""
    if not view.sound:
        yield f"THE LOG IS DAMAGED ({view.verdict}): runbook log verify says what is wrong."
    if altered := len(view.runs) - len(view.undamaged):
        yield f"{altered} of {len(view.runs)} recorded runs are not as they were written, and count for nothing here."
    yield from wrapped(view.answer, WIDTH)
    if line := view.due:
        yield from wrapped(f"{line.name}: {line.state} {line.sentence}", WIDTH)
    if last := view.newest:
        yield from wrapped("; ".join(_of_runs(view, last, now)), WIDTH)


def _of_runs(view: HistoryView, last: RecordedRun, now: datetime) -> Iterator[str]:
    ago = f", {days(now - last.ended_at)} ago" if last.ended_at and last.ended_at <= now else ""
    yield f"Newest record: {last.mode} {last.outcome}{ago}"
    yield f"open findings: {view.findings_open}"
    if waiting := unsigned(view):
        yield f"not signed off: {len(waiting)} of {len(view.undamaged)} (runbook log sign {waiting[-1].run_id})"
    else:
        yield "all signed off"
