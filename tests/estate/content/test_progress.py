"""Progress goes by bytes, and never pauses."""

from __future__ import annotations

import time
from itertools import pairwise

import pytest

from runbook.estate.ports import ContentAsk
from tests.estate.content.tables import in_chunks, plain

pytestmark = pytest.mark.estate


async def test_progress_goes_by_bytes_up_to_all_of_them(database, table):
    names = [table("first"), table("second", 3000), plain("public.scans")]
    sizes = {shape.name: shape.size for shape in await database.shapes()}
    told: list[tuple[int, int, str]] = []
    await in_chunks(database, *(ContentAsk(name) for name in names), progress=lambda *what: told.append(what))
    done = [done for done, _, _ in told]
    assert done == sorted(done)
    assert {total for _, total, _ in told} == {sum(sizes[name] for name in names)} == {done[-1]}
    assert {name for _, _, name in told} == set(names)
    assert len(told) >= 60  # by blocks, but for the scans: they are few blocks and much TOAST


async def test_the_largest_is_read_first(database, table):
    small, large = table("small", 1000), table("large", 9000)
    told: list[str] = []
    await in_chunks(
        database,
        *(ContentAsk(name) for name in (small, large)),
        chunk=1 << 30,
        connections=1,
        progress=lambda *what: told.append(what[2]),
    )
    assert told == [large, small]


async def test_five_hundred_tables_are_told_of_without_a_pause(server, door):
    with server.admin() as admin:
        admin.execute("create database many")
    with server.cluster.connect("many") as many:
        many.execute(
            """do $$ begin for n in 1..500 loop
                 execute format('create table t%s (id int primary key, at timestamptz, note text)', n);
                 execute format('insert into t%s select i, now(), md5(i::text) from generate_series(1, 20) i', n);
               end loop; end $$"""
        )
    database = server.at(door, "seer", name="many")
    shapes, told = await database.shapes(), [time.monotonic()]
    found = await database.contents(
        tuple(ContentAsk(shape.name, 256) for shape in shapes),
        connections=4,
        progress=lambda *what: told.append(time.monotonic()),
    )
    told.append(time.monotonic())
    assert [content.rows for content in found] == [20] * 500
    assert len(told) == 502
    assert max(after - before for before, after in pairwise(told)) < 2
