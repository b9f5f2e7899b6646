"""What was done to a damaged row: which column was changed and what it said, which row was moved, which removed.

By proof where there is one (`substituting`), else by the run's own evidence, else by the form that the column has.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Final

from runbook.records.audit.recollection import Recollection
from runbook.records.audit.substituting import was
from runbook.records.log.formats import FORMATS, WORDS
from runbook.records.log.index import Index
from runbook.records.log.problems import called
from runbook.records.log.reading import Record
from runbook.records.log.testlog import FIRST, Domain, Row, row_hash
from runbook.records.log.verdicts import LogVerdict, Problem
from runbook.safety.outside_text import outside_text

LOOKED_INTO: Final = 20
"""Problems of a kind; the column of an altered row takes a fraction of a second to find."""
VALUE: Final = 60  # characters of a value in a sentence
_LISTED: Final = 4


class Diagnosis:
    """Of a judged log: its index says where each row stands, `anchors` which hash a row has elsewhere."""

    def __init__(self, index: Index, domain: Domain, evidence: Recollection, anchors: Mapping[int, str]) -> None:
        self._index = index
        self._domain = domain
        self._evidence = evidence
        self._anchors = anchors

    def of(self, problems: Sequence[Problem]) -> tuple[Problem, ...]:
        """The same problems, with row, column and what is known of how it was."""
        return tuple(self._each(problems))

    def _each(self, problems: Sequence[Problem]) -> Iterator[Problem]:
        left = Counter({LogVerdict.ROW_ALTERED: LOOKED_INTO, LogVerdict.ROW_MISSING: LOOKED_INTO})
        for problem in problems:
            found = self._index.at(problem.row) if problem.row and problem.row <= len(self._index) else None
            left[problem.verdict] -= 1
            if problem.row is None or found is None or left[problem.verdict] < 0:
                yield problem
            elif problem.verdict is LogVerdict.ROW_ALTERED and problem.column is None:
                yield self._altered(problem, problem.row, found)
            elif problem.verdict is LogVerdict.ROW_MISSING:
                yield replace(problem, sentence=f"{_called(problem.row, found)} {self._place(problem.row, found.row)}")
            else:
                yield problem

    # -- altered ------------------------------------------------------------------------------------------------------
    def _altered(self, problem: Problem, number: int, found: Record) -> Problem:
        column, sentence = self._changed(number, found)
        said = f"{_called(number, found)}, {column}: {sentence}" if column else f"{_called(number, found)} {sentence}"
        return replace(problem, column=column, sentence=said)

    def _changed(self, number: int, found: Record) -> tuple[str | None, str]:
        row, stored = found.row, found.row["row_hash"]
        if self._of_another_log(row, stored):
            return "mode", "it is a whole row of the other kind of log, training or test: it was put into this one"
        if found.hash and found.hash in self._known(number):
            return "row_hash", "its hash was changed; every other value is the one that was written"
        before = self._index.hash_at(number - 1) if number > 1 else FIRST
        for right in dict.fromkeys((stored, *self._known(number))):
            if proved := was(row, right, before, self._domain):
                return _first(proved), _proved(row, proved)
        if column := self._evidence.differing(row):
            return column[0], _remembered(row, column, self._evidence.of(row))
        if column := _unformed(row):
            return column[0], f"says {_quoted(row[column[0]])}, which this column never says{_also(column[1:])}"
        return None, "was changed: its hash is not that of its values"

    def _of_another_log(self, row: Row, stored: str) -> bool:
        try:
            return any(row_hash(row, other) == stored for other in Domain if other is not self._domain)
        except UnicodeEncodeError:
            return False

    def _known(self, number: int) -> tuple[str, ...]:
        """Which hash the row has in the row after it, or outside of the log."""
        after = self._index.at(number + 1) if number < len(self._index) else None
        said = (after.row["prev_hash"] if after and after.hash == after.fields[-1] else "", self._anchors.get(number))
        return tuple(each for each in said if each)

    # -- missing, moved -----------------------------------------------------------------------------------------------
    def _place(self, number: int, row: Row) -> str:
        """Where a row that does not follow the one before it belongs."""
        prev = row["prev_hash"]
        if prev == FIRST:
            return f"was written as the first row of a log, and stands behind row {number - 1}: it was moved or put in"
        at = self._index.number_of(prev)
        if at is not None and at < number:
            return f"was written behind row {at}: what stands between them was moved or put in, or it was moved itself"
        if at is not None:
            return f"was written behind what is row {at} now: rows were moved"
        behind = f"row {number - 1}" if number > 1 else "the header"
        if name := self._evidence.removed(self._index, behind=number - 1, hash_after=prev):
            return f"does not follow {behind}: the row of {outside_text(name, VALUE)} was removed from there"
        names = self._evidence.without_row(self._index)
        hint = f" (evidence without a row: {_listed(names)})" if names else ""
        return f"does not follow {behind}: the row before it was removed, or more than one{hint}"


def _called(number: int, found: Record) -> str:
    return called(number, found.row["run_id"])


def _first(columns: Mapping[str, str]) -> str:
    """The one that is named: what was decided counts more than what follows from it."""
    return min(columns, key=lambda column: (column != "outcome", column not in WORDS, column))


def _proved(row: Row, proved: Mapping[str, str]) -> str:
    column = _first(proved)
    said = f"says {_quoted(row[column])}; with {_quoted(proved[column])} its hash is right again"
    others = [each for each in proved if each != column]
    return f"{said}, where {_listed(others)} are put back too" if others else said


def _remembered(row: Row, columns: Sequence[str], evidence: Row) -> str:
    column = columns[0]
    return f"says {_quoted(row[column])}; the run's evidence says {_quoted(evidence[column])}{_also(columns[1:])}"


def _unformed(row: Row) -> Sequence[str]:
    words = [column for column, allowed in WORDS.items() if row[column] not in allowed]
    return [*words, *(column for column, form in FORMATS.items() if not form.fits(row[column]))]


def _also(columns: Sequence[str]) -> str:
    return f" (also {_listed(columns)})" if columns else ""


def _listed(names: Sequence[str]) -> str:
    said = ", ".join(outside_text(each, VALUE) for each in names[:_LISTED])
    return f"{said} and {len(names) - _LISTED} more" if len(names) > _LISTED else said


def _quoted(value: str) -> str:
    return f'"{outside_text(value, VALUE)}"' if value else "nothing"
