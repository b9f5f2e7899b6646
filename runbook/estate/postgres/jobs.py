"""The work of one pass, cut into jobs: the largest first, and large tables in ranges of blocks.

So all connections are busy to the end, and progress is told often.  What the jobs answer is added up here.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING, Any, Final

from runbook.estate.ports import ContentAsk, ContentProgress, TableContent
from runbook.estate.postgres.content import Sums, aggregate, content, count, stated, sums
from runbook.estate.postgres.plan import Relation

if TYPE_CHECKING:
    from psycopg.sql import Composed

CHUNK: Final = 64 << 20
"""Bytes of heap and TOAST that are read at a time."""


@dataclass(frozen=True, slots=True)
class Job:
    """One query; `place` is that of its question, `weight` the bytes that it reads."""

    place: int
    relation: Relation
    query: Composed
    weight: int


def jobs(place: int, ask: ContentAsk, relation: Relation, chunk: int | None) -> Iterator[Job]:
    """What answers one question; `chunk` None: the server cannot read a range of blocks."""
    from psycopg.sql import SQL

    if not ask.hashed:  # TOAST is not read, and often not even the heap
        yield Job(place, relation, count(relation.identifier), relation.heap_bytes)
        return
    method = ask.method or relation.method
    stated(relation.name, method, hashable=relation.hashable)
    pieces = _pieces(relation, chunk)
    for start, end, weight in pieces:
        bounds = [SQL("ctid >= {}").format(f"({start},0)")] if start else []
        bounds += [SQL("ctid < {}").format(f"({end},0)")] if end is not None else []
        where = SQL(" and ").join(bounds) if bounds else None
        query = aggregate(
            relation.identifier,
            buckets=ask.buckets,
            key=relation.bucket_key,
            key_hash=relation.key_hash,
            method=method,
            where=where,
        )
        yield Job(place, relation, query, weight)


def _pieces(relation: Relation, chunk: int | None) -> Iterator[tuple[int, int | None, int]]:
    """(first block, end, bytes); the last has no end, for what was added since the size was read."""
    number = -(-relation.size // chunk) if chunk and relation.ranges else 1
    number = max(1, min(number, relation.blocks))
    for piece in range(number):
        start, end = (relation.blocks * each // number for each in (piece, piece + 1))
        weight = relation.size * (piece + 1) // number - relation.size * piece // number
        yield start, end if piece + 1 < number else None, weight


class Tally:
    """Hands out jobs and adds up their answers; safe to use from several threads."""

    def __init__(self, work: Sequence[Job], progress: ContentProgress) -> None:
        self._waiting = deque(sorted(work, key=lambda job: -job.weight))
        self._left = len(work)
        self._total = sum(job.weight for job in work)
        self._done = 0
        self._progress = progress
        self._sums: dict[int, Sums] = {}
        self._lock = Lock()

    @property
    def complete(self) -> bool:
        """Whether every job has been answered."""
        with self._lock:
            return self._left == 0

    def take(self) -> Job | None:
        """The next job; None: all have been taken."""
        with self._lock:
            return self._waiting.popleft() if self._waiting else None

    def add(self, job: Job, rows: Sequence[tuple[Any, ...]]) -> bool:
        """Count a job's answer and tell of it; whether it was the last one."""
        with self._lock:
            total = self._sums.setdefault(job.place, {})
            for bucket, (number, digest) in sums(rows).items():
                before = total.get(bucket, (0, 0))
                total[bucket] = (before[0] + number, before[1] + digest)
            self._left -= 1
            self._done += job.weight
            self._progress(self._done, max(self._total, 1), job.relation.name)
            return self._left == 0

    def answer(self, place: int, ask: ContentAsk, relation: Relation) -> TableContent:
        """To one question, after all jobs."""
        found = self._sums[place]
        if not ask.hashed:
            return TableContent(relation.name, rows=sum(rows for rows, _ in found.values()), digest=None)
        return content(relation.name, found, buckets=ask.buckets, method=ask.method or relation.method)
