"""Databases from inside, in memory."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from typing import Final

from runbook.engine.errors import LayerFailed, NoVerdict
from runbook.engine.ports import Permit
from runbook.estate.memory.contents import CLOCKED, ENGINE_VERSION, LOOKS, Contents, catalogue
from runbook.estate.memory.manifests import manifest
from runbook.estate.memory.names import CANARY_ID, CANARY_TABLE, MASTER_USER
from runbook.estate.memory.tables import Table, sums
from runbook.estate.memory.world import World
from runbook.estate.ports import (
    ContentAsk,
    ContentProgress,
    Database,
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
from runbook.manifest import Catalogue, Manifest

Running = Callable[[], tuple[Contents, ...]]
Sessions = Callable[[Contents], tuple[DatabaseSession, ...]]
Found = Callable[[Endpoint, Login | None], Contents]
_COUNT: Final = re.compile(r"select count\(\*\) from ([\w.]+)")
LOOPBACK: Final = "127.0.0.1"


class MemorySql:
    """`ports.Databases`: any database that runs now, by the host and port of its endpoint.

    `tunnel` is the port of this machine at which a tunnel to the copies ends; `private` copies answer by no other way.
    """

    def __init__(self, world: World, running: Running, sessions: Sessions) -> None:
        self._world = world
        self._running = running
        self._sessions = sessions
        self.tunnel: int | None = None
        self.private = False

    def at(self, endpoint: Endpoint, login: Login | None = None) -> Database:
        return MemoryDatabase(self._world, endpoint, login, self._found, self._sessions)

    def _found(self, endpoint: Endpoint, login: Login | None) -> Contents:
        for here in self._running():
            if here.host == endpoint.host and here.answers and self._leads(endpoint, here):
                there = here.wrong_way or here
                return there if login is None else _signed_in(there, login)
        raise NoVerdict(
            f"no database answers at {endpoint.host}",
            fix="Is it available? Check the route to it.",
            provider_text="connection refused",
            source=f"postgres: {endpoint.host}:{endpoint.port}",
        )

    def _leads(self, endpoint: Endpoint, here: Contents) -> bool:
        reachable = here is self._running()[0] or not self.private
        return (reachable and endpoint.port == here.port) or (
            endpoint.hostaddr == LOOPBACK and endpoint.port == self.tunnel
        )


def _signed_in(here: Contents, login: Login) -> Contents:
    if here.master is None or (login.user, login.password) != (MASTER_USER, here.master):
        raise NoVerdict(
            f"{here.host}: the database does not accept this user and password",
            fix="Check the stored password.",
            provider_text=f'password authentication failed for user "{login.user}"',
            source="postgres: connect",
        )
    return here


class MemoryDatabase:
    """`ports.Database`; found anew with each question, since it may have been stopped or deleted.

    Only its master user can change anything.
    """

    def __init__(self, world: World, endpoint: Endpoint, login: Login | None, found: Found, sessions: Sessions) -> None:
        self._world = world
        self._endpoint = endpoint
        self._login = login
        self._found = found
        self._sessions = sessions

    async def ping(self) -> None:
        await self._connected()

    async def whereabouts(self) -> Whereabouts:
        here = await self._connected()
        return Whereabouts(
            address=here.address,
            port=here.port,
            started=here.started,
            in_recovery=here.in_recovery,
            version=ENGINE_VERSION,
            tls=True,
            server_time=self._world.now(),
        )

    # -- content --------------------------------------------------------------------------------------------------
    async def tables(self) -> tuple[str, ...]:
        return tuple(sorted((await self._connected()).tables))

    async def shapes(self) -> tuple[TableShape, ...]:
        here = await self._connected()
        return tuple(TableShape(name, table.size, table.key) for name, table in sorted(here.tables.items()))

    async def rows(self, table: str) -> int:
        return len((await self._with(table)).tables[table].rows)

    async def contents(
        self, asks: tuple[ContentAsk, ...], *, connections: int, progress: ContentProgress
    ) -> tuple[TableContent, ...]:
        del connections
        found, done, here = [], 0, await self._connected()
        total = sum(here.tables[ask.table].size for ask in asks if ask.table in here.tables)
        for ask in asks:
            table = (await self._with(ask.table)).tables[ask.table]
            found.append(_content(table, ask))
            done += table.size
            progress(done, total, ask.table)
        return tuple(found)

    async def catalogue(self) -> Catalogue:
        here = await self._connected()
        return catalogue(here.tables, here.sequences, here.hidden)

    async def manifest(self, *, buckets: int, connections: int, progress: ContentProgress) -> Manifest:
        del connections
        here, done = await self._connected(), 0
        total = sum(table.size for table in here.tables.values())
        for name, table in here.tables.items():
            await self._with(name)
            done += table.size
            progress(done, total, name)
        return manifest(here.tables, here.sequences, here.hidden, self._world.now(), buckets)

    # -- structure ------------------------------------------------------------------------------------------------
    async def structure(self, progress: ContentProgress) -> tuple[Reading, ...]:
        here = await self._connected()
        for number, name in enumerate(LOOKS, start=1):
            progress(number, len(LOOKS), name)
        return tuple(here.readings.get(name, Reading(name)) for name in LOOKS)

    async def side_effects(self, queues: tuple[str, ...]) -> tuple[SideEffect, ...]:
        here = await self._connected()
        waiting = [(name, (await self._with(name)).tables[name]) for name in queues]
        return (*here.effects, *(SideEffect("queue", name, bool(table.rows)) for name, table in waiting))

    async def silence(self, permit: Permit, effect: SideEffect) -> None:
        await self._world.change(permit, "postgres:Silence", effect.name)
        here = await self._connected()
        if self._login is None:
            words, fix = "42501", "Set the copy's master password first (database.password)."
            raise NoVerdict(f"{effect.name}: the reader may not change it", fix=fix, provider_text=words)
        known = next((each for each in here.effects if (each.kind, each.name) == (effect.kind, effect.name)), None)
        if known is None or not known.how:
            raise LayerFailed(f"{effect.kind} {effect.name}: the database refused it", provider_text="42704")
        here.effects[here.effects.index(known)] = SideEffect(known.kind, known.name, active=False, how=known.how)

    async def without_statistics(self) -> tuple[str, ...]:
        return tuple(sorted((await self._connected()).unanalysed))

    async def analyze(self, permit: Permit, table: str) -> None:
        await self._world.change(permit, "postgres:Analyze", table)
        here = await self._with(table)
        if self._login is not None:  # for anybody else it is skipped, with a warning
            here.unanalysed.discard(table)

    # -- values ---------------------------------------------------------------------------------------------------
    async def assertion(self, query: str) -> str:
        here = await self._connected()
        if query in here.assertions:
            return here.assertions[query]
        if counted := _COUNT.fullmatch(query):
            return str(len((await self._with(counted[1])).tables[counted[1]].rows))
        words = "the database does not understand the question"
        raise LayerFailed(f"assertion: {words}", provider_text="42601", source="postgres")

    async def key_versions(self, table: str, column: str) -> KeyVersions:
        here = await self._with(table)
        if (table, column) not in here.keys:
            raise _no_column(table, column)
        return here.keys[table, column]

    async def newest(self, table: str, column: str) -> datetime | None:
        here = await self._with(table)
        if CLOCKED.get(table) != column:
            raise _no_column(table, column)
        return here.newest if here.tables[table].rows else None

    async def text_value(self, table: str, key_column: str, key: str, column: str) -> str | None:
        here = await self._with(table)
        asked = (table, key_column, key, column)
        known = asked == (CANARY_TABLE, "id", CANARY_ID, "ciphertext") and here.tables[table].rows
        return here.canary if known else None

    async def sessions(self, application: str) -> tuple[DatabaseSession, ...]:
        found = self._sessions(await self._connected())
        return tuple(session for session in found if session.application == application)

    async def _with(self, table: str) -> Contents:
        """The database, where its rows of that table may be seen."""
        here = await self._connected()
        if table not in here.tables:
            raise LayerFailed(f"{table}: the table is not there", provider_text="42P01", source="postgres")
        if table in here.hidden and self._login is None:
            raise NoVerdict(
                f"{table}: the reader may not see all rows",
                fix="Grant it pg_read_all_data and BYPASSRLS, or membership in the role that owns the tables.",
                provider_text="SQLSTATE 42501 (InsufficientPrivilege)",
                source="postgres",
            )
        return here

    async def _connected(self) -> Contents:
        await self._world.ask("postgres")
        return self._found(self._endpoint, self._login)


def _content(table: Table, ask: ContentAsk) -> TableContent:
    method = ask.method or table.method
    if method == "record" and table.method == "text":
        raise LayerFailed(f"content of {ask.table}: its rows have no hash", provider_text="42883", source="postgres")
    if not ask.hashed:
        return TableContent(ask.table, len(table.rows), None, method)
    whole, by_bucket = sums(table, ask.buckets, method)
    return TableContent(ask.table, whole.rows, whole.digest, method, by_bucket if ask.buckets > 1 else {})


def _no_column(table: str, column: str) -> LayerFailed:
    return LayerFailed(f"{table} has no column {column}", provider_text="42703", source="postgres")
