"""What can be said of a log."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from runbook.records.log.testlog import Row


class LogVerdict(StrEnum):
    """What can be said of a log; in the order in which the worst is named."""

    FILE_ABSENT = "FILE_ABSENT"  # no file although there should be one
    NEWER_VERSION = "NEWER_VERSION"  # written by a newer tool: read-only here
    HEADER = "HEADER"  # not this log's columns
    ROW_ALTERED = "ROW_ALTERED"  # a value is not the one that was written
    ROW_MISSING = "ROW_MISSING"  # a row was removed, or rows were moved
    ROW_DUPLICATED = "ROW_DUPLICATED"  # a row stands twice
    TRUNCATED = "TRUNCATED"  # its newest rows are gone: a head that is known elsewhere says so
    TORN_TAIL = "TORN_TAIL"  # the last line is not whole
    EVIDENCE_ALTERED = "EVIDENCE_ALTERED"  # a file of a run's evidence is not the one that was sealed
    EVIDENCE_MISSING = "EVIDENCE_MISSING"  # a run's evidence, or a file of it, is not there
    RE_ENCODED = "RE-ENCODED"  # same records, other quoting, line ends or BOM: harmless
    OK = "OK"


HARMLESS = frozenset({LogVerdict.OK, LogVerdict.RE_ENCODED})


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong with a log; `row` counts records from 1, None where it is about the file."""

    verdict: LogVerdict
    row: int | None
    column: str | None
    sentence: str


def worst(problems: Iterable[Problem]) -> LogVerdict:
    """The worst problem's, or OK."""
    order = list(LogVerdict)
    return min((problem.verdict for problem in problems), key=order.index, default=LogVerdict.OK)


class Judgement:
    """What the problems of something come to."""

    __slots__ = ()

    problems: tuple[Problem, ...]

    @property
    def verdict(self) -> LogVerdict:
        """The worst problem's, or OK."""
        return worst(self.problems)

    @property
    def sound(self) -> bool:
        """Every record is as it was written: a row may be appended."""
        return self.verdict in HARMLESS


@dataclass(frozen=True, slots=True)
class Verification(Judgement):
    """A judged log.  `head` is the last row's hash, as stored."""

    rows: tuple[Row, ...]
    problems: tuple[Problem, ...]
    head: str
