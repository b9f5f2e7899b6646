"""PostgreSQL: the restored database, from inside, by one short read-only connection for each question.

TLS is always verify-full.  Neither `PG*` variables nor files in the home folder matter: whatever libpq would take
from them is given explicitly.  Row security is off, so a policy that would hide rows is an error instead.
"""

from __future__ import annotations

from datetime import datetime
from functools import partial

from runbook.config import Database
from runbook.engine.ports import Permit, Secret
from runbook.estate.door import Door
from runbook.estate.ports import (
    ContentAsk,
    ContentProgress,
    DatabaseSession,
    Endpoint,
    KeyVersions,
    Login,
    Reading,
    SideEffect,
    TableContent,
    TableShape,
    Whereabouts,
)
from runbook.estate.postgres import catalogue, changes, effects, making, parallel, questions, structure, values
from runbook.estate.postgres.conninfo import conninfo, forget_service
from runbook.estate.postgres.plan import relations
from runbook.estate.postgres.session import CONTENT_TIMEOUT_S, Session
from runbook.manifest import Catalogue, Manifest
from runbook.safety.interlock import Interlock


class PostgresDatabases:
    """`Databases`: what can be reached, by endpoint and user."""

    def __init__(self, config: Database, password: Secret, interlock: Interlock, door: Door) -> None:
        self._config = config
        self._reader = Login(config.user, password)
        self._interlock = interlock
        self._door = door
        forget_service()

    def at(self, endpoint: Endpoint, login: Login | None = None) -> PostgresDatabase:
        """The configured database at that endpoint; nothing is connected yet."""
        who = login or self._reader
        parameters = partial(
            conninfo, user=who.user, password=who.password, database=self._config.name, ca_file=self._config.ca_file
        )
        return PostgresDatabase(Session(endpoint, parameters, self._interlock, self._door))


class PostgresDatabase:
    """`Database`, as far as it can be had over one session's connections."""

    def __init__(self, session: Session) -> None:
        self._session = session

    async def ping(self) -> None:
        await self._session.ask("select 1", lambda connection: connection.execute("select 1").fetchone())

    async def whereabouts(self) -> Whereabouts:
        return await self._session.ask("where am I", questions.whereabouts)

    async def tables(self) -> tuple[str, ...]:
        return await self._session.ask("list of tables", questions.tables)

    async def shapes(self) -> tuple[TableShape, ...]:
        found = await self._session.ask("sizes of tables", relations)
        return tuple(relation.shape for relation in found.values())

    async def rows(self, table: str) -> int:
        return await self._session.ask(
            f"row count of {table}", lambda connection: questions.rows(connection, table), timeout_s=CONTENT_TIMEOUT_S
        )

    async def contents(
        self, asks: tuple[ContentAsk, ...], *, connections: int, progress: ContentProgress
    ) -> tuple[TableContent, ...]:
        """LayerFailed when a table is not there, or has no row hash where `record` is asked for."""
        means = self._session.means(connections, progress)
        return (await parallel.read(means, lambda _known: asks, parallel.nothing)).contents

    async def catalogue(self) -> Catalogue:
        return await self._session.ask("what stands beside the tables", catalogue.read)

    async def manifest(self, *, buckets: int, connections: int, progress: ContentProgress) -> Manifest:
        return await making.manifest(self._session.means(connections, progress), buckets)

    async def structure(self, progress: ContentProgress) -> tuple[Reading, ...]:
        return await self._session.ask(
            "structure", lambda connection: structure.readings(connection, progress), timeout_s=CONTENT_TIMEOUT_S
        )

    async def side_effects(self, queues: tuple[str, ...]) -> tuple[SideEffect, ...]:
        return await self._session.ask("side effects", lambda connection: effects.found(connection, queues))

    async def silence(self, permit: Permit, effect: SideEffect) -> None:
        await self._session.change(
            permit, ("postgres:Silence", effect.name), lambda connection: changes.silence(connection, effect)
        )

    async def without_statistics(self) -> tuple[str, ...]:
        return await self._session.ask("statistics", changes.without_statistics)

    async def analyze(self, permit: Permit, table: str) -> None:
        await self._session.change(
            permit,
            ("postgres:Analyze", table),
            lambda connection: changes.analyze(connection, table),
            timeout_s=CONTENT_TIMEOUT_S,
        )

    async def assertion(self, query: str) -> str:
        return await self._session.ask(
            "assertion", lambda connection: values.assertion(connection, query), timeout_s=CONTENT_TIMEOUT_S
        )

    async def key_versions(self, table: str, column: str) -> KeyVersions:
        return await self._session.ask(
            f"key versions of {table}.{column}",
            lambda connection: values.key_versions(connection, table, column),
            timeout_s=CONTENT_TIMEOUT_S,
        )

    async def newest(self, table: str, column: str) -> datetime | None:
        """The largest finite value, None where there is none; a column without a time zone is taken as UTC."""
        return await self._session.ask(
            f"newest {table}.{column}",
            lambda connection: questions.newest(connection, table, column),
            timeout_s=CONTENT_TIMEOUT_S,
        )

    async def text_value(self, table: str, key_column: str, key: str, column: str) -> str | None:
        """None when no row has the key; LayerFailed when several have."""
        return await self._session.ask(
            f"{table}.{column}",
            lambda connection: questions.text_value(connection, table, (key_column, key), column),
        )

    async def sessions(self, application: str) -> tuple[DatabaseSession, ...]:
        """NoVerdict when the reader may not see other users' sessions."""
        return await self._session.ask("sessions", lambda connection: questions.sessions(connection, application))
