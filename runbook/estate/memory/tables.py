"""Tables in memory: rows that are nothing but hashes and the time in which they stood.

A row is known by the hash of its primary key, which decides on its bucket, and its own hash; both come from its table
and number, so the same world is made each time.  Ages are minutes before the world was made: the tables hold
production's whole past, and a copy is cut out of it (`at`).
"""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Final

from runbook.manifest import Method, Sum

DAY: Final = 24 * 60.0
BOOKED_EVERY: Final = 20.0
NEWEST_ROW: Final = 15.0
NEWEST_BACKUP: Final = 70.0
_SETTLED: Final = 400 * DAY
_SINCE_BACKUP: Final = 3  # rows younger than the newest backup, at that pace
_UPDATED_DAYS: Final = 7
_KIB: Final = 1 << 10
_MIB: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class Row:
    """`key` and `hash` are signed 64-bit hashes; `gone` is the age at which it was deleted or changed."""

    key: int
    hash: int
    age: float
    gone: float | None = None

    def stood(self, age: float) -> bool:
        """Whether it was there at that age."""
        return self.age >= age and (self.gone is None or self.gone < age)


@dataclass(frozen=True, eq=False)
class Table:
    """`size` is what there is to read of it, in bytes; `method` how its rows can be hashed."""

    rows: tuple[Row, ...]
    key: tuple[str, ...]
    size: int
    method: Method = "record"

    def emptied(self) -> Table:
        """The same table without a row."""
        return replace(self, rows=(), size=0)

    def with_row(self, row: Row) -> Table:
        """One row more."""
        return replace(self, rows=(*self.rows, row))

    def changed(self, number: int = 0) -> Table:
        """That row has another content under its old key."""
        old = self.rows[number]
        new = replace(old, hash=_signed(hashlib.blake2b(b"%d changed" % old.hash, digest_size=8).digest()))
        return replace(self, rows=(*self.rows[:number], new, *self.rows[number + 1 :]))

    def shrunk(self, keep: int, age: float) -> Table:
        """All rows but the oldest `keep` were deleted at that age."""
        rows = (row if place < keep or row.age < age else replace(row, gone=age) for place, row in enumerate(self.rows))
        return replace(self, rows=tuple(rows))


@functools.lru_cache(maxsize=1024)
def at(table: Table, age: float) -> Table:
    """As it stood at that age."""
    return replace(table, rows=tuple(row for row in table.rows if row.stood(age)))


@functools.lru_cache(maxsize=1024)
def ever(table: Table, age: float) -> int:
    """How many rows there had been until that age, deleted ones too."""
    return len({row.key for row in table.rows if row.age >= age})


@functools.lru_cache(maxsize=1024)
def sums(table: Table, buckets: int, method: Method) -> tuple[Sum, Mapping[int, Sum]]:
    """The whole, and the buckets that hold rows; without a primary key the row's own hash decides on the bucket."""
    counts: dict[int, int] = {}
    totals: dict[int, int] = {}
    for row in table.rows:
        value = row.hash if method == "record" else _as_text(row.hash)
        bucket = (row.key if table.key else value) & (buckets - 1)
        counts[bucket] = counts.get(bucket, 0) + 1
        totals[bucket] = totals.get(bucket, 0) + value
    by_bucket = {one: Sum(rows=counts[one], digest=str(totals[one])) for one in sorted(counts)}
    return Sum(rows=len(table.rows), digest=str(sum(totals.values()))), by_bucket


@functools.cache
def clinic() -> Mapping[str, Table]:
    """Production's tables, all of their past: appointments and notes grow by the hour, some notes are changed."""
    return {
        "public.alembic_version": _settled("alembic_version", 1, ("version_num",), 8 * _KIB),
        "public.appointments": Table(tuple(_booked("appointments", 9000)), ("id",), 1 * _MIB),
        "public.clinical_notes": Table(tuple(_noted()), ("id",), 96 * _MIB),
        "public.patients": _settled("patients", 3000, ("id",), 640 * _KIB),
        "public.runbook_canary": _settled("runbook_canary", 1, ("id",), 16 * _KIB),
        "public.settings": _settled("settings", 4, ("name",), 8 * _KIB),
    }


def row(table: str, number: int, age: float, *, version: int = 0, gone: float | None = None) -> Row:
    """Row `number` of a table, in its `version`th form."""
    key = hashlib.blake2b(f"{table} {number}".encode(), digest_size=8).digest()
    content = hashlib.blake2b(f"{table} {number} {version}".encode(), digest_size=8, key=b"row").digest()
    return Row(_signed(key), _signed(content), age, gone)


def _settled(table: str, count: int, key: tuple[str, ...], size: int) -> Table:
    return Table(tuple(row(table, number, _SETTLED) for number in range(1, count + 1)), key, size)


def _booked(table: str, count: int) -> Iterable[Row]:
    """Oldest first, `count` of them in the newest backup."""
    last = count + _SINCE_BACKUP
    return (row(table, number, NEWEST_ROW + BOOKED_EVERY * (last - number)) for number in range(1, last + 1))


def _noted() -> Iterable[Row]:
    """A note with each booking; each day one old note is changed, ten minutes after the backup."""
    changes = {1000 + day: NEWEST_BACKUP + day * DAY - 10 for day in range(_UPDATED_DAYS)}
    for number, old in enumerate(_booked("clinical_notes", 4000), start=1):
        if number in changes:
            yield replace(old, gone=changes[number])
            yield row("clinical_notes", number, changes[number], version=1)
        else:
            yield old


def _as_text(value: int) -> int:
    """What the other method makes of the same row."""
    return _signed(hashlib.blake2b(b"%d as text" % value, digest_size=8).digest())


def _signed(raw: bytes) -> int:
    return int.from_bytes(raw, signed=True)
