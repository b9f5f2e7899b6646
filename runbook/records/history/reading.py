"""A log read as its history; read-only, offline."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from runbook.records.audit.checking import Checked, check
from runbook.records.audit.evidence_rows import root_of
from runbook.records.evidence.sealing import SUMS
from runbook.records.history.answers import answer, last_success
from runbook.records.history.quarters import quarters
from runbook.records.history.runs import recorded
from runbook.records.history.trends import trends
from runbook.records.log.folding import Told, told
from runbook.records.log.index import Index
from runbook.records.log.reading import Record
from runbook.records.log.testlog import Domain, Row
from runbook.records.log.verdicts import LogVerdict
from runbook.views import HistoryView, RecordedRun

UNRELIABLE: Final = frozenset(
    {LogVerdict.ROW_ALTERED, LogVerdict.ROW_DUPLICATED, LogVerdict.ROW_MISSING, LogVerdict.TORN_TAIL}
)
"""What is wrong with a row itself, or with its place: nothing is answered from such a row."""


@dataclass(frozen=True, slots=True)
class Log:
    """A log as it was judged, and every row that can be read, with its number from 1."""

    checked: Checked
    rows: tuple[tuple[int, Row], ...]

    @property
    def damaged(self) -> frozenset[int | None]:
        """Numbers of rows that are not as they were written."""
        return frozenset(problem.row for problem in self.checked.problems if problem.verdict in UNRELIABLE)

    @property
    def begun(self) -> bool:
        """Whether anything was ever recorded: a log that was, and is gone, has left its head or sealed evidence."""
        if self.checked.verdict is not LogVerdict.FILE_ABSENT:
            return True
        root = root_of(self.checked.path, self.checked.domain)
        return bool(self.checked.anchors) or any(root.glob(f"evidence/*/{SUMS}"))

    @property
    def sound(self) -> bool:
        """Nothing is wrong with it; or there is none yet."""
        return self.checked.sound or not self.begun


def read(path: Path, *, named: bool = False, evidence: bool = False) -> Log:
    """The log there, judged, with its `evidence` where that is wanted; RecordFailed where it cannot be read."""
    rows = list[tuple[int, Row]]()

    def keep(number: int, found: Record, _: Index) -> None:
        rows.append((number, found.row))

    checked = check(path, named=named, evidence=evidence, diagnosed=False, visit=keep)
    return Log(checked, tuple(rows))


def view(log: Log, now: datetime, months: Collection[int]) -> HistoryView:
    """What it tells on that day; `months` are those in which tests are due."""
    damaged = log.damaged
    sure = _runs((number, row) for number, row in log.rows if number not in damaged)
    training = log.checked.domain is Domain.TRAINING
    last = None if training else last_success(sure)
    return HistoryView(
        training=training,
        verdict=log.checked.verdict.value,
        sound=log.sound,
        begun=log.begun,
        answer="" if training else answer(last),
        last_success=last,
        quarters=() if training else quarters(sure, now.astimezone(UTC).date(), months),
        runs=_runs(log.rows, damaged),
        trends=trends(sure),
    )


def _runs(rows: Iterable[tuple[int, Row]], damaged: Collection[int | None] = ()) -> tuple[RecordedRun, ...]:
    numbers, found = numbered(rows)
    return tuple(
        recorded(
            each, numbers[id(each.run)], damaged=any(numbers[id(row)] in damaged for row in (each.run, *each.further))
        )
        for each in found
    )


def numbered(rows: Iterable[tuple[int, Row]]) -> tuple[dict[int, int], tuple[Told, ...]]:
    """The runs, and the number of each row by the row's identity."""
    kept = tuple(rows)
    return {id(row): number for number, row in kept}, told(row for _, row in kept)
