"""Single facts of one's own data: what leaves the database of them, and what does not."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from runbook.engine.errors import LayerFailed
from runbook.estate.ports import KeyVersions
from runbook.estate.postgres import values
from tests.estate.postgres_lab import Connection, connected, laboratory, run

pytestmark = pytest.mark.estate

NAME = "Zoë Patient"


@pytest.fixture(scope="module")
def connection() -> Iterator[Connection]:
    with laboratory(Path(tempfile.mkdtemp(prefix="runbook-values-"))) as lab:
        cluster = lab.create(lab.bundled)
        run(
            cluster,
            "create table patients (id int, name text); insert into patients values (1, 'Zoë Patient'), (2, null)",
            "create table secrets (ciphertext text)",
            "insert into secrets select 'vault:v' || v || ':abc' from unnest(array[1, 3, 3, 12]) v",
            "insert into secrets values (null), ('plain'), ('vault:v:abc'), ('xvault:v2:abc'), ('vault:v9999999999:a')",
        )
        with connected(cluster) as connection:
            yield connection


@pytest.mark.parametrize(
    ("query", "value"),
    [
        ("select count(*) from patients", "2"),
        ("select 0.10", "0.10"),
        ("select -1.5::float8", "-1.5"),
        ("select true", "true"),
        ("select exists (select 1 from patients where id > 9)", "false"),
        ("select null::int", "null"),
        ("select name from patients where name like 'Zo%'", f"text sha256:{hashlib.sha256(NAME.encode()).hexdigest()}"),
        ("select date '1950-01-02'", f"date sha256:{hashlib.sha256(b'1950-01-02').hexdigest()}"),
        ("with one as (select 1 as n) select n from one", "1"),
    ],
)
def test_numbers_and_truth_are_told_and_anything_else_as_a_hash(connection, query, value):
    assert values.assertion(connection, query) == value


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("select id from patients", "2 rows of 1 columns"),
        ("select id from patients where id > 9", "0 rows of 1 columns"),
        ("select 1, 2", "1 rows of 2 columns"),
        ("set work_mem to '8MB'", "0 rows of 0 columns"),
    ],
)
def test_what_is_not_one_value_is_refused(connection, query, said):
    with pytest.raises(LayerFailed, match=said) as refused:
        values.assertion(connection, query)
    assert "[[database.assertions]]" in refused.value.fix


@pytest.mark.parametrize(
    ("query", "error"),
    [
        ("delete from patients returning 1", psycopg.errors.ReadOnlySqlTransaction),
        ("set transaction read write; delete from patients returning 1", psycopg.errors.SyntaxError),
        ("select 1; select 2", psycopg.errors.SyntaxError),
    ],
)
def test_it_reads_and_does_nothing_else(connection, query, error):
    with pytest.raises(error):
        values.assertion(connection, query)
    assert values.assertion(connection, "select count(*) from patients") == "2"


def test_it_only_reads_on_a_connection_that_may_write(connection):
    connection.execute("set default_transaction_read_only to off")
    try:
        with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
            values.assertion(connection, "delete from patients returning 1")
    finally:
        connection.execute("set default_transaction_read_only to on")


def test_versions_of_the_key_are_counted_and_what_is_no_ciphertext(connection):
    assert values.key_versions(connection, "public.secrets", "ciphertext") == KeyVersions((1, 3, 12), 8, other=4)
    assert values.key_versions(connection, "patients", "name") == KeyVersions((), 1, other=1)
