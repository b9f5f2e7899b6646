"""The PostgreSQL adapter against a real server behind TLS, on a machine whose environment wants to mislead it."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest

from runbook import config
from runbook.engine.errors import LayerFailed, NoVerdict, Refused
from runbook.engine.ports import Secret
from runbook.estate.door import Door
from runbook.estate.ports import Endpoint
from runbook.estate.postgres import PostgresDatabase, PostgresDatabases
from runbook.safety.interlock import Interlock, Reach
from runbook.training.certificates import Authority
from runbook.training.servers.postgres import Cluster, find_binaries, own
from runbook.training.servers.tls_front import TlsFront
from runbook.training.servers.waiting import Ports

pytestmark = pytest.mark.estate

HOST = "copy.eu-west-2.rds.practice.test"
PASSWORD = "reader's pass"
TABLES = """
    create table patients (id int primary key, name text, born date, weight float8);
    insert into patients select i, 'patient ' || i, date '1950-01-01' + i, i / 3.0 from generate_series(1, 300) i;
    create table appointments (id int, booked_at timestamptz);
    insert into appointments values (1, '2027-01-15 10:00+02'), (2, 'infinity'), (3, '2027-01-15 07:59:59Z');
    create table local_times (at timestamp);
    insert into local_times values ('2027-01-15 10:00');
    create table notes (id int, extra json);
    insert into notes values (1, '{"a": 1}'), (2, null);
    alter table notes add written timestamptz default '2027-01-15 10:00Z';
    create table empty (id int, extra json);
    create table "od""d.name" (id int);
    create table canary (id text, ciphertext text);
    insert into canary values ('one', 'vault:v1:abc'), ('two', 'x'), ('two', 'y'), ('hostile', E'a\\x1b[31mb');
    create table hidden (id int);
    insert into hidden values (1);
    alter table hidden enable row level security;
    create role reader login password 'reader''s pass';
    grant pg_read_all_data to reader;
    create role blind login password 'reader''s pass';
"""


@dataclass(frozen=True)
class Server:
    cluster: Cluster
    port: int
    authority: Authority


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o711)
    try:
        binaries = find_binaries(folder)
        cluster = Cluster(
            "postgres", binaries, own(folder / "of", binaries.user) / "data", folder / "log", Ports().take()
        )
        cluster.create()
        cluster.configure()
        cluster.start()
        authority = Authority(folder / "ca")
        front = TlsFront(authority.issue(HOST), cluster.port)
        front.start()
        with cluster.connect() as admin:
            admin.execute(TABLES)
        yield Server(cluster, front.port, authority)
        front.stop()
        cluster.stop()
    finally:
        shutil.rmtree(folder)


@pytest.fixture
def door() -> Iterator[Door]:
    door = Door()
    yield door
    door.close()


def _settings(ca_file: Path | None, user: str = "reader", name: str = "postgres") -> config.Database:
    return config.Database(
        source_instance="i",
        source_host="h",
        instance_class="c",
        subnet_group="s",
        security_groups=(),
        parameter_group="p",
        name=name,
        user=user,
        ca_file=ca_file,
        recency_table="appointments",
        recency_column="booked_at",
    )


def _at(server: Server, door: Door, password: str = PASSWORD, host: str = HOST, **settings: str) -> PostgresDatabase:
    where = _settings(server.authority.ca_file, **settings)
    databases = PostgresDatabases(where, Secret(password), Interlock(Reach(loopback_only=True)), door)
    return databases.at(Endpoint(host, server.port, "127.0.0.1"))


@pytest.fixture
def database(server, door) -> PostgresDatabase:
    return _at(server, door)


async def test_it_says_where_it_is(database, server):
    await database.ping()
    here = await database.whereabouts()
    assert (here.address, here.port, here.tls, here.in_recovery) == ("127.0.0.1", server.cluster.port, True, False)
    assert here.version == server.cluster.binaries.version()
    assert here.started <= here.server_time
    assert here.server_time.tzinfo is UTC


async def test_no_variable_of_the_environment_matters(server, door, monkeypatch, tmp_path):
    calm = _at(server, door)
    expected = [await calm.content("public.notes"), await calm.newest("appointments", "booked_at")]
    for option in psycopg.pq.Conninfo.get_defaults():
        if option.envvar:
            monkeypatch.setenv(option.envvar.decode(), "nonsense")
    for name, value in {"PGTZ": "Asia/Tokyo", "PGDATESTYLE": "German", "SSL_CERT_FILE": str(tmp_path)}.items():
        monkeypatch.setenv(name, value)
    misled = _at(server, door)
    assert [await misled.content("public.notes"), await misled.newest("appointments", "booked_at")] == expected
    assert (await misled.whereabouts()).tls


async def test_it_lists_ordinary_tables_only(database):
    assert await database.tables() == (
        "public.appointments",
        "public.canary",
        "public.empty",
        "public.hidden",
        "public.local_times",
        "public.notes",
        'public.od"d.name',
        "public.patients",
    )


async def test_content_is_the_count_and_the_order_independent_sum(database, server):
    with server.cluster.connect() as admin:
        expected = admin.execute("select sum(hash_record_extended(p, 0))::text from patients p").fetchone()
    content = await database.content("public.patients")
    assert (content.rows, content.digest) == (300, expected[0])


async def test_content_of_json_is_summed_as_text_and_says_so(database):
    content = await database.content("public.notes")
    assert content.rows == 2
    assert (content.digest or "").startswith("text:")
    assert (await database.content("public.empty")).digest == "0"
    assert (await database.content('public.od"d.name')).rows == 0


async def test_the_newest_value_is_the_largest_finite_one_in_utc(database):
    assert await database.newest("appointments", "booked_at") == datetime(2027, 1, 15, 8, tzinfo=UTC)
    assert await database.newest("local_times", "at") == datetime(2027, 1, 15, 10, tzinfo=UTC)
    assert await database.newest("patients", "born") == datetime(1950, 10, 28, tzinfo=UTC)


async def test_a_value_is_found_by_its_key(database):
    assert await database.text_value("public.canary", "id", "one", "ciphertext") == "vault:v1:abc"
    assert await database.text_value("canary", "id", "nobody", "ciphertext") is None
    assert await database.text_value("canary", "id", "hostile", "ciphertext") == "a�[31mb"
    with pytest.raises(LayerFailed, match="several rows"):
        await database.text_value("canary", "id", "two", "ciphertext")


async def test_sessions_are_seen_by_name_or_the_blindness_is_said(database, server, door):
    assert await database.sessions("clinic") == ()
    with psycopg.connect(
        host="127.0.0.1",
        port=server.cluster.port,
        user="reader",
        password=PASSWORD,
        dbname="postgres",
        application_name="clinic",
        sslmode="disable",
        passfile=os.devnull,
    ):
        (seen,) = await database.sessions("clinic")
        assert (seen.application, seen.client, seen.user) == ("clinic", "127.0.0.1", "reader")
        with pytest.raises(NoVerdict, match="may not see"):
            await _at(server, door, user="blind").sessions("clinic")


@pytest.mark.parametrize(
    ("question", "error", "says"),
    [
        (lambda d: d.content("public.hidden"), NoVerdict, "may not see all rows"),
        (lambda d: d.content("public.nosuch"), LayerFailed, "table is not there"),
        (lambda d: d.newest("patients", "nosuch"), LayerFailed, "column is not there"),
        (lambda d: d.text_value("patients", "id", "ABC", "name"), LayerFailed, "refused"),
    ],
)
async def test_a_refused_statement_keeps_only_its_sqlstate(database, question, error, says):
    with pytest.raises(error, match=says) as said:
        await question(database)
    assert said.value.provider_text.startswith("SQLSTATE ")
    assert "ABC" not in said.value.provider_text


async def test_it_can_only_read(database):
    def write(connection):
        return connection.execute("create table x (id int)").fetchall()

    with pytest.raises(LayerFailed) as said:
        await database._ask("writing", write)
    assert "ReadOnlySqlTransaction" in said.value.provider_text


async def test_a_slow_statement_is_ended_by_the_server(database):
    with pytest.raises(NoVerdict, match="took too long"):
        await database._ask("sleeping", lambda c: c.execute("select pg_sleep(60)").fetchone(), timeout_s=1)


async def test_a_connection_that_breaks_off_is_no_verdict(database):
    with pytest.raises(NoVerdict):
        await database._ask("self", lambda c: c.execute("select pg_terminate_backend(pg_backend_pid())").fetchone())


async def test_who_cannot_connect_reads_why(server, door, tmp_path):
    with pytest.raises(NoVerdict, match="does not accept this user"):
        await _at(server, door, password="wrong").ping()
    with pytest.raises(LayerFailed, match="no database of that name"):
        await _at(server, door, name="nosuch").ping()
    with pytest.raises(NoVerdict, match="certificate could not be verified"):
        await _at(server, door, host="other.practice.test").ping()
    stranger = Server(server.cluster, server.port, Authority(tmp_path / "other"))
    with pytest.raises(NoVerdict, match="certificate could not be verified"):
        await _at(stranger, door).ping()
    gone = Server(server.cluster, 1, server.authority)
    with pytest.raises(NoVerdict, match="could not be reached"):
        await _at(gone, door).ping()
    clear = Server(server.cluster, server.cluster.port, server.authority)
    with pytest.raises(NoVerdict, match="certificate could not be verified"):
        await _at(clear, door).ping()


async def test_the_interlock_is_asked_about_the_address_really_called(server, door):
    databases = PostgresDatabases(_settings(None), Secret(PASSWORD), Interlock(Reach(loopback_only=True)), door)
    with pytest.raises(Refused, match=r"10\.0\.0\.1"):
        await databases.at(Endpoint("localhost", 5432, "10.0.0.1")).ping()
