"""Each look at the structure finds what was planted for it, as superuser and as the reader that production has."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest

from runbook.estate.ports import ContentProgress, Reading
from runbook.estate.postgres import structure
from runbook.training.servers.postgres import Cluster
from tests.estate.planted import FOUND, READERS, SOUND, WRONG
from tests.estate.postgres_lab import Lab, connected, laboratory, nothing, run, with_contrib
from tests.support.waiting import eventually

pytestmark = pytest.mark.estate

LOOKS = {
    "index structure", "heap structure", "foreign keys", "sequences behind their columns", "invalid indexes",
    "constraints not validated", "disabled triggers", "extensions", "collation versions", "prepared transactions",
    "replication slots", "subscriptions", "unlogged tables", "large objects", "materialised views",
    "transaction id age", "checksum failures",
}  # fmt: skip
_WAITS = "select wait_event_type is not distinct from 'Lock' from pg_stat_activity where pid = %s"
SETTINGS = {"wal_level": "logical", "max_prepared_transactions": "2", "max_logical_replication_workers": "0"}


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    with laboratory(Path(tempfile.mkdtemp(prefix="runbook-structure-"))) as lab:
        yield lab


def _cluster(lab: Lab, installation: str) -> Cluster:
    binaries = with_contrib() if installation == "contrib" else lab.bundled
    cluster = lab.create(binaries, **SETTINGS)
    run(cluster, *READERS, *SOUND)
    run(cluster, *(f"alter role {role} password '{cluster.password}'" for role in ("reader", "blind")))
    return cluster


@pytest.fixture(scope="module", params=["bundled", "contrib"])
def sound(request: pytest.FixtureRequest, lab: Lab) -> Cluster:
    return _cluster(lab, request.param)


@pytest.fixture(scope="module", params=["bundled", "contrib"])
def spoilt(request: pytest.FixtureRequest, lab: Lab) -> Cluster:
    cluster = _cluster(lab, request.param)
    run(cluster, *WRONG)
    with pytest.raises(Exception, match="unique"):
        run(cluster, "create unique index concurrently twice_once on clinic.twice (name)")
    return cluster


def _readings(cluster: Cluster, user: str = "postgres") -> dict[str, Reading]:
    with connected(cluster, user) as connection:
        return {reading.name: reading for reading in structure.readings(connection, nothing)}


# -- what is found ------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("user", ["postgres", "reader"])
def test_nothing_is_found_in_a_sound_database(sound, user):
    found = _readings(sound, user)
    assert set(found) == LOOKS
    assert {name: reading.found for name, reading in found.items() if reading.found} == {}


@pytest.mark.parametrize("user", ["postgres", "reader"])
def test_what_is_in_no_table_is_said_not_to_be_compared(lab, user):
    cluster = lab.create(lab.bundled)
    run(cluster, *READERS, f"alter role reader password '{cluster.password}'")
    before = _readings(cluster, user)
    assert (before["large objects"], before["materialised views"]) == (
        Reading("large objects"),
        Reading("materialised views"),
    )
    run(cluster, "select lo_from_bytea(0, 'scan'), lo_from_bytea(0, 'scan')", "create materialized view v as select 1")
    after = _readings(cluster, user)
    assert after["large objects"].found == ("2 large objects are not compared: no manifest states them",)
    assert after["materialised views"] == Reading(
        "materialised views", note="1 materialised views not compared: they are made from tables"
    )


@pytest.mark.parametrize("user", ["postgres", "reader"])
def test_each_look_finds_what_was_planted_for_it(spoilt, user):
    found = {name: reading.found for name, reading in _readings(spoilt, user).items() if reading.found}
    assert found == FOUND


def test_a_long_list_is_cut_and_says_so(lab):
    cluster = lab.create(lab.bundled)
    run(cluster, *(f"create unlogged table cache_{number:02} (id int)" for number in range(33)))
    found = _readings(cluster)["unlogged tables"].found
    assert (len(found), found[0], found[-1]) == (
        21,
        "public.cache_00: empty in this copy, as in every one",
        "and 13 more",
    )


def test_a_database_whose_ids_run_out_is_found(lab):
    cluster = lab.create(lab.bundled)
    assert _readings(cluster)["transaction id age"].note.startswith("the oldest is ")
    lab.stop(cluster)
    cluster.binaries.run("pg_resetwal", "-x", "1600000000", "-D", str(cluster.data))
    status = cluster.data / "pg_xact" / f"{1600000000 // (8192 * 4 * 32):04X}"
    status.write_bytes(bytes(256 << 10))
    with lab.running(cluster):
        found = _readings(cluster)["transaction id age"].found
    assert any(line.startswith("postgres: 159999") for line in found)


# -- what is not run, and why -------------------------------------------------------------------------------------
def test_without_amcheck_it_says_that_nothing_was_checked(sound):
    found = _readings(sound)
    with sound.connect() as connection:
        known = connection.execute("select 1 from pg_available_extensions where name = 'amcheck'").fetchone()
    offered = "the server offers it: create extension amcheck there as its owner, then try again"
    how = offered if known else "the server does not offer it"
    assert found["index structure"].not_run == (
        f"amcheck is not installed in this database: indexes were not checked ({how})"
    )
    assert found["heap structure"].not_run.startswith("amcheck is not installed in this database: pages of tables")
    assert found["index structure"].note == ""


def test_row_security_that_hides_rows_is_never_taken_for_soundness(spoilt):
    found = _readings(spoilt, "blind")["sequences behind their columns"]
    assert found.found == FOUND["sequences behind their columns"]
    assert found.not_run == (
        "1 not read: clinic.hidden_id_seq: the reader may not see all rows, SQLSTATE 42501 (InsufficientPrivilege). "
        "Grant it pg_read_all_data and BYPASSRLS, or membership in the role that owns the tables."
    )
    assert _readings(spoilt, "reader")["sequences behind their columns"].not_run == ""


def test_a_look_that_is_refused_does_not_end_the_others(lab):
    cluster = lab.create(lab.bundled)
    run(cluster, *READERS, f"alter role blind password '{cluster.password}'", "create unlogged table cache (id int)")
    run(
        cluster, "revoke select on pg_prepared_xacts, pg_subscription from public", "revoke pg_read_all_data from blind"
    )
    found = _readings(cluster, "blind")
    assert set(found) == LOOKS
    assert "42501" in found["prepared transactions"].not_run
    assert found["unlogged tables"].found


# -- amcheck ------------------------------------------------------------------------------------------------------
@pytest.fixture(scope="module")
def checked(lab: Lab) -> Cluster:
    """With amcheck in a schema of its own, and an index of a kind that nothing checks."""
    cluster = _cluster(lab, "contrib")
    run(cluster, "create schema tools", "create extension amcheck schema tools")
    return cluster


def test_every_index_and_table_is_checked_and_told_of(checked):
    told: list[tuple[int, int, str]] = []
    with connected(checked) as connection:
        found = {r.name: r for r in structure.readings(connection, lambda *said: told.append(said))}
    assert found["index structure"].not_run == found["heap structure"].not_run == ""
    assert found["index structure"].note.endswith(" indexes checked; no check for 1 hash: not checked")
    assert found["heap structure"].note.endswith(" tables checked")
    assert {"clinic.patients_pkey", "clinic.patients", "pg_catalog.pg_class_oid_index"} <= {name for _, _, name in told}
    done, totals = [done for done, _, _ in told], {total for _, total, _ in told}
    assert (done, len(totals)) == (sorted(done), 1)
    assert {done[-1]} == totals


def test_who_may_not_run_amcheck_reads_which_grant_is_missing(checked):
    found = _readings(checked, "reader")
    assert found["index structure"].not_run == (
        "this user may not run amcheck, so indexes were not checked: grant execute on function "
        "tools.bt_index_parent_check(index regclass, heapallindexed boolean, rootdescend boolean) to …"
    )
    assert "grant execute on function tools.verify_heapam(relation regclass" in found["heap structure"].not_run


def test_the_grant_that_was_named_is_enough(checked):
    asked = _readings(checked, "reader")["index structure"].not_run.partition(": ")[2]
    run(checked, asked.replace("…", "reader"))
    found = _readings(checked, "reader")["index structure"]
    run(checked, asked.replace("grant", "revoke").replace("to …", "from reader"))
    assert found.not_run == ""
    assert " indexes checked" in found.note


def test_an_amcheck_that_is_too_old_is_told_to_be_updated(lab):
    cluster = _cluster(lab, "contrib")
    run(cluster, "create extension amcheck version '1.2'")
    before = _readings(cluster)
    assert before["heap structure"].not_run == (
        "amcheck is too old in this database to check pages of tables "
        "(alter extension amcheck update there as its owner, then try again)"
    )
    assert not before["heap structure"].unavailable
    assert before["index structure"].not_run == ""
    run(cluster, "alter extension amcheck update")
    assert _readings(cluster)["heap structure"].not_run == ""


def test_in_recovery_the_weaker_check_is_run_and_said_to_be(lab, checked):
    lab.stop(checked)
    standby = lab.copy(checked)
    lab.start(checked, **SETTINGS)
    (standby.data / "standby.signal").touch()
    with lab.running(standby, **SETTINGS):
        found = _readings(standby)
    assert found["index structure"].not_run == (
        "keys that separate pages were not compared with the pages below them: the server is in recovery"
    )
    assert " indexes checked" in found["index structure"].note
    assert found["heap structure"].not_run == ""


def test_with_pg_prewarm_alone_indexes_are_read_which_finds_failed_checksums(lab):
    cluster = _cluster(lab, "contrib")
    run(cluster, "create extension pg_prewarm")
    with connected(cluster) as connection:
        row = connection.execute("select pg_relation_filepath('clinic.patients_name_idx1')").fetchone()
    assert row is not None
    lab.stop(cluster)
    index = cluster.data / row[0]
    body = bytearray(index.read_bytes())
    body[8192 + 8000] ^= 1
    index.write_bytes(body)
    with lab.running(cluster):
        found = _readings(cluster, "reader")
    assert found["index structure"].found == ("clinic.patients_name_idx1 is damaged: SQLSTATE XX001 (DataCorrupted)",)
    assert found["index structure"].not_run.startswith("amcheck is not installed in this database: indexes were not")
    assert found["index structure"].note.endswith(" indexes read by pg_prewarm, not checked")
    assert found["checksum failures"].found


def test_a_connection_that_breaks_off_leaves_what_was_not_read(checked):
    with connected(checked) as connection:

        def cut(done: int, total: int, name: str) -> None:
            if name == "clinic.patients_pkey":
                connection.close()

        found = {reading.name: reading for reading in structure.readings(connection, cut)}
    assert set(found) == LOOKS
    assert "the connection broke off" in found["index structure"].not_run
    assert all(reading.not_run for reading in found.values())


# -- statements that do not come to an end ------------------------------------------------------------------------
@contextlib.contextmanager
def _locked(cluster: Cluster) -> Iterator[ContentProgress]:
    """Nobody can read the table from the moment at which it says that this foreign key is to be followed."""
    with cluster.connect() as holder:

        def progress(done: int, total: int, name: str) -> None:
            if name == "clinic.visits: visits_patient_fkey":
                holder.execute("lock table clinic.visits in access exclusive mode")

        yield progress
        holder.rollback()


def test_a_statement_that_takes_too_long_fails_for_itself_only(sound):
    with _locked(sound) as progress, connected(sound) as connection:
        connection.execute("set statement_timeout to '100ms'")
        found = {reading.name: reading for reading in structure.readings(connection, progress)}
    assert found["foreign keys"].not_run == (
        "1 not read: clinic.visits: visits_patient_fkey: the statement took too long, SQLSTATE 57014 (QueryCanceled). "
        "A fresh copy is slow on first touch: retry."
    )
    assert found["foreign keys"].note == "0 foreign keys followed"
    assert found["unlogged tables"].not_run == ""


def test_a_cancelled_statement_ends_all_of_it(sound):
    with _locked(sound) as progress, connected(sound) as connection, sound.connect() as other:
        other.autocommit = True
        me = connection.info.backend_pid
        with ThreadPoolExecutor() as pool:
            answer = pool.submit(structure.readings, connection, progress)
            eventually(lambda: other.execute(_WAITS, (me,)).fetchone(), lambda row: row == (True,))
            other.execute("select pg_cancel_backend(%s)", (me,))
            with pytest.raises(psycopg.errors.QueryCanceled):
                answer.result(30)
