"""PostgreSQL: the restored database, from inside, by one short read-only connection for each question.

TLS is always verify-full.  Neither `PG*` variables nor files in the home folder matter: whatever libpq would take
from them is given explicitly.  Row security is off, so a policy that would hide rows is an error instead.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, LiteralString, TypeVar

from runbook.config import Database
from runbook.engine.errors import LayerFailed, NoVerdict
from runbook.engine.ports import Secret
from runbook.estate.door import Door
from runbook.estate.ports import DatabaseSession, Endpoint, TableContent, Whereabouts
from runbook.estate.postgres_conninfo import PIN_AGAIN, conninfo, forget_service
from runbook.estate.postgres_errors import not_connected, refused
from runbook.safety.interlock import Interlock
from runbook.safety.outside_text import outside_text

if TYPE_CHECKING:
    from psycopg import Connection

T = TypeVar("T")
Parameters = Callable[[Endpoint, int], str]
"""The connection string for an endpoint and a statement timeout in seconds."""

PROBE_TIMEOUT_S: Final = 30
CONTENT_TIMEOUT_S: Final = 4 * 3600  # a fresh copy fetches each block from the provider's store on first touch
VALUE_LIMIT: Final = 1 << 20

_WHEREABOUTS: Final = """
    select coalesce(host(inet_server_addr()), ''), coalesce(inet_server_port(), 0), pg_postmaster_start_time(),
           pg_is_in_recovery(), current_setting('server_version'), clock_timestamp()"""
_TABLES: Final = """
    select n.nspname || '.' || c.relname from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where c.relkind = 'r' and n.nspname <> 'information_schema' and n.nspname !~ '^pg_'"""
_SESSIONS: Final = """
    select application_name, coalesce(host(client_addr), 'local'), backend_start, usename
    from pg_stat_activity where application_name = %s and pid <> pg_backend_pid()"""
# The sum does not depend on the order of rows, and equal rows do not cancel each other as they would under xor.
_COUNT: Final = "select count(*) from {}"
_BY_ROW: Final = "select count(*), coalesce(sum(hash_record_extended(runbook_row, 0)), 0)::text from {} runbook_row"
_BY_TEXT: Final = "select count(*), coalesce(sum(hashtextextended(runbook_row::text, 0)), 0)::text from {} runbook_row"
_NEWEST: Final = "select max({column}) filter (where isfinite({column}))::timestamptz from {table}"
_VALUE: Final = "select {column}::text from {table} where {key_column} = %s limit 2"


class PostgresDatabases:
    """`Databases`: what can be reached as one user, by endpoint."""

    def __init__(self, config: Database, password: Secret, interlock: Interlock, door: Door) -> None:
        self._config = config
        self._password = password
        self._interlock = interlock
        self._door = door
        forget_service()

    def at(self, endpoint: Endpoint) -> PostgresDatabase:
        """The configured database at that endpoint; nothing is connected yet."""
        return PostgresDatabase(endpoint, self._parameters, self._interlock, self._door)

    def _parameters(self, endpoint: Endpoint, timeout_s: int) -> str:
        return conninfo(
            endpoint,
            user=self._config.user,
            database=self._config.name,
            password=self._password,
            ca_file=self._config.ca_file,
            timeout_s=timeout_s,
        )


class PostgresDatabase:
    """`Database` at one endpoint; `parameters` makes those of a connection, the password among them."""

    def __init__(
        self,
        endpoint: Endpoint,
        parameters: Parameters,
        interlock: Interlock,
        door: Door,
    ) -> None:
        self._endpoint = endpoint
        self._parameters = parameters
        self._interlock = interlock
        self._door = door

    async def ping(self) -> None:
        await self._ask("select 1", lambda connection: connection.execute("select 1").fetchone())

    async def whereabouts(self) -> Whereabouts:
        return await self._ask("where am I", _whereabouts)

    async def tables(self) -> tuple[str, ...]:
        rows = await self._ask("list of tables", lambda connection: connection.execute(_TABLES).fetchall())
        return tuple(sorted(outside_text(name) for (name,) in rows))

    async def rows(self, table: str) -> int:
        (rows,) = await self._ask(
            f"row count of {table}",
            lambda connection: _row(connection, _named(_COUNT, table)),
            timeout_s=CONTENT_TIMEOUT_S,
        )
        return int(rows)

    async def content(self, table: str) -> TableContent:
        """`digest` starts with "text:" where a column's type has no hash of its own (json): then the rows' texts are
        summed.  The two kinds do not compare.  An empty table has "0"."""
        return await self._ask(
            f"content of {table}", lambda connection: _content(connection, table), timeout_s=CONTENT_TIMEOUT_S
        )

    async def newest(self, table: str, column: str) -> datetime | None:
        """The largest finite value, None for an empty table; a column without a time zone is taken as UTC."""
        return await self._ask(f"newest {table}.{column}", lambda connection: _newest(connection, table, column))

    async def text_value(self, table: str, key_column: str, key: str, column: str) -> str | None:
        """None when no row has the key; LayerFailed when several have."""
        found = await self._ask(
            f"{table}.{column}", lambda connection: _values(connection, table, (key_column, key), column)
        )
        if len(found) > 1:
            raise LayerFailed(
                f"{table}: several rows have the key that should name one",
                fix="Check [canary] in runbook.toml.",
                source="postgres",
            )
        return found[0] if found else None

    async def sessions(self, application: str) -> tuple[DatabaseSession, ...]:
        """NoVerdict when the reader may not see other users' sessions."""
        rows = await self._ask("sessions", lambda connection: connection.execute(_SESSIONS, (application,)).fetchall())
        if any(started is None for (_, _, started, _) in rows):
            raise NoVerdict(
                "the reader may not see other users' sessions",
                fix="Grant it pg_monitor in production, so that the next backup has it.",
                source="postgres: pg_stat_activity",
            )
        return tuple(_session(*row) for row in rows)

    async def _ask(self, what: str, question: Callable[[Connection], T], *, timeout_s: int = PROBE_TIMEOUT_S) -> T:
        return await self._door(self._answer, outside_text(what), question, timeout_s)

    def _answer(self, what: str, question: Callable[[Connection], T], timeout_s: int) -> T:
        import psycopg

        with self._connected(timeout_s) as connection:
            try:
                connection.execute(PIN_AGAIN)
                return question(connection)
            except psycopg.Error as error:
                raise refused(error, what) from None

    def _connected(self, timeout_s: int) -> Connection:
        import psycopg

        where = self._endpoint
        self._interlock.check_named("postgres:Read", where.hostaddr or where.host)
        try:
            connection = psycopg.connect(self._parameters(where, timeout_s), autocommit=True)
        except psycopg.Error as error:
            raise not_connected(error, f"{where.host}:{where.port}") from None
        return connection


def _row(connection: Connection, query: Any, parameters: tuple[str, ...] | None = None) -> tuple[Any, ...]:
    row = connection.execute(query, parameters).fetchone()
    return row if row is not None else ()


def _whereabouts(connection: Connection) -> Whereabouts:
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


def _content(connection: Connection, table: str) -> TableContent:
    from psycopg.errors import UndefinedFunction

    try:
        rows, digest = _row(connection, _named(_BY_ROW, table))
    except UndefinedFunction:
        rows, digest = _row(connection, _named(_BY_TEXT, table))
        digest = f"text:{digest}"
    return TableContent(table=table, rows=rows, digest=digest)


def _newest(connection: Connection, table: str, column: str) -> datetime | None:
    from psycopg import sql

    query = sql.SQL(_NEWEST).format(column=sql.Identifier(column), table=_identifier(table))
    (newest,) = _row(connection, query)
    return newest.astimezone(UTC) if isinstance(newest, datetime) else None


def _values(connection: Connection, table: str, key: tuple[str, str], column: str) -> list[str]:
    """Up to two non-null values; as much as a ciphertext may have of each."""
    from psycopg import sql

    query = sql.SQL(_VALUE).format(
        column=sql.Identifier(column), table=_identifier(table), key_column=sql.Identifier(key[0])
    )
    rows = connection.execute(query, (key[1],)).fetchall()
    return [outside_text(value, VALUE_LIMIT) for (value,) in rows if value is not None]


def _named(query: LiteralString, table: str) -> Any:
    from psycopg import sql

    return sql.SQL(query).format(_identifier(table))


def _identifier(table: str) -> Any:
    """`schema.table`, or a bare name that the search path finds."""
    from psycopg import sql

    return sql.Identifier(*table.split(".", 1))


def _session(application: str, client: str, started: datetime, user: str) -> DatabaseSession:
    return DatabaseSession(
        application=outside_text(application),
        client=outside_text(client),
        started=started.astimezone(UTC),
        user=outside_text(user),
    )
