"""One server for all of these tests."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from runbook.estate.door import Door
from runbook.estate.postgres.server import PostgresDatabase
from tests.estate.content.tables import TABLES, do
from tests.estate.postgres_lab import Connection
from tests.estate.postgres_tls import Server, served


@pytest.fixture(scope="package")
def server() -> Iterator[Server]:
    with served(TABLES) as server:
        yield server


@pytest.fixture
def door() -> Iterator[Door]:
    door = Door()
    yield door
    door.close()


@pytest.fixture
def database(server: Server, door: Door) -> PostgresDatabase:
    return server.at(door)


@pytest.fixture
def admin(server: Server) -> Iterator[Connection]:
    with server.admin() as admin:
        yield admin


@pytest.fixture
def table(admin: Connection) -> Iterator[Callable[..., str]]:
    """Makes tables of a test's own, large enough for some blocks; they go with it."""
    made: list[str] = []

    def make(name: str, rows: int = 5000) -> str:
        made.append(name)
        do(admin, "create table {} (id int primary key, note text)", name)
        do(admin, "insert into {} select i, md5(i::text) from generate_series(1, {}) i", name, rows)
        return f"public.{name}"

    yield make
    for name in made:
        do(admin, "drop table if exists {}", name)


@pytest.fixture
def hidden(admin: Connection) -> Iterator[None]:
    for name in ("hidden", "concealed"):
        do(admin, "create table {0} (id int); alter table {0} enable row level security", name)
        do(admin, "insert into {} values (1)", name)
    yield
    admin.execute("drop table hidden, concealed")
