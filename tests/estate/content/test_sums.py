"""Counts and hashes of tables of every kind, against the plainest SQL."""

from __future__ import annotations

import pytest

from runbook.engine.errors import LayerFailed
from runbook.estate.ports import ContentAsk
from runbook.estate.postgres import content as of_content
from tests.estate.content.tables import BY_TEXT, EMPTY, KEYS, PAGE, REST, ask, in_chunks, naive, plain

pytestmark = pytest.mark.estate


@pytest.mark.parametrize("buckets", [1, 2, 16, 4096])
@pytest.mark.parametrize("chunk", [PAGE, 1 << 30])
async def test_the_sums_are_those_of_the_plain_sql(database, admin, buckets, chunk):
    names = [*KEYS, *REST, *EMPTY]
    found = await in_chunks(database, *(ContentAsk(plain(name), buckets) for name in names), chunk=chunk)
    for name, content in zip(names, found, strict=True):
        whole, parts = naive(admin, name, buckets, content.method)
        assert (content.table, content.rows, content.digest) == (plain(name), whole.rows, whole.digest)
        assert content.buckets == (parts if buckets > 1 else {})
        assert content.method == ("text" if name in BY_TEXT else "record")


@pytest.mark.parametrize("name", ["public.patients", "public.bookings", "public.scans", "public.readings"])
async def test_a_stated_method_is_the_one_that_is_used(database, admin, name):
    for method in ("record", "text"):
        (content,) = await ask(database, ContentAsk(name, 8, method=method))
        whole, parts = naive(admin, name, 8, method)
        assert (content.digest, content.buckets, content.method) == (whole.digest, parts, method)


async def test_a_row_hash_that_is_stated_and_cannot_be_had_is_no_other_one(database):
    with pytest.raises(LayerFailed, match=r"public\.letters: a column has a type that has no hash"):
        await ask(database, ContentAsk("public.letters", method="record"))


async def test_a_table_that_is_only_counted_has_no_digest(database):
    found = await ask(database, *(ContentAsk(plain(name), 16, hashed=False) for name in ("public.patients", *EMPTY)))
    assert [(content.rows, content.digest, dict(content.buckets)) for content in found] == [
        (2572, None, {}),
        (0, None, {}),
        (0, None, {}),
    ]


async def test_a_missing_table_is_named(database):
    with pytest.raises(LayerFailed, match=r"content of public\.nosuch: the table is not there"):
        await ask(database, ContentAsk("public.patients"), ContentAsk("public.nosuch"))


async def test_nothing_asked_is_nothing_answered(database):
    assert await ask(database) == ()


async def test_one_changed_value_changes_one_bucket(database, admin, table):
    name = table("changing")
    (before,) = await in_chunks(database, ContentAsk(name, 256))
    admin.execute("update changing set note = 'x' where id = 4321")
    (after,) = await in_chunks(database, ContentAsk(name, 256))
    (bucket,) = admin.execute("select hash_record_extended(row(4321), 0) & 255").fetchone()
    changed = {number for number in before.buckets if before.buckets[number] != after.buckets[number]}
    assert (changed, after.rows, len(after.buckets)) == ({bucket}, before.rows, 256)


def test_one_table_can_be_read_over_a_connection_of_ones_own_and_in_part(server, admin):
    from psycopg import sql

    part = of_content.read(
        admin, "public.bookings", buckets=4, where=sql.SQL("at <= {}").format("2027-01-03 00:00:00+00")
    )
    assert part.rows == 48
    assert of_content.read(admin, "patients", buckets=4, where=sql.SQL("id < 0")).buckets == {}
    with server.cluster.connect() as inside, inside.transaction():
        assert of_content.read(inside, "letters").method == "text"
        assert inside.execute("select 1").fetchone() == (1,)  # its transaction is none the worse
