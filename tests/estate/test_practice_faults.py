"""What the fault deck does to restored databases, to production and to the vault's backups, on the real servers."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import psycopg
import pytest

from runbook.estate.postgres import content, plan
from steps.database.manifests import Around
from steps.database.stated import Terms
from tests.estate.data_lab import Practice, estate
from tests.support.waiting import eventually

pytestmark = pytest.mark.estate


@pytest.fixture
def practice() -> Iterator[Practice]:
    """One for each test: what is broken here stays broken."""
    with estate() as practice:
        yield practice


@contextmanager
def copy(practice: Practice, which: int = -1) -> Iterator[dict[str, Any]]:
    """The endpoint of a restored snapshot."""
    name = f"rt-broken{which}".replace("--", "-")
    practice.restore(name, practice.snapshots()[which]["DBSnapshotIdentifier"])
    yield practice.until_status(name, "available")["Endpoint"]


def test_damaged_pages_are_an_error_where_a_byte_flipped_and_silence_where_all_is_zero(practice: Practice) -> None:
    practice.layers.fault("damaged-pages", {})
    with copy(practice) as endpoint, practice.connect(endpoint) as connection:
        with pytest.raises(psycopg.errors.DataCorrupted, match="invalid page in block 3"):
            content.read(connection, "public.appointments")
        connection.rollback()
        rows = "select count(*) from public.appointments where ctid >= '(7,0)' and ctid < '(8,0)'"
        assert connection.execute(rows).fetchone() == (0,)
        assert content.read(connection, "public.patients").rows == 3000
        newest = connection.execute("select max(booked_at) from public.appointments").fetchone()
        assert newest == (practice.snapshots()[-1]["SnapshotDatabaseTime"],), "the damage is not among the newest rows"


def test_a_lost_index_is_there_and_invalid(practice: Practice) -> None:
    practice.layers.fault("lost-index", {})
    with copy(practice) as endpoint, practice.connect(endpoint) as connection:
        query = "select indexrelid::regclass::text from pg_index where not indisvalid"
        assert connection.execute(query).fetchall() == [("patients_nhs_number_key",)]


def test_a_blind_reader_is_refused_and_production_says_so_itself(practice: Practice) -> None:
    practice.layers.fault("blind-reader", {})
    snapshot = practice.snapshots()[-1]
    around = practice.around(snapshot)
    assert {made.catalogue.row_security["public.patients"] for made in around.stated} == {"enabled, 1 policy"}
    with copy(practice) as endpoint, practice.connect(endpoint) as connection:
        assert not plan.relations(connection)["public.patients"].readable
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("select count(*) from public.patients")


def test_a_manifest_shrinks_with_production_and_agrees_with_the_copy(practice: Practice) -> None:
    practice.layers.fault("shrunk-manifest", {})
    newest, before = practice.snapshots()[-1], practice.snapshots()[-2]
    with copy(practice) as endpoint:
        assert practice.compared(endpoint, practice.around(newest)).faults == ()
    with copy(practice, -2) as endpoint:
        assert practice.compared(endpoint, practice.around(before)).faults == ()
    now, then = (practice.around(each).stated[0].tables["public.clinical_notes"].rows for each in (newest, before))
    assert now < then * 0.2


def test_the_endpoint_of_a_copy_can_lead_to_production(practice: Practice) -> None:
    practice.layers.fault("source-instead-of-copy", {})
    with copy(practice) as endpoint, practice.connect(endpoint) as connection:
        row = connection.execute("select inet_server_port(), count(*) from public.appointments").fetchone()
    assert row is not None
    assert row == (practice.layers._source.port, 9000)


def change_a_quiet_row(practice: Practice, around: Around) -> None:
    """One letter of one old appointment in the copy."""
    quiet = Terms(around, "18").stated["public.appointments"].quiet
    (running,) = practice.layers._copies._running.values()
    with running.cluster.connect(practice.database.name) as connection:
        query = "select id from appointments where (hash_record_extended(row(id), 0) & 255)::int = any(%s) limit 1"
        row = connection.execute(query, (list(quiet),)).fetchone()
        assert row is not None
        connection.execute("update appointments set kind = kind || '.' where id = %s", row)


def test_production_can_live_while_copies_are_made(practice: Practice) -> None:
    before = datetime.now(UTC)
    practice.layers.fault("production-lives", {})
    practice.layers.fault("production-lives", {})

    def booked() -> int:
        with practice.layers._source.connect(practice.database.name) as connection:
            row = connection.execute("select count(*) from appointments where booked_at > %s", (before,)).fetchone()
        assert row is not None
        rows: int = row[0]
        return rows

    eventually(booked, lambda rows: rows >= 3)
    with copy(practice) as endpoint:
        around = practice.around(practice.snapshots()[-1])
        assert practice.compared(endpoint, around).faults == ()
        change_a_quiet_row(practice, around)
        (fault,) = practice.compared(endpoint, around).faults
        assert re.match(r"public\.appointments: 1 of \d+ quiet buckets differs", fault)
    practice.layers.stop()
    assert not practice.layers._writer._thread or not practice.layers._writer._thread.is_alive()
