"""The rules of comparing on a real server: a copy that was cut out of a busy database, and the manifests around it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from runbook.estate.door import Door
from runbook.estate.postgres.server import PostgresDatabase
from runbook.manifest import Manifest
from steps.database.catalogue import differences
from steps.database.compare import Comparison, compare, plan, second_look
from steps.database.manifests import Around
from steps.database.stated import Terms
from tests.estate.postgres_lab import nothing
from tests.estate.postgres_tls import Server, served

pytestmark = pytest.mark.estate

ROLES = """
    create role reader login bypassrls password 'reader''s pass';
    grant pg_read_all_data to reader;
"""
TABLES = """
    create table patients (id bigint generated always as identity primary key, name text);
    insert into patients (name) select 'patient ' || i from generate_series(1, 3000) i;
    create table notes (id bigserial primary key, body text, seen int);
    insert into notes (body, seen) select 'note ' || i, 0 from generate_series(1, 4000) i;
    create table letters (id int primary key, body json);
    insert into letters select i, json_build_object('n', i) from generate_series(1, 300) i;
    create table counters (name text, hits int);
    insert into counters select 'c' || i, 0 from generate_series(1, 400) i;
"""
WRITES = """
    insert into notes (body, seen) select 'new note', 1 from generate_series(1, 12);
    update notes set seen = seen + 1 where id in (7, 8, 9);
    update counters set hits = hits + 1 where name = 'c1';
"""
BUCKETS = 64


class Cut:
    """`live` goes on being written to; `copy` is as it stood in between, `before` and `after` what live stated."""

    def __init__(self, server: Server, door: Door, before: Manifest, after: Manifest) -> None:
        self._server = server
        self.door = door
        self.before = before
        self.after = after

    @property
    def copy(self) -> PostgresDatabase:
        return self._server.at(self.door, name="copy")

    def damage(self, statement: str, *values: int) -> None:
        with admin(self._server, "copy") as connection:
            connection.execute(statement.encode(), values or None)

    async def compared(self, *stated: Manifest) -> tuple[Comparison, tuple[tuple[str, ...], Any]]:
        near, shapes = Around(*(stated or (self.before, self.after))), await self.copy.shapes()
        catalogue = await self.copy.catalogue()
        terms = Terms(near, self.before.major, settings=catalogue.settings)
        found = {
            each.table: each
            for asks in (plan(terms, shapes),)
            for each in await self.copy.contents(asks, connections=2, progress=nothing)
        }
        again = second_look(terms, shapes, found)
        found |= {each.table: each for each in await self.copy.contents(again, connections=2, progress=nothing)}
        return compare(terms, shapes, found), differences(near, catalogue, terms.known)


def admin(server: Server, database: str) -> psycopg.Connection:
    cluster = server.cluster
    connection = cluster.connect(database)
    connection.autocommit = True
    return connection


@pytest.fixture
def door() -> Iterator[Door]:
    door = Door()
    yield door
    door.close()


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with served(ROLES) as server:
        yield server


@pytest.fixture
async def cut(server: Server, door: Door) -> Any:
    with server.admin() as postgres:
        postgres.execute("create database live")
    with admin(server, "live") as live:
        live.execute(TABLES)
    database = server.at(door, name="live")
    before = await database.manifest(buckets=BUCKETS, connections=2, progress=nothing)
    with admin(server, "live") as live:
        live.execute(WRITES)
    with server.admin() as postgres:
        postgres.execute("create database copy template live")
    with admin(server, "live") as live:
        live.execute(WRITES)
    after = await database.manifest(buckets=BUCKETS, connections=2, progress=nothing)
    yield Cut(server, door, before, after)
    with server.admin() as postgres:
        postgres.execute("drop database copy")
        postgres.execute("drop database live")


async def test_a_true_copy_of_a_busy_database_passes_and_its_quiet_part_is_most_of_it(cut: Cut) -> None:
    comparison, beside = await cut.compared()
    assert comparison.faults == ()
    assert comparison.findings == ()
    assert beside == ((), ())
    assert 0 < comparison.moved < comparison.compared
    assert set(comparison.equal) == {"public.counters", "public.letters", "public.notes", "public.patients"}


@pytest.mark.parametrize(
    ("damage", "table"),
    [
        ("update patients set name = name || '!' where id = 1500", "public.patients"),
        ("delete from patients where id = 1500", "public.patients"),
        ("update letters set body = '{}' where id = 7", "public.letters"),
        ("truncate letters", "public.letters"),
        ("delete from notes where id > 100", "public.notes"),
        ("drop table letters", "public.letters"),
        ("create table strangers ()", "public.strangers"),
    ],
)
async def test_each_damage_is_named_with_its_table(cut: Cut, damage: str, table: str) -> None:
    cut.damage(damage)
    comparison, _ = await cut.compared()
    (fault,) = comparison.faults
    assert fault.startswith(table)


async def test_one_changed_row_in_a_quiet_bucket_of_a_table_that_is_written_to_is_named(cut: Cut) -> None:
    old, new = (made.tables["public.notes"].buckets for made in (cut.before, cut.after))
    quiet = next(bucket for bucket, each in old.items() if new.get(bucket) == each)
    cut.damage(
        "update notes set body = body || ' ' where id ="
        " (select min(id) from notes where hash_record_extended(row(id), 0) & %s = %s)",
        BUCKETS - 1,
        quiet,
    )
    comparison, _ = await cut.compared()
    (fault,) = comparison.faults
    assert fault.startswith("public.notes: 1 of ")
    assert fault.endswith(" quiet buckets differs: its content is not what production stated")


async def test_one_manifest_alone_makes_a_finding_of_it(cut: Cut) -> None:
    comparison, _ = await cut.compared(cut.before)
    assert comparison.faults == ()
    (finding,) = comparison.findings
    assert "public.counters, public.notes" in finding.text


async def test_what_stands_beside_the_rows_is_compared_too(cut: Cut) -> None:
    cut.damage("alter table patients add column extra text; alter table notes enable row level security")
    cut.damage("select setval('notes_id_seq', 5)")
    _, (faults, _) = await cut.compared()
    assert "columns of public.patients are not as stated" in faults
    assert "row security of public.notes is not as stated" in faults
    assert any(
        fault.startswith("sequence public.notes_id_seq stands at 5, production was at 4,000") for fault in faults
    )
