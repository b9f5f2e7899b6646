"""Single facts that only the owner of the data knows to ask for."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any, Final

from runbook.engine.errors import LayerFailed
from runbook.estate.ports import KeyVersions
from runbook.estate.postgres.plan import identifier
from runbook.safety.outside_text import outside_text

if TYPE_CHECKING:
    from psycopg import Connection

_NUMBERS: Final = frozenset({"int2", "int4", "int8", "float4", "float8", "numeric"})
_TRUTH: Final = {b"t": "true", b"f": "false"}
# Nine digits: what is longer is no version, and must not become a number without an end.
_VERSIONS: Final = r"""
    select substring({column}::text from '^vault:v(\d{{1,9}}):'), count(*) from {table}
    where {column} is not null group by 1"""


def assertion(connection: Connection, query: str) -> str:
    """The one value that the query answers: a number as it is written, `true`, `false` or `null`; of anything else its
    type and the SHA-256 of its text, since it may be a patient's.  Run as given, alone, in a read-only transaction."""
    before = connection.read_only
    connection.read_only = True
    try:
        with connection.transaction():
            # Prepared: the server then takes one statement, not several.
            answer = connection.execute(query, prepare=True)
            return _only_value(answer.pgresult, connection)
    finally:
        if not connection.closed:
            connection.read_only = before


def _only_value(result: Any, connection: Connection) -> str:
    rows, columns = result.ntuples, result.nfields
    if (rows, columns) != (1, 1):
        raise LayerFailed(
            f"the query answers {rows} rows of {columns} columns, and must answer one value",
            fix="Correct it under [[database.assertions]]: one row with one column.",
            source="postgres",
        )
    raw: bytes | None = result.get_value(0, 0)
    if raw is None:
        return "null"
    return _shown(_type_name(result.ftype(0), connection), raw)


def _type_name(oid: int, connection: Connection) -> str:
    known = connection.adapters.types.get(oid)
    return known.name if known else f"type {oid}"


def _shown(type_name: str, raw: bytes) -> str:
    if type_name == "bool":
        return _TRUTH[raw]
    if type_name in _NUMBERS:
        return outside_text(raw)
    return f"{type_name} sha256:{hashlib.sha256(raw).hexdigest()}"


def key_versions(connection: Connection, table: str, column: str) -> KeyVersions:
    """Counted where the data is; `values` are all that are not null."""
    from psycopg import sql

    query = sql.SQL(_VERSIONS).format(column=sql.Identifier(column), table=identifier(table))
    counted: dict[str | None, int] = dict(connection.execute(query).fetchall())
    versions = sorted(int(version) for version in counted if version is not None)
    return KeyVersions(tuple(versions), sum(counted.values()), other=counted.get(None, 0))
