"""Production's database: filled from the synthetic clinic, and backed up as production would."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, LiteralString

import psycopg
from psycopg import sql

from runbook.training.clinic import MIGRATION, SCHEMA, WRITTEN, Clinic
from runbook.training.servers.aws_names import DATABASE, INSTANCE, RETENTION_DAYS, snapshot_id
from runbook.training.servers.postgres import Cluster

APP_USER = "clinic_app"
VAULT_USER = "vault_admin"
"""The vault's own login, with which it makes others; it may give them `READ_ONLY` and nothing else."""
READ_ONLY = "clinic_readonly"
READER = "runbook_reader"
CANARY_ID = "canary"
NEWEST_SNAPSHOT = timedelta(minutes=70)
NEWEST_VAULT_BACKUP = timedelta(minutes=60)
VAULT_BACKUPS = 5
MANIFESTS = 7
"""How many of the newest snapshots have a manifest."""

_TABLES = """
select n.nspname || '.' || c.relname from pg_class c join pg_namespace n on n.oid = c.relnamespace
where c.relkind = 'r' and n.nspname !~ '^pg_' and n.nspname <> 'information_schema' order by 1
"""
_ROLES: LiteralString = """
create role {app} login password {app_password};
create role {reader} login password {reader_password} in role pg_read_all_data, pg_monitor;
create role {group} nologin;
create role {vault} login createrole password {vault_password};
grant {group} to {vault} with admin option;
revoke all on schema public from public;
grant usage on schema public to {app};
grant select, insert, update, delete on all tables in schema public to {app};
grant usage on all sequences in schema public to {app};
grant usage on schema public to {group};
grant select on all tables in schema public to {group};
"""

Connection = psycopg.Connection[tuple[Any, ...]]


@dataclass(frozen=True, slots=True)
class Passwords:
    """Of the database's roles; the copy has the same, since they are in the backup."""

    app: str = field(default_factory=lambda: secrets.token_urlsafe(24), repr=False)
    reader: str = field(default_factory=lambda: secrets.token_urlsafe(24), repr=False)
    vault: str = field(default_factory=lambda: secrets.token_urlsafe(24), repr=False)


@dataclass(frozen=True, slots=True)
class Ciphertexts:
    """What the vault made of the clinic: a ciphertext for each note, and three for the canary's sake."""

    notes: tuple[str, ...]
    canary: str
    control: str
    other: str
    """Valid, of another text: what `canary-changed` puts into the canary's place."""


def snapshot_moments(now: datetime) -> tuple[datetime, ...]:
    """When the daily automated snapshots were made, oldest first; the newest is 70 minutes old."""
    newest = now - NEWEST_SNAPSHOT
    return tuple(
        newest - timedelta(days=day, minutes=(day * 7) % 11, seconds=(day * 13) % 60)
        for day in reversed(range(RETENTION_DAYS))
    )


def vault_backup_moments(now: datetime) -> tuple[datetime, ...]:
    """When the daily vault backups were made, oldest first; the newest is an hour old."""
    return tuple(now - NEWEST_VAULT_BACKUP - timedelta(days=day) for day in reversed(range(VAULT_BACKUPS)))


def lay_out(source: Cluster, passwords: Passwords) -> None:
    """Database, tables and roles."""
    with source.connect() as connection:
        connection.autocommit = True
        connection.execute(sql.SQL("create database {}").format(sql.Identifier(DATABASE)))
    with source.connect(DATABASE) as connection:
        connection.execute(SCHEMA)
        connection.execute(
            sql.SQL(_ROLES).format(
                app=sql.Identifier(APP_USER),
                reader=sql.Identifier(READER),
                app_password=sql.Literal(passwords.app),
                reader_password=sql.Literal(passwords.reader),
                group=sql.Identifier(READ_ONLY),
                vault=sql.Identifier(VAULT_USER),
                vault_password=sql.Literal(passwords.vault),
            )
        )


def fill(source: Cluster, clinic: Clinic) -> None:
    """All that is stored in the clear."""
    with source.connect(DATABASE) as connection:
        _copy(connection, "alembic_version", [(MIGRATION,)])
        _copy(connection, "settings", clinic.settings)
        _copy(
            connection,
            "patients",
            (
                (one.id, one.nhs_number, one.given_name, one.family_name, one.born, one.telephone, one.registered_at)
                for one in clinic.patients
            ),
        )
        _copy(
            connection,
            "appointments",
            ((one.id, one.patient_id, one.kind, one.starts_at, one.booked_at) for one in clinic.appointments),
        )


def fill_encrypted(source: Cluster, clinic: Clinic, ciphertexts: Ciphertexts) -> None:
    """The notes and the canary, as ciphertexts; then the sequences and statistics that a living database has."""
    notes = zip(clinic.notes, ciphertexts.notes, strict=True)
    with source.connect(DATABASE) as connection:
        _copy(
            connection,
            "clinical_notes",
            ((one.id, one.patient_id, one.appointment_id, one.written_at, text) for one, text in notes),
        )
        _copy(connection, "runbook_canary", [(CANARY_ID, ciphertexts.canary)])
        for table in ("patients", "appointments", "clinical_notes"):
            name = sql.Identifier(table)
            connection.execute(
                sql.SQL("select setval(pg_get_serial_sequence({}, 'id'), (select max(id) from {}))").format(
                    sql.Literal(table), name
                )
            )
        connection.execute("analyze")


def _copy(connection: Connection, table: str, rows: Iterable[Sequence[Any]]) -> None:
    with connection.cursor().copy(sql.SQL("copy {} from stdin").format(sql.Identifier(table))) as copy:
        for row in rows:
            copy.write_row(row)


def manifests(source: Cluster, now: datetime) -> dict[str, bytes]:
    """Snapshot id to its manifest, for the newest snapshots: rows and content hash of each table as of then."""
    with source.connect(DATABASE) as connection:
        version = connection.info.parameter_status("server_version")
        tables = [row[0] for row in connection.execute(_TABLES)]
        made = {}
        for moment in snapshot_moments(now)[-MANIFESTS:]:
            content = {table: _content(connection, table, moment) for table in tables}
            document = {
                "schema": 1,
                "made_at": moment.astimezone(UTC).isoformat(),
                "server_version": version,
                "tables": content,
            }
            made[snapshot_id(INSTANCE, moment)] = json.dumps(document, indent=1).encode()
    return made


def _content(connection: Connection, table: str, moment: datetime) -> dict[str, Any]:
    """The digest is order-independent and depends on the pinned text settings of `Cluster.connect`."""
    column = WRITTEN.get(table)
    until = sql.SQL("where {} <= {}").format(sql.Identifier(column), sql.Literal(moment)) if column else sql.SQL("")
    query = sql.SQL("select count(*), sum(hash_record_extended(t, 0))::text from {} t {}").format(_named(table), until)
    row = connection.execute(query).fetchone()
    rows, digest = row if row is not None else (0, None)
    return {"rows": rows, "digest": digest}


def forget_after(copy: Cluster, moment: datetime) -> None:
    """Make a copy of the newest backup into one of an older snapshot: what was written later goes."""
    with copy.connect(DATABASE) as connection:
        for table, column in WRITTEN.items():
            connection.execute(
                sql.SQL("delete from {} where {} > {}").format(
                    _named(table), sql.Identifier(column), sql.Literal(moment)
                )
            )


def empty_table(copy: Cluster, table: str) -> None:
    """Lose a table's rows as a damaged backup would: nothing that refers to them is asked."""
    with copy.connect(DATABASE) as connection:
        connection.execute("set session_replication_role = replica")
        connection.execute(sql.SQL("delete from {}").format(_named(table if "." in table else f"public.{table}")))


def change_canary(copy: Cluster, ciphertext: str) -> None:
    """Put another ciphertext into the canary record."""
    with copy.connect(DATABASE) as connection:
        connection.execute("update runbook_canary set ciphertext = %s where id = %s", (ciphertext, CANARY_ID))


def _named(table: str) -> sql.Identifier:
    return sql.Identifier(*table.split("."))
