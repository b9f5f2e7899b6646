"""Everything is as of one moment, while somebody writes; what cannot be so is no verdict."""

from __future__ import annotations

from typing import Any

import pytest

from runbook.engine.errors import NoVerdict
from runbook.estate.ports import ContentAsk
from runbook.estate.postgres import parallel
from tests.estate.content.tables import do, in_chunks, locking, naive

pytestmark = pytest.mark.estate

HELD = """
    select relation::regclass::text, mode from pg_locks join pg_stat_activity using (pid)
    where application_name = 'runbook' and locktype = 'relation' and relation >= 16384"""


async def test_all_of_it_is_as_of_one_moment_while_somebody_writes(database, admin, table):
    names = [table("first"), table("second"), table("third")]
    before = [naive(admin, name, 16, "record")[1] for name in names]
    told = 0

    def write(_done: int, _total: int, _table: str) -> None:
        nonlocal told
        told += 1
        for name in names:
            do(admin, "delete from {} where id = {}", name, told)
            do(admin, "update {} set note = 'changed' where id between 3000 and 3010", name)
            do(
                admin,
                "insert into {} select i, 'new' from generate_series({}, {}) i",
                name,
                told * 9000,
                told * 9000 + 400,
            )

    found = await in_chunks(database, *(ContentAsk(name, 16) for name in names), progress=write)
    assert [dict(content.buckets) for content in found] == before
    assert told > 30
    assert [naive(admin, name, 16, "record")[1] for name in names] != before


@pytest.mark.parametrize(
    ("deeds", "done"),
    [
        (["truncate second"], "truncated, rewritten or altered"),
        (["vacuum full second"], "truncated, rewritten or altered"),
        (["alter table second add more int"], "truncated, rewritten or altered"),
        (["alter table second add more int", "alter table second drop more"], "truncated, rewritten or altered"),
        (["alter table second drop note"], "truncated, rewritten or altered"),
        (['alter table second alter note type text collate "C"'], "truncated, rewritten or altered"),
        (["alter table second rename id to number"], "truncated, rewritten or altered"),
        (["alter table second alter id type bigint"], "truncated, rewritten or altered"),
        (["drop table second"], "dropped"),
        (["drop table second", "create table second (id int primary key, note text)"], "dropped"),
    ],
)
async def test_a_table_that_is_changed_meanwhile_is_no_verdict(database, admin, table, deeds, done):
    first, second = table("first"), table("second", 4000)

    def change(_done: int, _total: int, name: str) -> None:
        for deed in deeds if name == first else ():
            admin.execute(deed.encode())

    asks = ContentAsk(first), ContentAsk(second, 16)
    with pytest.raises(NoVerdict, match=rf"public\.second: the table was {done} meanwhile") as said:
        await in_chunks(database, *asks, connections=1, chunk=1 << 30, progress=change)
    assert "migration" in said.value.fix


@pytest.mark.parametrize("deed", ["create index on second (note)", "grant select on second to blind", "analyze second"])
async def test_what_leaves_the_rows_alone_is_no_change(database, admin, table, deed):
    first, second = table("first"), table("second", 4000)
    before = naive(admin, second, 16, "record")[1]

    def change(_done: int, _total: int, name: str) -> None:
        if name == first:
            admin.execute(deed.encode())

    _, found = await in_chunks(
        database, ContentAsk(first), ContentAsk(second, 16), connections=1, chunk=1 << 30, progress=change
    )
    assert dict(found.buckets) == before


async def test_a_manifest_in_the_making_keeps_no_migration_waiting(database, admin):
    """Whoever holds the moment for hours holds no lock that altering a table or a sequence would wait for."""
    admin.execute(
        """create table alembic_version (version_num text not null); insert into alembic_version values ('1aa');
           create table invoices (id serial primary key, due date default current_date, half int check (half > 0));
           create index on invoices ((half * 2))"""
    )
    held: list[Any] = []

    def look(_done: int, _total: int, _name: str) -> None:
        held.extend(do(admin, HELD))

    try:
        made = await database.manifest(buckets=4, connections=1, progress=look)
    finally:
        admin.execute("drop table alembic_version, invoices")
    assert (made.catalogue.migration, "public.invoices_id_seq" in made.catalogue.sequences) == (
        "alembic_version 1aa",
        True,
    )
    assert held == []


async def test_a_locked_table_is_not_waited_for_long(database, server, table, monkeypatch):
    first, second = table("first"), table("second", 4000)
    monkeypatch.setattr(parallel, "_SETTINGS", parallel._SETTINGS.replace("30s", "50ms"))
    refused = pytest.raises(NoVerdict, match=r"public\.second: somebody else holds a lock")
    with server.admin() as other, other.transaction(), refused:
        await in_chunks(
            database, ContentAsk(first), ContentAsk(second), connections=1, chunk=1 << 30, progress=locking(other)
        )
