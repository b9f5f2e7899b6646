"""The content of one table, by one aggregate on the server's side.

A digest is the sum of the rows' hashes: it does not depend on their order, and equal rows do not cancel each other as
they would under xor.  These find damage; they are no proof against somebody who forges rows.

Method `record` sees what the types call different.  It does not see a change between values that are equal by the
type's own word and only written differently: 1.0 and 1.000 (numeric, also in jsonb), 0 and -0 (float), 1 month and
30 days (interval), [0:0]={1} and {1} (arrays).  Where letters would go unseen (citext, a collation that is not
deterministic), and where a type has no hash, `plan` chooses method `text`, which sees whatever is written differently.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Final, Literal, LiteralString

from runbook.engine.errors import LayerFailed
from runbook.estate.ports import TableContent
from runbook.estate.postgres.plan import ROW_HASH, identifier, relation, relations
from runbook.manifest import Method, Sum

if TYPE_CHECKING:
    from psycopg import Connection
    from psycopg.sql import Composable, Composed, Identifier

Sums = dict[int, tuple[int, int]]
"""Bucket → rows and the sum of their hashes; the whole table is bucket 0 of 1."""

_HASHES: Final = {"record": "hash_record_extended(runbook_row, 0)", "text": "hashtextextended(runbook_row::text, 0)"}
# OFFSET 0 keeps the planner from looking into the inner query: each row is hashed once, and it expects few groups, so
# that it does not sort the rows of a whole table first.
_BUCKETS: Final = """
    select runbook_bucket, count(*), sum(runbook_hash)::text
    from (select {bucket} & {mask} as runbook_bucket, {hash} as runbook_hash
          from only {table} runbook_row {where} offset 0) runbook_rows
    group by runbook_bucket"""


def aggregate(
    table: str | Identifier,
    *,
    buckets: int = 1,
    key: tuple[str, ...] = (),
    key_hash: LiteralString = ROW_HASH,
    method: Method = "record",
    where: Composable | None = None,
) -> Composed:
    """A query that answers a row (bucket, count, sum of hashes as text) for each bucket that holds rows.

    With one bucket it answers exactly one row, bucket 0 and sum "0" for an empty table.  `key` are the columns that
    decide on the bucket (none: the whole row); `key_hash` may be a function that hashes one column as it hashes a row
    of that column alone.  `where` is a condition without the word, such as
    `sql.SQL("created_at <= {}").format(moment)`.
    """
    from psycopg.sql import SQL, Literal

    parts = {"table": _named(table), "hash": SQL(_HASHES[method]), "where": _where(where)}
    if buckets == 1:
        return SQL("select 0, count(*), coalesce(sum({hash}), 0)::text from only {table} runbook_row {where}").format(
            **parts
        )
    bucket = _of_key(key, key_hash) if key else SQL("{}").format(parts["hash"])
    return SQL(_BUCKETS).format(bucket=bucket, mask=Literal(buckets - 1), **parts)


def count(table: str | Identifier, where: Composable | None = None) -> Composed:
    """`aggregate` without hashes: the server may answer it from an index alone."""
    from psycopg.sql import SQL

    query = SQL("select 0, count(*), '0' from only {table} runbook_row {where}")
    return query.format(table=_named(table), where=_where(where))


def read(
    connection: Connection,
    table: str,
    *,
    buckets: int = 1,
    method: Method | Literal[""] = "",
    where: Composable | None = None,
) -> TableContent:
    """The content of one table over this connection, in its transaction if it is in one; as `contents` says it.

    `method` "" is whichever works.  Raises `psycopg.Error`; LayerFailed when the table is not there.
    """
    found = relation(relations(connection), table)
    chosen = method or found.method
    query = aggregate(
        found.identifier,
        buckets=buckets,
        key=found.bucket_key,
        key_hash=found.key_hash,
        method=chosen,
        where=where,
    )
    return content(found.name, sums(connection.execute(query).fetchall()), buckets=buckets, method=chosen)


def sums(rows: Iterable[tuple[Any, ...]]) -> Sums:
    """What the rows of an `aggregate` say."""
    return {int(bucket): (int(rows), int(digest)) for bucket, rows, digest in rows}


def content(table: str, found: Sums, *, buckets: int, method: Method) -> TableContent:
    """The sums of all buckets as the port says them."""
    held = {bucket: Sum(rows=rows, digest=str(digest)) for bucket, (rows, digest) in sorted(found.items()) if rows}
    return TableContent(
        table=table,
        rows=sum(rows for rows, _ in found.values()),
        digest=str(sum(digest for _, digest in found.values())),
        method=method,
        buckets=held if buckets > 1 else {},
    )


def stated(table: str, method: Method, *, hashable: bool) -> None:
    """LayerFailed when the row's own hash is asked for and there is none: the column's type is another one."""
    if method == "record" and not hashable:
        raise LayerFailed(
            f"content of {table}: a column has a type that has no hash, which it had at the source",
            fix="Compare the columns with the manifest: was the right snapshot restored?",
            source="postgres",
        )


def _named(table: str | Identifier) -> Identifier:
    return identifier(table) if isinstance(table, str) else table


def _where(condition: Composable | None) -> Composable:
    from psycopg.sql import SQL

    return SQL("") if condition is None else SQL("where {}").format(condition)


def _of_key(key: tuple[str, ...], key_hash: LiteralString) -> Composed:
    from psycopg.sql import SQL, Identifier

    columns = SQL(", ").join(Identifier("runbook_row", column) for column in key)
    hashed = SQL("row({})").format(columns) if key_hash == ROW_HASH else columns
    return SQL("{}({}, 0)").format(SQL(key_hash), hashed)
