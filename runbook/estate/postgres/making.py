"""A manifest of a whole database: every table and what stands beside them, as of one snapshot."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final

from runbook.estate.ports import ContentAsk
from runbook.estate.postgres import catalogue, parallel
from runbook.estate.postgres.parallel import Means
from runbook.manifest import Catalogue, Manifest, Table
from runbook.safety.outside_text import outside_text

if TYPE_CHECKING:
    from psycopg import Connection

_IDENTITY: Final = "select current_database(), current_setting('server_version')"


@dataclass(frozen=True, slots=True)
class _Beside:
    database: str
    version: str
    catalogue: Catalogue


async def manifest(means: Means, buckets: int) -> Manifest:
    """NoVerdict names the tables of which we may not see all rows."""
    read = await parallel.read(means, lambda known: tuple(ContentAsk(table, buckets) for table in known), _beside)
    beside = read.also
    tables = {
        content.table: Table(
            rows=content.rows,
            digest=content.digest or "0",
            method=content.method,
            key=read.relations[content.table].shape.key,
            columns=beside.catalogue.columns.get(content.table, ""),
            buckets=content.buckets,
        )
        for content in read.contents
    }
    return Manifest(
        made_at=read.moment,
        database=beside.database,
        server_version=beside.version,
        buckets=buckets,
        tables=tables,
        catalogue=beside.catalogue,
    )


def _beside(connection: Connection) -> Callable[[], _Beside]:
    """Sequences first: a value that was read earlier than the snapshot was reached by then."""
    return partial(_within, connection, catalogue.sequences(connection))


def _within(connection: Connection, sequences: Mapping[str, int | None]) -> _Beside:
    row = connection.execute(_IDENTITY).fetchone()
    assert row is not None  # it is about no rows
    database, version = row
    return _Beside(outside_text(database), outside_text(version), catalogue.within(connection, sequences))
