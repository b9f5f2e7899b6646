"""Every look at the structure of a database, in one answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from runbook.estate.ports import ContentProgress, Reading
from runbook.estate.postgres import indexes, pages, rules, standing
from runbook.estate.postgres.looks import Look, Meter, planned, read

if TYPE_CHECKING:
    from psycopg import Connection

_BULK: Final = (  # planned together, so that the whole amount is known before the first is read
    Look("index structure", indexes.structure),
    Look("heap structure", pages.structure),
    Look("foreign keys", rules.foreign_keys),
    Look("sequences behind their columns", rules.sequences),
)
_REST: Final = (
    Look("invalid indexes", indexes.unfinished),
    Look("constraints not validated", rules.constraints),
    Look("disabled triggers", rules.triggers),
    Look("extensions", standing.extensions),
    Look("collation versions", standing.collations),
    Look("prepared transactions", standing.prepared),
    Look("replication slots", standing.slots),
    Look("subscriptions", standing.subscriptions),
    Look("unlogged tables", standing.unlogged),
    Look("large objects", standing.large_objects),
    Look("materialised views", standing.materialised_views),
    Look("transaction id age", standing.ages),
    Look("checksum failures", pages.checksums),  # last: it covers what all the others have read
)


def readings(connection: Connection, progress: ContentProgress) -> tuple[Reading, ...]:
    """Every look, run or not; an error in one is its own.  `found` and `not_run` may both be there: a part of it was
    looked at.  `QueryCanceled` is raised where somebody cancelled a statement: nobody waits for the rest."""
    plans = [planned(connection, look) for look in _BULK]
    meter = Meter(progress, sum(plan.size for plan in plans))
    bulk = [read(connection, look.name, plan, meter) for look, plan in zip(_BULK, plans, strict=True)]
    return (*bulk, *(read(connection, look.name, planned(connection, look), meter) for look in _REST))
