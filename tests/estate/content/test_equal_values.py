"""Values that their types call equal although they are written differently: which of them a hash sees."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from runbook.estate.postgres import content, plan
from runbook.training.servers.postgres import Cluster
from tests.estate.postgres_lab import connected, laboratory, run, with_contrib

pytestmark = pytest.mark.estate

NAMES = "provider = icu, locale = 'und-u-ks-level2', deterministic = false"
COLUMNS = {  # a column in which letters may be written in another way → a value, and one that is called equal
    "note text collate names": ("'Anna'", "'ANNA'"),
    "note varchar(20) collate names": ("'Anna'", "'ANNA'"),
    "note text[] collate names": ("array['Anna']", "array['ANNA']"),
    "note named": ("'Anna'", "'ANNA'"),
    "note person": ("row(1, 'Anna')::person", "row(1, 'ANNA')::person"),
    "note span": ("span('a', 'b')", "span('A', 'B')"),
    "note span[]": ("array[span('a', 'b')]", "array[span('A', 'B')]"),
}
CITEXT = {
    "note citext": ("'Anna'", "'ANNA'"),
    "note citext[]": ("array['Anna']::citext[]", "array['ANNA']::citext[]"),
    "note mail": ("'Anna'", "'ANNA'"),
}
STRICT = {  # equal by the type's own word, and no letters: a row's own hash is enough
    "note numeric": ("1.0", "1.000"),
    "note float8": ("'0'", "'-0'"),
    "note interval": ("'1 month'", "'30 days'"),
}


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    """The one that comes with the practice estate has neither ICU nor citext."""
    with laboratory(Path(tempfile.mkdtemp(prefix="runbook-equal-"))) as lab:
        cluster = lab.create(with_contrib())
        run(
            cluster,
            "create extension citext",
            "create domain mail as citext",
            f"create collation names ({NAMES})",
            "create domain named as text collate names",
            "create type person as (id int, name text collate names)",
            "create type span as range (subtype = text, collation = names)",
        )
        yield cluster


@pytest.mark.parametrize("column", COLUMNS)
def test_letters_that_a_collation_calls_equal_are_seen(cluster, column):
    assert _seen(cluster, column, *COLUMNS[column]) == (True, "text")


@pytest.mark.parametrize("column", CITEXT)
def test_letters_that_citext_calls_equal_are_seen(cluster, column):
    assert _seen(cluster, column, *CITEXT[column]) == (True, "text")


@pytest.mark.parametrize("column", STRICT)
def test_equal_numbers_are_equal_however_they_are_written(cluster, column):
    assert _seen(cluster, column, *STRICT[column]) == (False, "record")


def test_a_key_of_such_letters_still_decides_on_the_bucket(cluster):
    run(cluster, "create table keyed (id text collate names primary key); insert into keyed values ('Anna'), ('Bea')")
    try:
        with connected(cluster) as connection:
            relation = plan.relations(connection)["public.keyed"]
            before = content.read(connection, "keyed", buckets=4096).buckets
            run(cluster, "update keyed set id = upper(id)")
            after = content.read(connection, "keyed", buckets=4096).buckets
        assert (relation.bucket_key, relation.method) == (("id",), "text")
        assert before.keys() == after.keys()
        assert all(before[number] != after[number] for number in before)
    finally:
        run(cluster, "drop table keyed")


def test_a_column_that_was_dropped_is_not_thought_of(cluster):
    run(cluster, "create table fewer (id int, note text collate names, mail citext, body json)")
    run(cluster, "alter table fewer drop note, drop mail, drop body")
    try:
        with connected(cluster) as connection:
            assert plan.relations(connection)["public.fewer"].method == "record"
    finally:
        run(cluster, "drop table fewer")


def test_a_stated_row_hash_is_still_one_of_such_a_table(cluster):
    run(cluster, "create table stated (note text collate names); insert into stated values ('Anna')")
    try:
        with connected(cluster) as connection:
            assert plan.relations(connection)["public.stated"].hashable
            assert content.read(connection, "stated", method="record").method == "record"
    finally:
        run(cluster, "drop table stated")


def _seen(cluster: Cluster, column: str, value: str, equal: str) -> tuple[bool, str]:
    """Whether the change of the one to the other is seen, and by which method."""
    run(cluster, f"create table t (id int primary key, {column}); insert into t values (1, {value})")  # noqa: S608 - of our own
    try:
        with connected(cluster) as connection:
            before = content.read(connection, "t")
            run(cluster, f"update t set note = {equal}")  # noqa: S608 - of our own
            after = content.read(connection, "t")
    finally:
        run(cluster, "drop table t")
    return before.digest != after.digest, after.method
