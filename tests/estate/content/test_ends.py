"""However a pass ends, no session and no statement of it is left."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable
from typing import Any

import pytest

from runbook.engine.errors import LayerFailed, NoVerdict
from runbook.estate.ports import ContentAsk
from runbook.estate.postgres import lines
from tests.estate.content.tables import do, in_chunks, locking
from tests.estate.postgres_tls import Server
from tests.support.waiting import eventually

pytestmark = pytest.mark.estate


async def test_whoever_stops_waiting_leaves_no_session_behind(database, server, table):
    first, second = table("first"), table("second", 4000)
    with server.admin() as other, other.transaction():
        reading = asyncio.create_task(
            in_chunks(
                database, ContentAsk(first), ContentAsk(second), connections=1, chunk=1 << 30, progress=locking(other)
            )
        )
        await _until(lambda: _waits_for_a_lock(server))
        reading.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reading
        eventually(server.of_ours, lambda sessions: sessions == 0)  # while the table is still locked


async def test_an_error_in_one_place_ends_all_others(database, server, admin, table):
    first, second = table("first"), table("second", 4000)

    def drop(_done: int, _total: int, name: str) -> None:
        if name == first:
            admin.execute("drop table second")

    with pytest.raises(NoVerdict, match=r"public\.second: the table was dropped meanwhile"):
        await in_chunks(database, ContentAsk(first), ContentAsk(second), chunk=1 << 30, connections=1, progress=drop)
    eventually(server.of_ours, lambda sessions: sessions == 0)


async def test_a_progress_that_fails_ends_the_pass(database, server):
    def fail(_done: int, _total: int, _name: str) -> None:
        raise LayerFailed("enough", source="test")

    with pytest.raises(LayerFailed, match="enough"):
        await in_chunks(database, ContentAsk("public.patients"), progress=fail)
    eventually(server.of_ours, lambda sessions: sessions == 0)


async def test_a_server_that_hears_nothing_is_cut_off(database, server, monkeypatch):
    monkeypatch.setattr(lines, "PATIENCE_S", 0.2)
    asking = asyncio.create_task(
        database._session.ask("sleeping", lambda c: c.execute("select pg_sleep(600)").fetchone(), timeout_s=600)
    )
    (pid,) = await _until(lambda: _row(server, "select pid from pg_stat_activity where query like '%pg_sleep(6__)'"))
    os.kill(pid, signal.SIGSTOP)
    try:
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
    finally:
        os.kill(pid, signal.SIGCONT)
    eventually(server.of_ours, lambda sessions: sessions == 0)


async def _until(look: Callable[[], Any]) -> Any:
    return await asyncio.to_thread(eventually, look, bool)


def _waits_for_a_lock(server: Server) -> Any:
    return _row(
        server, "select 1 from pg_stat_activity where application_name = 'runbook' and wait_event_type = 'Lock'"
    )


def _row(server: Server, query: str) -> Any:
    with server.admin() as admin:
        return admin.execute(query.encode()).fetchone()


async def test_a_leader_that_is_lost_ends_the_pass(database, server, admin, table):
    first, second = table("first"), table("second", 4000)

    def lose(_done: int, _total: int, name: str) -> None:
        holds = "from pg_stat_activity where application_name = 'runbook' and state = 'idle in transaction'"
        if name == first:
            do(admin, "select pg_terminate_backend(pid) {}", holds)
            eventually(lambda: do(admin, "select pid {}", holds), lambda left: left == [])

    with pytest.raises(NoVerdict, match="the moment as of which everything is read was lost"):
        await in_chunks(database, ContentAsk(first), ContentAsk(second), connections=1, chunk=1 << 30, progress=lose)
    eventually(server.of_ours, lambda sessions: sessions == 0)
