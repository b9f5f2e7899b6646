"""What would act on others from a copy: found, ended by the statement that was shown, and read back."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from runbook.engine.errors import LayerFailed, NoVerdict
from runbook.estate.ports import SideEffect
from runbook.estate.postgres import changes, effects
from runbook.training.servers.postgres import Cluster
from tests.estate.postgres_lab import connected, laboratory, run, with_contrib

pytestmark = pytest.mark.estate

# pg_cron's table as the extension makes it: row security, SELECT for everybody and no more, and a trigger in a library
# that refuses to be loaded by anything but shared_preload_libraries.
CRON = (
    "create schema cron; grant usage on schema cron to public",
    """create table cron.job (jobid bigint primary key, schedule text, command text, username text default current_user,
                              active boolean, jobname text)""",
    "insert into cron.job values (1, '0 3 * * *', 'select 1', 'planner', true, 'mail')",
    "insert into cron.job values (2, '* * * * *', 'select 2', 'postgres', false, null)",
    "grant select on cron.job to public",
    "alter table cron.job enable row level security",
    "create policy cron_job_policy on cron.job using (username = current_user)",
    """create function cron.job_cache_invalidate() returns trigger language plpgsql as $$ begin
           if current_setting('shared_preload_libraries') not like '%pg_cron%' then
               raise 'pg_cron can only be loaded via shared_preload_libraries';
           end if;
           return null; end $$""",
    """create trigger cron_job_cache_invalidate after insert or update or delete or truncate on cron.job
           for statement execute function cron.job_cache_invalidate()""",
)
ALTER_JOB = """
    create function cron.alter_job(job_id bigint, schedule text default null, command text default null,
        database text default null, username text default null, active boolean default null)
    returns void language sql security definer begin atomic
        update cron.job j set active = alter_job.active where j.jobid = job_id; end"""
QUEUES = ("create table outbox (id int)", "create table faxes (id int); insert into faxes values (1)")
QUEUED = ("public.outbox", "faxes")
HOSTILE = """x" disable; drop table faxes; --"""


@pytest.fixture(scope="module", params=["bundled", "contrib"])
def cluster(request: pytest.FixtureRequest) -> Iterator[Cluster]:
    with laboratory(Path(tempfile.mkdtemp(prefix="runbook-effects-"))) as lab:
        binaries = with_contrib() if request.param == "contrib" else lab.bundled
        cluster = lab.create(binaries, wal_level="logical", max_logical_replication_workers="0")
        run(cluster, "create role reader login; grant pg_read_all_data, pg_monitor to reader", *CRON, *QUEUES)
        run(cluster, f"alter role reader password '{cluster.password}'", "create database other")
        for database, name in (("postgres", HOSTILE), ("postgres", "feed"), ("other", "elsewhere")):
            quoted = name.replace('"', '""')
            run(cluster, f"""create subscription "{quoted}" connection 'host=127.0.0.1 port=1' publication p
                             with (connect = false)""", database=database)  # fmt: skip
        run(
            cluster,
            "alter subscription feed enable",
            f'alter subscription "{HOSTILE.replace(chr(34), chr(34) * 2)}" enable',
        )
        run(cluster, "alter subscription elsewhere enable", database="other")
        yield cluster


@pytest.fixture(scope="module", params=["bundled", "contrib"])
def running(request: pytest.FixtureRequest) -> Iterator[Cluster]:
    """A server that has loaded a library of pg_cron's name, one of PostgreSQL's own that does nothing by itself."""
    with laboratory(Path(tempfile.mkdtemp(prefix="runbook-cron-"))) as lab:
        binaries = with_contrib() if request.param == "contrib" else lab.bundled
        library = next(binaries.folder.parent.glob("lib/**/dict_snowball.*"))
        shutil.copy(library, lab.folder / f"pg_cron{library.suffix}")
        cluster = lab.create(
            binaries,
            shared_preload_libraries="pg_cron",
            dynamic_library_path=f"{lab.folder}:$libdir",
            **{"cron.database_name": "postgres"},
        )
        run(cluster, *(f"create role {name} login password '{cluster.password}'" for name in ("reader", "planner")))
        run(cluster, "grant pg_read_all_data, pg_monitor to reader", "grant pg_monitor to planner", *CRON)
        run(cluster, "create database other")
        yield cluster


def _found(cluster: Cluster, *queues: str, user: str = "postgres") -> tuple[SideEffect, ...]:
    with connected(cluster, user) as connection:
        return effects.found(connection, queues)


@pytest.mark.parametrize("user", ["postgres", "reader"])
def test_what_acts_on_others_is_found_with_the_statement_that_ends_it(cluster, user):
    hostile = HOSTILE.replace('"', '""')
    assert [(each.kind, each.name, each.active, each.how) for each in _found(cluster, *QUEUED, user=user)] == [
        ("cron job", "pg_cron is not loaded: its jobs do not run", False, ""),
        ("subscription", "other.elsewhere (slot elsewhere on its publisher)", True, ""),
        ("subscription", "feed (slot feed on its publisher)", True, 'alter subscription "feed" disable'),
        (
            "subscription",
            f"{HOSTILE} (slot {HOSTILE} on its publisher)",
            True,
            f'alter subscription "{hostile}" disable',
        ),
        ("queue", "public.outbox", False, ""),
        ("queue", "faxes", True, ""),
    ]


def test_servers_of_others_and_what_reaches_them_are_found(cluster):
    with connected(cluster) as connection:
        known = connection.execute("select 1 from pg_available_extensions where name = 'postgres_fdw'").fetchone()
    if not known:
        assert [each for each in _found(cluster) if each.kind in {"foreign server", "extension"}] == []
        return
    run(
        cluster,
        "create extension postgres_fdw; create extension dblink",
        "create server warehouse foreign data wrapper postgres_fdw options (port '5432', host 'warehouse.example')",
        "create user mapping for postgres server warehouse options (user 'u', password 'never to be shown')",
    )
    found = [each for each in _found(cluster) if each.kind in {"foreign server", "extension"}]
    run(cluster, "drop extension postgres_fdw cascade; drop extension dblink")
    assert found == [
        SideEffect("foreign server", "warehouse (postgres_fdw to warehouse.example, 1 user mappings)", active=False),
        SideEffect("extension", "dblink", active=False),
    ]


def test_each_is_ended_by_its_own_statement_only(cluster):
    with connected(cluster) as connection:
        for effect in effects.found(connection, ()):
            if effect.active and effect.how:
                changes.silence(connection, effect)
        after = effects.found(connection, ("faxes",))
        assert connection.execute("show default_transaction_read_only").fetchone() == ("on",)
        with pytest.raises(Exception, match="read-only"):
            connection.execute("delete from faxes")
    assert [each.name for each in after if each.active] == [
        "other.elsewhere (slot elsewhere on its publisher)",
        "faxes",
    ]


def test_a_statement_that_is_not_the_databases_own_is_never_run(cluster):
    with connected(cluster) as connection:
        for how in ("drop table faxes", ""):
            with pytest.raises(LayerFailed, match="no statement ends it, or it is no longer there"):
                changes.silence(connection, SideEffect("subscription", "feed", active=True, how=how))
    assert _found(cluster, "faxes")[-1].active


def test_a_queue_that_is_not_there_is_said_to_be(cluster):
    with pytest.raises(LayerFailed, match="queue nosuch: the table is not there"):
        _found(cluster, "nosuch")


# -- pg_cron ------------------------------------------------------------------------------------------------------
JOBS = [("1 mail", True), ("2", False)]


def test_jobs_that_run_are_ended_in_the_table_where_pg_cron_has_no_function_for_it(running):
    with connected(running) as connection:
        first, second = effects.found(connection, ())
        assert [(each.name, each.active) for each in (first, second)] == JOBS
        assert first.how == "update cron.job set active = false where jobid = 1"
        changes.silence(connection, first)
        assert [each.active for each in effects.found(connection, ())] == [False, False]
    run(running, "update cron.job set active = true where jobid = 1")


def test_jobs_that_run_are_ended_by_pg_crons_own_function(running):
    run(running, ALTER_JOB)
    with connected(running, "planner") as connection:
        connection.execute("set row_security to on")  # it sees its own jobs
        (mine,) = effects.found(connection, ())
        assert (mine.name, mine.how) == ("1 mail", "select cron.alter_job(1, active := false)")
        changes.silence(connection, mine)
        assert [each.active for each in effects.found(connection, ())] == [False]
    run(running, "drop function cron.alter_job", "update cron.job set active = true where jobid = 1")


def test_what_cannot_be_seen_is_never_taken_for_nothing(running):
    with pytest.raises(NoVerdict, match="cron jobs cannot all be seen") as said:
        _found(running, user="reader")
    assert said.value.provider_text == "SQLSTATE 42501 (InsufficientPrivilege)"
    assert "membership in the role that owns the tables" in said.value.fix


def test_jobs_that_are_kept_in_another_database_are_told_of(running):
    with connected(running, "reader", "other") as connection:
        assert effects.found(connection, ()) == (
            SideEffect("cron job", "whatever pg_cron runs from database postgres", active=True),
        )


@pytest.mark.parametrize(("home", "elsewhere"), [("postgres", "postgres"), (None, "postgres"), ("clinic", "")])
def test_where_jobs_are_kept_is_pg_crons_own_setting(home, elsewhere):
    assert effects.cron_elsewhere(home, "clinic") == elsewhere


@pytest.mark.parametrize(
    ("libraries", "loaded"),
    [
        ("", False),
        ("pg_stat_statements", False),
        ("pg_cron_more", False),
        ("pg_stat_statements, pg_cron", True),
        ('"pg_cron",x', True),
        ("$libdir/pg_cron", True),
    ],
)
def test_pg_cron_is_loaded_where_the_server_says_so(libraries, loaded):
    assert effects.cron_loaded(libraries) == loaded


# -- statistics ---------------------------------------------------------------------------------------------------
def test_tables_without_statistics_are_found_and_analyzed(cluster):
    run(
        cluster,
        "create schema stats",
        "create table stats.full as select i from generate_series(1, 1000) i",
        "create table stats.indexed as select i from generate_series(1, 1000) i; create index on stats.indexed (i)",
        "create table stats.known as select i from generate_series(1, 1000) i; analyze stats.known",
        "create table stats.emptied as select i from generate_series(1, 1000) i; delete from stats.emptied",
        "analyze stats.emptied",
        "create table stats.nothing (i int)",
        "create table stats.hidden as select 1 as i; analyze stats.hidden",
        "alter table stats.hidden enable row level security",
    )
    for user in ("postgres", "reader"):
        with connected(cluster, user) as connection:
            assert _of_stats(changes.without_statistics(connection)) == ["stats.full", "stats.indexed"]
    with connected(cluster, "reader") as connection:
        changes.analyze(connection, "stats.full")  # it is no owner: the server only warns
        assert _of_stats(changes.without_statistics(connection)) == ["stats.full", "stats.indexed"]
    with connected(cluster) as connection:
        changes.analyze(connection, "stats.full")
        changes.analyze(connection, "stats.indexed")
        assert _of_stats(changes.without_statistics(connection)) == []


def _of_stats(tables: tuple[str, ...]) -> list[str]:
    return [table for table in tables if table.startswith("stats.")]
