"""Databases from inside, in memory."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from runbook.engine.errors import LayerFailed, NoVerdict
from runbook.estate.memory.databases import ENGINE_VERSION, Contents
from runbook.estate.memory.names import CANARY_ID, CANARY_TABLE
from runbook.estate.memory.world import World
from runbook.estate.ports import Database, DatabaseSession, Endpoint, TableContent, Whereabouts

Running = Callable[[], tuple[Contents, ...]]
Sessions = Callable[[Contents], tuple[DatabaseSession, ...]]
_COLUMNS = {"public.appointments": "booked_at"}


class MemorySql:
    """`ports.Databases`: any database that runs now, by the host and port of its endpoint."""

    def __init__(self, world: World, running: Running, sessions: Sessions) -> None:
        self._world = world
        self._running = running
        self._sessions = sessions

    def at(self, endpoint: Endpoint) -> Database:
        return MemoryDatabase(self._world, endpoint, self._running, self._sessions)


class MemoryDatabase:
    """`ports.Database`; found anew with each question, since it may have been stopped or deleted."""

    def __init__(self, world: World, endpoint: Endpoint, running: Running, sessions: Sessions) -> None:
        self._world = world
        self._endpoint = endpoint
        self._running = running
        self._sessions = sessions

    async def ping(self) -> None:
        await self._connected()

    async def whereabouts(self) -> Whereabouts:
        here = await self._connected()
        address = self._endpoint.hostaddr or "127.0.0.1"
        now = self._world.now()
        return Whereabouts(address, here.port, here.started, False, ENGINE_VERSION, True, now)  # noqa: FBT003 - a record

    async def tables(self) -> tuple[str, ...]:
        return tuple(sorted((await self._connected()).tables))

    async def rows(self, table: str) -> int:
        return (await self.content(table)).rows

    async def content(self, table: str) -> TableContent:
        here = await self._with(table)
        rows, digest = (0, "0") if table in here.lost else here.tables[table]
        return TableContent(table, rows, digest)

    async def newest(self, table: str, column: str) -> datetime | None:
        here = await self._with(table)
        if _COLUMNS.get(table) != column:
            raise LayerFailed(f"{table} has no column {column}", provider_text="42703", source="postgres")
        return None if table in here.lost else here.newest

    async def text_value(self, table: str, key_column: str, key: str, column: str) -> str | None:
        here = await self._with(table)
        asked = (table, key_column, key, column)
        known = asked == (CANARY_TABLE, "id", CANARY_ID, "ciphertext") and table not in here.lost
        return here.canary if known else None

    async def sessions(self, application: str) -> tuple[DatabaseSession, ...]:
        found = self._sessions(await self._connected())
        return tuple(session for session in found if session.application == application)

    async def _with(self, table: str) -> Contents:
        here = await self._connected()
        if table not in here.tables:
            raise LayerFailed(f"There is no table {table}", provider_text="42P01", source="postgres")
        return here

    async def _connected(self) -> Contents:
        await self._world.ask("postgres")
        for here in self._running():
            if (here.host, here.port) == (self._endpoint.host, self._endpoint.port) and here.answers:
                return here
        raise NoVerdict(
            f"No database answers at {self._endpoint.host}",
            fix="Is it available? Check the route to it.",
            provider_text="connection refused",
            source=f"postgres: {self._endpoint.host}:{self._endpoint.port}",
        )
