"""Proof of what an altered row said before: the values with which its hash is right again.

A hash cannot be asked what it was taken over; but where one value is tried in place of another and the hash becomes
that which was written down, this value is what stood there.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from json.encoder import encode_basestring
from typing import Final

from runbook.records.audit.guesses import guesses, likely, saved_by_a_spreadsheet
from runbook.records.log.testlog import COLUMNS, Domain, Row

Guess = Callable[[str, str], Iterator[str]]
HASHED: Final = tuple(sorted(set(COLUMNS) - {"row_hash"}))
TRIES: Final = 130_000
"""Of single values for one row: a fraction of a second."""


class Substitution:
    """A row whose values can be tried out against its stored hash."""

    def __init__(self, row: Row, stored: str, domain: Domain) -> None:
        self.row = row
        self._stored = stored.removeprefix("sha256:")
        self._opening = domain.encode("ascii") + b"\0{"
        self._before = dict(self._states())

    def is_right(self, changes: Mapping[str, str]) -> bool:
        """Whether the hash is right with these values in place of the row's."""
        parts = (self._part(column, changes.get(column, self.row[column])) for column in HASHED)
        return hashlib.sha256(self._opening + b",".join(parts) + b"}").hexdigest() == self._stored

    def first(self, column: str, values: Iterable[str]) -> str | None:
        """The first of these values with which the hash is right, in that column."""
        before, after = self._before[column]
        for value in values:
            state = before.copy()
            state.update(encode_basestring(value).encode("utf-8", "surrogatepass") + after)
            if state.hexdigest() == self._stored:
                return value
        return None

    def _states(self) -> Iterator[tuple[str, tuple[hashlib._Hash, bytes]]]:
        """The hash up to each value, and the bytes behind it."""
        parts = [self._part(column, self.row[column]) for column in HASHED]
        state = hashlib.sha256(self._opening)
        for number, column in enumerate(HASHED):
            name = f'"{column}":'.encode()
            before = state.copy()
            before.update(name)
            behind = b"".join(b"," + part for part in parts[number + 1 :]) + b"}"
            yield column, (before, behind)
            state.update(parts[number] + b",")

    @staticmethod
    def _part(column: str, value: str) -> bytes:
        return f'"{column}":{encode_basestring(value)}'.encode("utf-8", "surrogatepass")


def was(row: Row, stored: str, prev: str | None, domain: Domain) -> Mapping[str, str]:
    """The columns that were changed, and what they said; empty where no guess is right.

    `stored`: the hash that was written down for the row; `prev`: the row before it, where that is known.
    """
    tried = Substitution(row, stored, domain)
    if prev is not None and row["prev_hash"] != prev and tried.is_right({"prev_hash": prev}):
        return {"prev_hash": prev}
    for changes in saved_by_a_spreadsheet(row):
        if tried.is_right(changes):
            return {column: value for column, value in changes.items() if value != row[column]}
    return _one(tried, row, likely) or _two(tried, stored, domain) or _one(tried, row, guesses)


def _one(tried: Substitution, row: Row, kind: Guess) -> Mapping[str, str]:
    """One value, the short ones first: they are what counts, and where there is least to try."""
    left = TRIES
    for column in sorted(HASHED, key=lambda each: len(row[each])):
        values = list(islice(kind(column, row[column]), left))
        left -= len(values)
        found = tried.first(column, values)
        if found is not None:
            return {column: found}
    return {}


def _two(tried: Substitution, stored: str, domain: Domain) -> Mapping[str, str]:
    """Two words: an outcome, and the stage that stood against it."""
    for column in HASHED:
        for value in likely(column, tried.row[column]):
            found = _one(Substitution({**tried.row, column: value}, stored, domain), tried.row, likely)
            if found:
                return {column: value, **found}
    return {}


def differing(row: Row, other: Row) -> Sequence[str]:
    """The columns in which another account of the same row says something else."""
    return [column for column in COLUMNS if column in other and row[column] != other[column]]
