"""Production's database: filled from the synthetic clinic, and backed up as production would."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, LiteralString

import psycopg
from psycopg import sql

from runbook.training.clinic import MIGRATION, SCHEMA, WRITTEN, Clinic
from runbook.training.servers.aws_names import DATABASE, MASTER_USER, RETENTION_DAYS
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
_OWNER: LiteralString = """
create role rds_superuser nologin;
create role {owner} login createrole createdb password {password} in role rds_superuser;
"""
_ROLES: LiteralString = """
grant pg_monitor, pg_signal_backend, pg_checkpoint to rds_superuser;
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
    master: str = field(default_factory=lambda: secrets.token_urlsafe(24), repr=False)


@dataclass(frozen=True, slots=True)
class Ciphertexts:
    """Of two texts that are in no table: the control record, and what `canary-changed` puts into the canary's place."""

    control: str
    other: str


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
    """Database, tables and roles: all of it the master user's, who is no superuser, as RDS has none."""
    owner = sql.Identifier(MASTER_USER)
    with source.connect() as connection:
        connection.autocommit = True
        connection.execute(sql.SQL(_OWNER).format(owner=owner, password=sql.Literal(passwords.master)))
        connection.execute(sql.SQL("create database {} owner {}").format(sql.Identifier(DATABASE), owner))
    with source.connect(DATABASE) as connection:
        connection.execute(sql.SQL("set role {}").format(owner))
        connection.execute(SCHEMA)
        connection.execute("reset role")
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
        _copy(connection, "outbox", ((one.id, one.kind, one.created_at, None) for one in clinic.messages))


def fill_encrypted(source: Cluster, clinic: Clinic, canary: str, ciphertexts: Sequence[str]) -> None:
    """The canary and the notes, as ciphertexts; then the sequences and statistics that a living database has."""
    notes = zip(clinic.notes, ciphertexts, strict=True)
    with source.connect(DATABASE) as connection:
        _copy(
            connection,
            "clinical_notes",
            ((one.id, one.patient_id, one.appointment_id, one.written_at, text) for one, text in notes),
        )
        _copy(connection, "runbook_canary", [(CANARY_ID, canary)])
        for table in ("patients", "appointments", "clinical_notes", "outbox"):
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


def forget_after(copy: Cluster, moment: datetime) -> None:
    """Make a copy of the newest backup into one of an older snapshot: what was written later goes."""
    with copy.connect(DATABASE) as connection:
        for table, column in WRITTEN.items():
            connection.execute(
                sql.SQL("delete from {} where {} > {}").format(
                    named(table), sql.Identifier(column), sql.Literal(moment)
                )
            )


def set_password(copy: Cluster, user: str, password: str) -> None:
    """Give a role another password; ValueError where there is no such role."""
    with copy.connect(DATABASE) as connection:
        try:
            connection.execute(sql.SQL("alter role {} password {}").format(sql.Identifier(user), sql.Literal(password)))
        except psycopg.errors.UndefinedObject:
            raise ValueError(f"there is no role {user}") from None


def book(connection: Connection, at: datetime) -> None:
    """What the clinic does all day: somebody makes an appointment."""
    connection.execute(
        "insert into appointments (patient_id, kind, starts_at, booked_at)"
        " select min(id), 'review', %s, %s from patients",
        (at + timedelta(days=14), at),
    )


def named(table: str) -> sql.Identifier:
    """For a query; a bare name is one of `public`."""
    return sql.Identifier(*(table if "." in table else f"public.{table}").split("."))
