"""The short questions: where a server is, what a value is, who is connected."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from runbook.engine.errors import LayerFailed, NoVerdict
from runbook.estate.ports import DatabaseSession, Whereabouts
from runbook.estate.postgres.plan import ORDINARY, identifier, told_apart
from runbook.safety.outside_text import outside_text

if TYPE_CHECKING:
    from psycopg import Connection

VALUE_LIMIT: Final = 1 << 20  # characters: as much as a ciphertext may have

_WHEREABOUTS: Final = """
    select coalesce(host(inet_server_addr()), ''), coalesce(inet_server_port(), 0), pg_postmaster_start_time(),
           pg_is_in_recovery(), current_setting('server_version'), clock_timestamp()"""
_TABLES: Final = (
    "select n.nspname, c.relname from pg_class c join pg_namespace n on n.oid = c.relnamespace"  # noqa: S608 - a constant
    f" where {ORDINARY}"
)
_SESSIONS: Final = """
    select application_name, coalesce(host(client_addr), 'local'), backend_start, usename
    from pg_stat_activity where application_name = %s and pid <> pg_backend_pid()"""
# As a condition, not as a filter of the aggregate: the server then reads an index from its end.
_NEWEST: Final = "select max({column})::timestamptz from {table} where isfinite({column})"
# Without `only`: a table that is named by somebody may be a partitioned one.
_ROWS: Final = "select count(*) from {}"
_VALUE: Final = "select {column}::text from {table} where {key_column} = %s limit 2"


def whereabouts(connection: Connection) -> Whereabouts:
    """Where this connection ended."""
    address, port, started, in_recovery, version, now = _row(connection, _WHEREABOUTS)
    return Whereabouts(
        address=outside_text(address),
        port=port,
        started=started.astimezone(UTC),
        in_recovery=in_recovery,
        version=outside_text(version),
        tls=connection.pgconn.ssl_in_use,  # as seen from here: behind a tunnel's end the server may not know
        server_time=now.astimezone(UTC),
    )


def tables(connection: Connection) -> tuple[str, ...]:
    """The ordinary ones, sorted."""
    return tuple(sorted(told_apart(connection.execute(_TABLES).fetchall())))


def rows(connection: Connection, table: str) -> int:
    """How many there are now, those in its partitions and in what inherits from it too."""
    from psycopg import sql

    (number,) = _row(connection, sql.SQL(_ROWS).format(identifier(table)))
    return int(number)


def newest(connection: Connection, table: str, column: str) -> datetime | None:
    """The largest finite value, None where there is none; a column without a time zone is taken as UTC."""
    from psycopg import sql

    query = sql.SQL(_NEWEST).format(column=sql.Identifier(column), table=identifier(table))
    (found,) = _row(connection, query)
    return found.astimezone(UTC) if isinstance(found, datetime) else None


def text_value(connection: Connection, table: str, key: tuple[str, str], column: str) -> str | None:
    """`key` is a column and its value; None when no row has it, LayerFailed when several have."""
    from psycopg import sql

    query = sql.SQL(_VALUE).format(
        column=sql.Identifier(column), table=identifier(table), key_column=sql.Identifier(key[0])
    )
    found = [value for (value,) in connection.execute(query, (key[1],)).fetchall() if value is not None]
    if len(found) > 1:
        raise LayerFailed(
            f"{outside_text(table)}: several rows have the key that should name one",
            fix="Check [canary] in runbook.toml.",
            source="postgres",
        )
    return outside_text(found[0], VALUE_LIMIT) if found else None


def sessions(connection: Connection, application: str) -> tuple[DatabaseSession, ...]:
    """Those of that name but for this one; NoVerdict when we may not see other users' sessions."""
    found = connection.execute(_SESSIONS, (application,)).fetchall()
    if any(started is None for (_, _, started, _) in found):
        raise NoVerdict(
            "the reader may not see other users' sessions",
            fix="Grant it pg_monitor in production, so that the next backup has it.",
            source="postgres: pg_stat_activity",
        )
    return tuple(_session(*row) for row in found)


def _row(connection: Connection, query: Any) -> tuple[Any, ...]:
    row = connection.execute(query).fetchone()
    return row if row is not None else ()


def _session(application: str, client: str, started: datetime, user: str) -> DatabaseSession:
    return DatabaseSession(
        application=outside_text(application),
        client=outside_text(client),
        started=started.astimezone(UTC),
        user=outside_text(user),
    )
