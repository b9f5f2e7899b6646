"""The PostgreSQL adapter against a real server behind TLS, on a machine whose environment wants to mislead it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime

import psycopg
import pytest
from psycopg import sql

from runbook.engine.errors import LayerFailed, NoVerdict, Refused
from runbook.engine.ports import Permit, Secret
from runbook.estate.door import Door
from runbook.estate.ports import ContentAsk, Endpoint, TableContent, TableShape
from runbook.estate.postgres import questions
from runbook.estate.postgres.server import PostgresDatabase, PostgresDatabases
from runbook.safety import bounds
from runbook.safety.interlock import Interlock
from runbook.training.certificates import Authority
from tests.estate.postgres_lab import nothing
from tests.estate.postgres_tls import PASSWORD, Server, served, settings

pytestmark = pytest.mark.estate

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
    create role watcher login password 'reader''s pass';
    grant pg_read_all_data, pg_monitor to watcher;
    create role blind login password 'reader''s pass';
    create role master superuser login password 'reader''s pass';
    create unlogged table scratch (id int);
    create table visits (id int, at timestamptz) partition by range (at);
    create table visits_2027 partition of visits for values from ('2027-01-01') to ('2028-01-01');
    create table visits_2028 partition of visits for values from ('2028-01-01') to ('2029-01-01');
    insert into visits values (1, '2027-05-05Z'), (2, '2028-05-06Z'), (3, '2028-05-05Z');
    create table bookings as select i as id, timestamptz '2026-01-01Z' + i * interval '1 min' as at
        from generate_series(1, 100000) i;
    create index on bookings (at);
    analyze bookings;
    create role limited login connection limit 0 password 'reader''s pass';
    create role application;
    create role member login in role application password 'reader''s pass';
    create table owned (id int);
    insert into owned values (1);
    alter table owned owner to application;
    alter table owned enable row level security;
"""


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with served(TABLES) as server:
        with server.admin() as admin:  # each on its own: a database is not made in a transaction
            for statement in ("create database full_up connection limit 0", "create database closed"):
                admin.execute(statement.encode())
            admin.execute("revoke connect on database closed from public")
        yield server


@pytest.fixture
def door() -> Iterator[Door]:
    door = Door()
    yield door
    door.close()


@pytest.fixture
def database(server: Server, door: Door) -> PostgresDatabase:
    return server.at(door)


async def content(database: PostgresDatabase, table: str) -> TableContent:
    (found,) = await database.contents((ContentAsk(table),), connections=1, progress=nothing)
    return found


async def test_it_says_where_it_is(database, server):
    await database.ping()
    here = await database.whereabouts()
    assert (here.address, here.port, here.tls, here.in_recovery) == ("127.0.0.1", server.cluster.port, True, False)
    assert here.version == server.cluster.binaries.version()
    assert here.started <= here.server_time
    assert here.server_time.tzinfo is UTC


async def test_no_variable_of_the_environment_matters(server, door, monkeypatch, tmp_path):
    calm = server.at(door)
    expected = [await content(calm, "public.notes"), await calm.newest("appointments", "booked_at")]
    for option in psycopg.pq.Conninfo.get_defaults():
        if option.envvar:
            monkeypatch.setenv(option.envvar.decode(), "nonsense")
    for name, value in {"PGTZ": "Asia/Tokyo", "PGDATESTYLE": "German", "SSL_CERT_FILE": str(tmp_path)}.items():
        monkeypatch.setenv(name, value)
    misled = server.at(door)
    assert [await content(misled, "public.notes"), await misled.newest("appointments", "booked_at")] == expected
    assert (await misled.whereabouts()).tls


async def test_it_lists_ordinary_tables_only(database):
    tables = await database.tables()
    assert tuple(shape.name for shape in await database.shapes()) == tables
    assert tables == (
        "public.appointments",
        "public.bookings",
        "public.canary",
        "public.empty",
        "public.hidden",
        "public.local_times",
        "public.notes",
        'public.od"d.name',
        "public.owned",
        "public.patients",
        "public.visits_2027",
        "public.visits_2028",
    )


async def test_a_tables_shape_is_its_size_and_its_key(database, server):
    shapes = {shape.name: shape for shape in await database.shapes()}
    with server.admin() as admin:
        (size,) = admin.execute("select pg_relation_size('patients')").fetchone()
    assert shapes["public.patients"] == TableShape("public.patients", size, ("id",))
    assert shapes["public.empty"] == TableShape("public.empty", 0)


async def test_rows_are_counted(database):
    assert [await database.rows(table) for table in ("public.patients", 'public.od"d.name')] == [300, 0]


async def test_the_newest_value_is_the_largest_finite_one_in_utc(database):
    assert await database.newest("appointments", "booked_at") == datetime(2027, 1, 15, 8, tzinfo=UTC)
    assert await database.newest("local_times", "at") == datetime(2027, 1, 15, 10, tzinfo=UTC)
    assert await database.newest("patients", "born") == datetime(1950, 10, 28, tzinfo=UTC)


async def test_a_partitioned_table_is_all_of_its_partitions(database):
    assert await database.rows("public.visits") == 3
    assert await database.newest("visits", "at") == datetime(2028, 5, 6, tzinfo=UTC)


async def test_the_newest_value_is_read_from_an_index(server):
    with server.admin() as admin:
        query = sql.SQL(questions._NEWEST).format(column=sql.Identifier("at"), table=sql.Identifier("bookings"))
        plan = [line for (line,) in admin.execute(sql.SQL("explain ") + query).fetchall()]
    assert any("bookings_at_idx" in line for line in plan), plan
    assert not any("Seq Scan" in line for line in plan), plan


async def test_what_reads_a_whole_table_is_given_the_time_for_it(database, server):
    with server.admin() as admin:  # a row for whoever was given hours, not the seconds of a probe
        admin.execute("create view slow as select now() as at where current_setting('statement_timeout') = '4h'")
        try:
            assert await database.rows("slow") == 1
            assert await database.newest("slow", "at") is not None
            assert await database.assertion("select count(*) from slow") == "1"
        finally:
            admin.execute("drop view slow")


async def test_a_servers_own_limit_for_transactions_does_not_end_what_is_asked(database, server):
    with server.admin() as admin:
        if admin.info.server_version < 170000:
            pytest.skip("before PostgreSQL 17 there is no transaction_timeout")
        admin.execute("alter role reader set transaction_timeout = '100ms'")
        asks = ContentAsk("public.patients"), ContentAsk("public.notes")
        try:
            asked = await database._session.ask("sleeping", lambda c: c.execute("select pg_sleep(0.3)").fetchall())
            found = await database.contents(
                asks, connections=1, progress=lambda *_: admin.execute("select pg_sleep(0.3)")
            )
        finally:
            admin.execute("alter role reader reset transaction_timeout")
    assert (len(asked), [each.rows for each in found]) == (1, [300, 2])


async def test_a_member_of_the_owners_role_sees_all_rows(server, door):
    assert (await content(server.at(door, "member"), "public.owned")).rows == 1
    with pytest.raises(NoVerdict) as said:
        await content(server.at(door), "public.owned")
    assert "membership in the role that owns the tables" in said.value.fix


async def test_a_value_is_found_by_its_key(database):
    assert await database.text_value("public.canary", "id", "one", "ciphertext") == "vault:v1:abc"
    assert await database.text_value("canary", "id", "nobody", "ciphertext") is None
    assert await database.text_value("canary", "id", "hostile", "ciphertext") == "a�[31mb"
    with pytest.raises(LayerFailed, match="several rows"):
        await database.text_value("canary", "id", "two", "ciphertext")


async def test_sessions_are_seen_by_name_or_the_blindness_is_said(database, server, door):
    assert await database.sessions("clinic") == ()
    with server.asked("reader", "clinic"):
        (seen,) = await database.sessions("clinic")
        assert (seen.application, seen.client, seen.user) == ("clinic", "127.0.0.1", "reader")
        with pytest.raises(NoVerdict, match="may not see"):
            await server.at(door, "blind").sessions("clinic")


@pytest.mark.parametrize(
    ("question", "error", "says"),
    [
        (lambda d: d.rows("public.hidden"), NoVerdict, "may not see all rows"),
        (lambda d: d.rows("public.nosuch"), LayerFailed, "table is not there"),
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
        await database._session.ask("writing", write)
    assert "ReadOnlySqlTransaction" in said.value.provider_text


async def test_a_slow_statement_is_ended_by_the_server(database):
    with pytest.raises(NoVerdict, match="took too long"):
        await database._session.ask("sleeping", lambda c: c.execute("select pg_sleep(60)").fetchone(), timeout_s=1)


async def test_a_connection_that_breaks_off_is_no_verdict(database):
    with pytest.raises(NoVerdict):
        await database._session.ask(
            "self", lambda c: c.execute("select pg_terminate_backend(pg_backend_pid())").fetchone()
        )


# -- changes ------------------------------------------------------------------------------------------------------
async def test_a_table_is_analysed_with_a_permit_for_it_alone(server, door):
    master = server.at(door, "master")
    assert "public.appointments" in await master.without_statistics()
    await master.analyze(_permit("postgres:Analyze", "public.appointments"), "public.appointments")
    assert "public.appointments" not in await master.without_statistics()
    for other in (_permit("postgres:Analyze", "public.notes"), _permit("postgres:Silence", "public.appointments")):
        with pytest.raises(Refused, match="the permit is for"):
            await master.analyze(other, "public.appointments")


async def test_a_side_effect_is_ended_with_a_permit_for_it_alone(server, door):
    master = server.at(door, "master")
    with server.admin() as admin:
        admin.execute(
            "create subscription away connection 'host=127.0.0.1' publication p"
            " with (connect = false, enabled = false, create_slot = false, slot_name = none)"
        )
    (before,) = [effect for effect in await master.side_effects(()) if effect.kind == "subscription"]
    with pytest.raises(Refused):
        await master.silence(_permit("postgres:Silence", "another"), before)
    await master.silence(_permit("postgres:Silence", before.name), before)
    after = await master.side_effects(())
    assert [effect for effect in after if effect.kind == "subscription" and effect.active] == []


async def test_a_refused_change_is_no_missing_right_to_read(server, door):
    reader = server.at(door, "watcher")
    with server.admin() as admin:
        admin.execute("create subscription kept connection 'host=127.0.0.1' publication p with (connect = false)")
        admin.execute("alter subscription kept enable")
    try:
        (effect,) = [each for each in await reader.side_effects(()) if each.active]
        with pytest.raises(NoVerdict) as said:
            await reader.silence(_permit("postgres:Silence", effect.name), effect)
    finally:
        with server.admin() as admin:
            for statement in ("disable", "set (slot_name = none)"):
                admin.execute(f"alter subscription kept {statement}".encode())
            admin.execute("drop subscription kept")
    assert said.value.sentence == f"postgres:Silence of {effect.name}: this user may not change it"
    assert said.value.provider_text == "SQLSTATE 42501 (InsufficientPrivilege)"
    assert "master user" in said.value.fix
    assert "pg_read_all_data" not in said.value.fix


async def test_what_an_extension_refuses_without_a_code_is_no_damage(server, door):
    def elog(connection):
        connection.execute("do $$ begin raise 'you do not own it' using errcode = 'XX000'; end $$")

    change = ("postgres:Silence", "1 nightly")
    with pytest.raises(LayerFailed) as said:
        await server.at(door, "master")._session.change(_permit(*change), change, elog)
    assert said.value.sentence == "postgres:Silence of 1 nightly: the database refused it"
    assert said.value.provider_text == "SQLSTATE XX000 (InternalError_)"


async def test_a_change_without_a_listed_operation_is_refused_before_anything_is_sent(server, door):
    with pytest.raises(Refused, match="not in the table of operations"):
        await server.at(door, "master")._session.change(
            _permit("postgres:Drop", "public.notes"),
            ("postgres:Drop", "public.notes"),
            lambda connection: pytest.fail("it was sent"),
        )


def _permit(operation: str, target: str) -> Permit:
    return Permit("run", "step", operation, target)


async def test_who_cannot_connect_reads_why(server, door, tmp_path):
    with pytest.raises(NoVerdict, match="does not accept this user"):
        await server.at(door, password="wrong").ping()
    with pytest.raises(LayerFailed, match="no database of that name"):
        await server.at(door, name="nosuch").ping()
    with pytest.raises(NoVerdict, match="this user may not connect to that database"):
        await server.at(door, name="closed").ping()
    for full in (server.at(door, name="full_up"), server.at(door, "limited")):
        with pytest.raises(NoVerdict, match="as many connections as it may have"):
            await full.ping()
    with pytest.raises(NoVerdict, match="certificate could not be verified"):
        await server.at(door, host="other.practice.test").ping()
    stranger = replace(server, authority=Authority(tmp_path / "other"))
    with pytest.raises(NoVerdict, match="certificate could not be verified"):
        await stranger.at(door).ping()
    with pytest.raises(NoVerdict, match="could not be reached"):
        await replace(server, port=1).at(door).ping()
    clear = replace(server, port=server.cluster.port)
    with pytest.raises(NoVerdict, match="certificate could not be verified"):
        await clear.at(door).ping()


async def test_the_interlock_is_asked_about_the_address_really_called(server, door):
    databases = PostgresDatabases(settings(None), Secret(PASSWORD), Interlock(bounds.practice()), door)
    with pytest.raises(Refused, match=r"10\.0\.0\.1"):
        await databases.at(Endpoint("localhost", 5432, "10.0.0.1")).ping()
