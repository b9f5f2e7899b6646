"""Manifests in memory: what production states of its content, around each of its newest backups."""

from __future__ import annotations

import functools
from collections.abc import Collection, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Final

from runbook.estate.memory.contents import ENGINE_VERSION, catalogue, fingerprint, sequences
from runbook.estate.memory.names import DATABASE
from runbook.estate.memory.production import Production
from runbook.estate.memory.tables import DAY, NEWEST_BACKUP, Table, at, sums
from runbook.manifest import BUCKETS, Manifest
from runbook.manifest import Table as Stated

BACKUPS: Final = 7
APART: Final = timedelta(minutes=30)

Tables = tuple[tuple[str, Table], ...]
Sequences = tuple[tuple[str, int | None], ...]


def around_backups(production: Production) -> Iterator[tuple[datetime, bytes]]:
    """One half an hour before and one half an hour after each of the newest backups, oldest first."""
    for day in range(BACKUPS - 1, -1, -1):
        backup = production.made - timedelta(minutes=NEWEST_BACKUP + day * DAY)
        for moment in (backup - APART, backup + APART):
            yield moment, at_moment(production, moment)


def at_moment(production: Production, moment: datetime) -> bytes:
    """What production stated at that moment."""
    age = production.age(moment)
    tables = tuple((name, at(table, age)) for name, table in sorted(production.tables.items()))
    return _body(tables, tuple(sequences(production, moment).items()), frozenset(production.hidden), moment)


def manifest(
    tables: Mapping[str, Table],
    used: Mapping[str, int | None],
    hidden: Collection[str],
    made_at: datetime,
    buckets: int = BUCKETS,
) -> Manifest:
    """Of these tables and sequences, as `Database.manifest` makes it."""
    return Manifest(
        made_at=made_at,
        database=DATABASE,
        server_version=ENGINE_VERSION,
        buckets=buckets,
        tables={name: _stated(name, table, buckets) for name, table in sorted(tables.items())},
        catalogue=catalogue(tables, used, hidden),
    )


def _stated(name: str, table: Table, buckets: int) -> Stated:
    whole, by_bucket = sums(table, buckets, table.method)
    return Stated(
        rows=whole.rows,
        digest=whole.digest,
        method=table.method,
        key=table.key,
        columns=fingerprint(name),
        buckets=by_bucket,
    )


@functools.lru_cache(maxsize=64)
def _body(tables: Tables, used: Sequences, hidden: frozenset[str], moment: datetime) -> bytes:
    return manifest(dict(tables), dict(used), hidden, moment).as_json()
