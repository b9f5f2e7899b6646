"""What a manifest says beside the rows, as a reader sees it who owns nothing."""

from __future__ import annotations

from collections.abc import Awaitable, Iterator

import pytest

from runbook.engine.errors import NoVerdict
from runbook.estate.door import Door
from runbook.estate.postgres.server import PostgresDatabase
from tests.estate.postgres_lab import Connection, nothing
from tests.estate.postgres_tls import Server, served

pytestmark = pytest.mark.estate

TABLES = """
    create table patients (id serial primary key, name text not null default 'nobody', born date);
    create table notes (id bigint generated always as identity,
        shout text generated always as ('a' || 'b') stored);
    create sequence spare;
    select setval('patients_id_seq', 41);
    create table private (id int);
    alter table private enable row level security, force row level security;
    create policy one on private using (true);
    create policy two on private using (true);
    create table planned (id int);
    create policy one on planned using (true);
    create table open (id int);
    alter table open enable row level security;
    create role owner;
    create role application login connection limit 5 in role owner, pg_monitor password 'p' valid until '2030-01-01';
    create role "v-approle-app-Zx81" login in role owner password 'p' valid until '2027-01-01';
    create role rdsadmin superuser;
    create role rds_superuser;
    create role granting createrole createdb noinherit replication bypassrls;
    grant "v-approle-app-Zx81" to granting;
    create role reader login password 'reader''s pass';
    grant pg_read_all_data to reader;
    alter role reader set search_path = other, public;
    create schema other;
"""


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with served(TABLES) as server:
        yield server


@pytest.fixture
def database(server: Server) -> Iterator[PostgresDatabase]:
    door = Door()
    yield server.at(door)
    door.close()


@pytest.fixture
def admin(server: Server) -> Iterator[Connection]:
    with server.admin() as admin:
        yield admin


async def test_roles_are_told_but_for_those_of_the_system_and_of_the_vault(database):
    assert (await database.catalogue()).roles == {
        "application": "login; owner, pg_monitor",
        "granting": "createrole, createdb, replication, bypassrls, noinherit",
        "owner": "",
        "postgres": "superuser, login, createrole, createdb, replication, bypassrls",
        "reader": "login; pg_read_all_data",
    }


async def test_memberships_of_a_role_are_compared_to_the_last_one(database, admin):
    groups = [f"{'group_' * 9}{number:02}" for number in range(20)]
    admin.execute("create role widely login")
    try:
        for group in groups:
            admin.execute(f"create role {group}; grant {group} to widely".encode())
        before = (await database.catalogue()).roles["widely"]
        admin.execute(f"revoke {groups[-1]} from widely".encode())
        after = (await database.catalogue()).roles["widely"]
    finally:
        admin.execute(f"drop role widely, {', '.join(groups)}".encode())
    assert before != after
    assert max(len(before), len(after)) < 500
    assert before.startswith(f"login; {groups[0]}, {groups[1]}, ")


@pytest.mark.parametrize(
    ("kind", "names"),
    [
        ("table", ('"a.b"."c"', '"a"."b.c"')),
        ("table", ('"a"."c\u200b"', '"a"."c\u200d"')),
        ("sequence", ('"a.b"."c"', '"a"."b.c"')),
    ],
)
async def test_two_of_one_name_are_named_and_neither_is_lost(database, admin, kind, names):
    admin.execute('create schema "a.b"; create schema a')
    said = [name.replace("\u200b", "\ufffd").replace("\u200d", "\ufffd") for name in sorted(names)]
    sentence = f"these cannot be told apart by their names: {', '.join(said)}"
    try:
        for name in names:
            admin.execute(f"create {kind} {name}{' (id int)' * (kind == 'table')}".encode())
        await _refuses(database.catalogue(), sentence)
        if kind == "table":
            await _refuses(database.tables(), sentence)
            await _refuses(database.shapes(), sentence)
            await _refuses(database.manifest(buckets=4, connections=1, progress=nothing), sentence)
    finally:
        admin.execute('drop schema "a.b" cascade; drop schema a cascade')


async def _refuses(question: Awaitable[object], sentence: str) -> None:
    with pytest.raises(NoVerdict) as said:
        await question
    assert said.value.sentence == sentence


async def test_row_security_is_told_of_every_table(database):
    assert (await database.catalogue()).row_security == {
        "public.notes": "off",
        "public.open": "enabled, 0 policies",
        "public.patients": "off",
        "public.planned": "off, 1 policy",
        "public.private": "enabled, forced, 2 policies",
    }


async def test_sequences_are_told_used_or_not(database):
    assert (await database.catalogue()).sequences == {
        "public.notes_id_seq": None,
        "public.patients_id_seq": 41,
        "public.spare": None,
    }


async def test_settings_and_extensions_are_told(database):
    told = await database.catalogue()
    assert (told.settings["TimeZone"], told.settings["server_encoding"]) == ("UTC", "UTF8")
    assert set(told.extensions) == {"plpgsql"}


@pytest.mark.parametrize(
    ("change", "back"),
    [
        ("alter column born type timestamptz", "alter column born type date using born::date"),
        ("alter column born set not null", "alter column born drop not null"),
        ("alter column name set default 'somebody'", "alter column name set default 'nobody'"),
        ("rename column born to birth", "rename column birth to born"),
        ('alter column name type text collate "C"', "alter column name type text"),
        ("add column more int", "drop column more"),
    ],
)
async def test_a_changed_column_changes_the_fingerprint_of_its_table_alone(database, admin, change, back):
    before = (await database.catalogue()).columns
    admin.execute(f"alter table patients {change}".encode())
    changed = (await database.catalogue()).columns
    admin.execute(f"alter table patients {back}".encode())
    assert {name for name in before if before[name] != changed[name]} == {"public.patients"}
    assert (await database.catalogue()).columns == before  # a dropped column's gap is no difference


async def test_a_fingerprint_does_not_depend_on_the_readers_search_path(database, admin):
    before = (await database.catalogue()).columns
    admin.execute("alter role reader set search_path = public")
    assert (await database.catalogue()).columns == before


HEADS = {  # table and columns → rows, and what is said of them
    "alembic_version (version_num text)": ("('7c1f0e5ab2d4'), ('1aa')", "alembic_version 1aa, 7c1f0e5ab2d4"),
    "other.flyway_schema_history (installed_rank int, version text, success bool)": (
        "(1, '1.0', true), (3, '9', false), (2, '1.1', true), (4, null, true)",
        "flyway_schema_history 1.1",
    ),
    "django_migrations (id int, app text, name text)": (
        "(1, 'auth', '0001_initial'), (2, 'clinic', '0007_notes')",
        "django_migrations clinic.0007_notes",
    ),
    "_prisma_migrations (migration_name text, finished_at date, rolled_back_at date)": (
        "('a', '2027-01-01', null), ('b', '2027-01-02', '2027-01-03'), ('c', null, null)",
        "_prisma_migrations a",
    ),
    "schema_migrations (version bigint, dirty bool)": ("(42, false)", "schema_migrations 42"),
    "schema_migrations (version text)": ("(null)", "schema_migrations (empty)"),
    "schema_migrations (something text)": ("('of somebody else')", ""),
}


@pytest.mark.parametrize("table", HEADS)
async def test_the_migration_head_is_found_whichever_tool_keeps_it(database, admin, table):
    name, (rows, says) = table.split()[0], HEADS[table]
    admin.execute(f"create table {table}".encode())
    try:
        admin.execute(f"insert into {name} values {rows}".encode())  # noqa: S608 - of our own
        assert (await database.catalogue()).migration == says
    finally:
        admin.execute(f"drop table {name}".encode())
