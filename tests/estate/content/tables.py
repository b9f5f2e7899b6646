"""The tables of these tests, what must come out of them, and how they are asked."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from runbook.estate.ports import ContentAsk, TableContent
from runbook.estate.postgres import parallel
from runbook.estate.postgres.server import PostgresDatabase
from runbook.manifest import Sum
from tests.estate.postgres_lab import Connection, nothing

PAGE = 8192
TABLES = """
    create table patients (id int primary key, name text, born date, weight float8);
    insert into patients select i, 'patient ' || i, date '1950-01-01' + i, i / 3.0 from generate_series(1, 3000) i;
    delete from patients where id % 7 = 0;
    create table bookings (day date, room text, at timestamptz, note text, primary key (room, day) include (note));
    insert into bookings
        select date '2027-01-01' + i, 'room ' || i % 9, timestamptz '2027-01-01' + i * interval '1 hour', null
        from generate_series(1, 500) i;
    create table readings (value int, unit text);
    insert into readings select i % 5, 'mmHg' from generate_series(1, 400) i;
    alter table readings drop column unit, add column site uuid default '6f1c2b52-0000-4000-8000-000000000001';
    create table letters (id uuid primary key, body json, tags json[]);
    insert into letters select md5(i::text)::uuid, json_build_object('n', i), null from generate_series(1, 300) i;
    create table loose_letters (body json);
    insert into loose_letters select json_build_object('n', i) from generate_series(1, 300) i;
    create domain answer as json;
    create table answers (id int primary key, given answer);
    insert into answers select i, '{}' from generate_series(1, 50) i;
    create table fees (amount money primary key, paid boolean);
    insert into fees select i::money, i % 2 = 0 from generate_series(1, 100) i;
    create table scans (id bigint primary key, image bytea);
    alter table scans alter image set storage external;
    insert into scans select i, decode(repeat(md5(i::text), 2000), 'hex') from generate_series(1, 40) i;
    create table "od""d.Table" ("Key" text primary key, "runbook" int);
    insert into "od""d.Table" values ('a', 1), ('b', 2);
    create table parents (id int primary key);
    insert into parents values (1), (2);
    create table children () inherits (parents);
    insert into children values (3);
    create table visits (id int, at date) partition by range (at);
    create table visits_2027 partition of visits for values from ('2027-01-01') to ('2028-01-01');
    insert into visits values (1, '2027-05-05'), (2, '2027-05-06');
    create table empty (id int primary key);
    create table empty_letters (id int primary key, body json);
    create table nothing ();
    insert into nothing default values;
    create schema other;
    create table other.patients (id smallint primary key);
    insert into other.patients select generate_series(-300, 300);
    create domain number as bigint;
    create table claims (id number primary key, note varchar(10));
    insert into claims select i * 7919 * 104729::bigint, i from generate_series(-200, 200) i;
    create sequence numbers;
    create role reader login password 'reader''s pass';
    grant pg_read_all_data to reader;
    create role blind login password 'reader''s pass';
    create role seer login bypassrls password 'reader''s pass';
    grant pg_read_all_data to seer;
    analyze;
"""
BY_TEXT = {"public.letters", "public.loose_letters", "public.answers", "public.fees", "public.empty_letters"}
KEYS = {  # as SQL; the rest has none, or one that has no hash
    "public.patients": "id",
    "public.bookings": "room, day",
    "public.letters": "id",
    "public.answers": "id",
    "public.scans": "id",
    "public.claims": "id",
    'public."od""d.Table"': '"Key"',
    "public.parents": "id",
    "other.patients": "id",
}
OWN = dict.fromkeys(("public.first", "public.second", "public.third"), "id")  # a test's own tables
EMPTY = ("public.empty", "public.empty_letters")
REST = (
    *("public.readings", "public.loose_letters", "public.fees", "public.children", "public.visits_2027"),
    "public.nothing",
)


def do(admin: Connection, statement: str, *parts: object) -> list[Any]:
    """A statement with names and numbers of our own put in."""
    cursor = admin.execute(statement.format(*parts).encode())
    return cursor.fetchall() if cursor.description else []


def plain(name: str) -> str:
    """A table's name as everybody else says it."""
    return name.replace('public."od""d.Table"', 'public.od"d.Table')


def naive(admin: Connection, name: str, buckets: int, method: str) -> tuple[Sum, dict[int, Sum]]:
    """The sums as the bucket rule states them, by the plainest SQL there is."""
    row = "hash_record_extended(t, 0)" if method == "record" else "hashtextextended(t::text, 0)"
    columns = (KEYS | OWN).get(name)
    key = f"hash_record_extended(row({columns}), 0)" if columns else row
    rows = do(admin, "select {} & {}, count(*), sum({})::text from only {} t group by 1", key, buckets - 1, row, name)
    parts = {number: Sum(rows=count, digest=digest) for number, count, digest in rows}
    whole = Sum(
        rows=sum(part.rows for part in parts.values()), digest=str(sum(int(part.digest) for part in parts.values()))
    )
    return whole, parts


async def ask(database: PostgresDatabase, *asks: ContentAsk, connections: int = 2) -> tuple[TableContent, ...]:
    return await database.contents(asks, connections=connections, progress=nothing)


async def in_chunks(
    database: PostgresDatabase,
    *asks: ContentAsk,
    chunk: int = PAGE,
    connections: int = 3,
    progress: Callable[[int, int, str], None] = nothing,
) -> tuple[TableContent, ...]:
    """As the product asks, but with large tables beginning at a size that a test can make."""
    means = replace(database._session.means(connections, progress), chunk=chunk)
    return (await parallel.read(means, lambda _known: asks, parallel.nothing)).contents


def locking(other: Connection) -> Callable[[int, int, str], None]:
    """Locks the second table, within its own transaction, as soon as the first was read."""

    def lock(_done: int, _total: int, name: str) -> None:
        if name == "public.first":
            other.execute("lock table second in access exclusive mode")

    return lock
