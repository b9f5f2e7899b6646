"""Each quarter and its test: passed, failed, not tested, due or overdue."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from runbook.records.history.days import MONTHS, Quarter, day, days
from runbook.records.history.runs import FAILED, PASSED, start
from runbook.views import QuarterLine, RecordedRun

NOT_TESTED: Final = "NOT_TESTED"
DUE: Final = "DUE"
OVERDUE: Final = "OVERDUE"


def quarters(runs: Sequence[RecordedRun], today: date, months: Collection[int]) -> tuple[QuarterLine, ...]:
    """From the first run's to the one whose test is next, in order; `months` are those in which tests are due."""
    current = Quarter.of(today)
    named = [quarter for run in runs if (quarter := Quarter.named(run.quarter)) and quarter <= current.next]
    first, last = min([*named, current]), max([*named, current])  # a clock that was wrong is ahead of this one
    found = [_line(each, runs, today, months) for each in _through(first, last)]
    if found[-1].state == PASSED:
        found.append(_line(last.next, runs, today, months))
    return tuple(found)


def _through(first: Quarter, last: Quarter) -> Iterator[Quarter]:
    while first <= last:
        yield first
        first = first.next


def _line(quarter: Quarter, runs: Sequence[RecordedRun], today: date, months: Collection[int]) -> QuarterLine:
    own = sorted((run for run in runs if run.quarter == str(quarter)), key=start)
    return _Tested(quarter, own, today, *quarter.due(months)).line()


@dataclass(frozen=True)
class _Tested:
    """A quarter, its runs by their start, and the days from and by which its test is due."""

    quarter: Quarter
    runs: Sequence[RecordedRun]
    today: date
    due_from: date
    due_by: date

    def line(self) -> QuarterLine:
        """Passed once is passed, whatever else was run; what is neither passed nor failed was not tested."""
        passed, failed = self._newest(PASSED), self._newest(FAILED)
        if passed:
            state, said = PASSED, self._passed(passed, failed)
        elif failed:
            state, said = FAILED, f"on {_when(failed)}: {self._repeat}"
        elif self._is_over:
            state, said = NOT_TESTED, ""
        elif self._is_overdue:
            state, said = OVERDUE, f"since {day(self.due_by)}, by {days(self.today - self.due_by)}"
        else:
            state, said = DUE, self._coming
        overdue = self._is_overdue and not passed
        sentence = "; ".join([*filter(None, [said]), *self._uncounted])
        return QuarterLine(str(self.quarter), state, sentence, self.due_from, self.due_by, overdue, passed or failed)

    def _newest(self, kind: str) -> RecordedRun | None:
        return next((run for run in reversed(self.runs) if run.quarterly == kind), None)

    @property
    def _is_over(self) -> bool:
        return self.quarter < Quarter.of(self.today)

    @property
    def _is_overdue(self) -> bool:
        """A quarter that is over is no longer overdue: its test was missed."""
        return not self._is_over and self.today > self.due_by

    def _passed(self, passed: RecordedRun, failed: RecordedRun | None) -> str:
        issues = " with issues" if passed.outcome == "PASS_WITH_ISSUES" else ""
        again = ""
        if failed and start(failed) > start(passed):
            again = f"; a later drill failed, on {_when(failed)}: repeat it"
        return f"on {_when(passed)}{issues}{self._late}{again}"

    @property
    def _late(self) -> str:
        first = next(run.started_at for run in self.runs if run.quarterly == PASSED)
        return f", after its month ({_month(self.due_from)})" if _is_after(first, self.due_by) else ""

    @property
    def _repeat(self) -> str:
        if self._is_over:
            return "not repeated"
        return f"repeat it{', overdue since' if self._is_overdue else ' by'} {day(self.due_by)}"

    @property
    def _coming(self) -> str:
        if self.today < self.due_from:
            return f"in {_month(self.due_from)}, in {days(self.due_from - self.today)}"
        left = days(self.due_by - self.today)
        return f"this month, by {day(self.due_by)}: {'today' if self.today == self.due_by else f'{left} left'}"

    @property
    def _uncounted(self) -> list[str]:
        """What was run in it, and is no test."""
        others = [
            f"{run.mode.lower()} of {day(run.started_at)} ({run.outcome}{_stand_ins(run)})"
            for run in self.runs
            if not run.quarterly
        ]
        return [f"not counted: {', '.join(others)}"] if others else []


def _when(run: RecordedRun) -> str:
    return f"{day(run.started_at)} ({run.run_id})"


def _is_after(at: datetime | None, last: date) -> bool:
    return at is not None and at.date() > last


def _stand_ins(run: RecordedRun) -> str:
    return "" if run.providers == "REAL" else ", at stand-ins"


def _month(at: date) -> str:
    return MONTHS[at.month - 1]
