"""What is inside a database that is there: production, or a copy of it as it stood at a moment."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from runbook.engine.ports import Secret
from runbook.estate.memory.names import CANARY_TABLE
from runbook.estate.memory.production import Production
from runbook.estate.memory.tables import Table, at, ever
from runbook.estate.ports import KeyVersions, Reading, SideEffect
from runbook.manifest import Catalogue

ENGINE_VERSION: Final = "18.0"
NOTES: Final = "public.clinical_notes"
BOOKINGS: Final = "public.appointments"
CLOCKED: Final = {BOOKINGS: "booked_at", NOTES: "written_at"}
_NUMBERED: Final = (BOOKINGS, NOTES, "public.patients")
ORPHANS: Final = (
    "select count(*) from public.clinical_notes n left join public.appointments a on a.id = n.appointment_id "
    "where a.id is null"
)
LOOKS: Final = (
    "index structure",
    "heap structure",
    "foreign keys",
    "sequences behind their columns",
    "invalid indexes",
    "constraints not validated",
    "disabled triggers",
    "extensions",
    "collation versions",
    "prepared transactions",
    "replication slots",
    "subscriptions",
    "unlogged tables",
    "large objects",
    "materialised views",
    "transaction id age",
    "checksum failures",
)
"""What a look at the structure is called, as in every estate."""


@dataclass
class Contents:
    """All of it may be set by a test; `spoil` of the service changes every copy.

    `readings` are looks at the structure that do not answer "nothing found", by name; `effects` what would act on
    others; `hidden` the tables whose rows only their owner and the application may see; `unanalysed` those without
    statistics; `assertions` the value of each known query; `keys` the versions of the transit key by table and column;
    `wrong_way` has connections to its endpoint end at that database instead.
    """

    host: str
    port: int
    started: datetime
    tables: dict[str, Table]
    canary: str
    newest: datetime | None
    address: str = "10.20.0.10"
    answers: bool = True
    in_recovery: bool = False
    master: Secret | None = None
    readings: dict[str, Reading] = field(default_factory=dict)
    effects: list[SideEffect] = field(default_factory=list)
    hidden: set[str] = field(default_factory=set)
    unanalysed: set[str] = field(default_factory=set)
    assertions: dict[str, str] = field(default_factory=lambda: {ORPHANS: "0"})
    keys: dict[tuple[str, str], KeyVersions] = field(default_factory=dict)
    sequences: dict[str, int | None] = field(default_factory=dict)
    wrong_way: Contents | None = None

    def empty(self, table: str) -> None:
        """Lose that table's rows."""
        self.tables[table] = self.tables[table].emptied()

    def drop(self, table: str) -> None:
        """Lose the table itself."""
        del self.tables[table]


def contents(production: Production, host: str, port: int, started: datetime, moment: datetime) -> Contents:
    """Production's data as it stood at that moment, on a server of its own."""
    age = production.age(moment)
    tables = {name: at(table, age) for name, table in production.tables.items()}
    newest = _newest(tables[BOOKINGS], production.made)
    return Contents(
        host,
        port,
        started,
        tables,
        production.canary,
        newest,
        sequences=sequences(production, moment),
        keys=_keys(production, tables),
    )


def catalogue(tables: Iterable[str], sequences: Mapping[str, int | None], hidden: Collection[str]) -> Catalogue:
    """What stands beside the rows; row security is on where they are hidden."""
    known = sorted(tables)
    return Catalogue(
        columns={name: fingerprint(name) for name in known},
        migration="alembic_version 7c1f0e5ab2d4",
        extensions={"plpgsql": "1.0"},
        roles={"clinic_app": "login", "clinic_readonly": "", "runbook_reader": "login; pg_monitor, pg_read_all_data"},
        row_security={name: "enabled, 1 policy" if name in hidden else "off" for name in known},
        sequences=dict(sequences),
        settings={"TimeZone": "UTC", "server_encoding": "UTF8"},
    )


def fingerprint(table: str) -> str:
    """Of a table's columns."""
    return hashlib.blake2b(f"columns of {table}".encode(), digest_size=16).hexdigest()


def sequences(production: Production, moment: datetime) -> dict[str, int | None]:
    """Used once for each row that there ever was, deleted ones too."""
    age = production.age(moment)
    return {
        f"{table}_id_seq": ever(production.tables[table], age) or None
        for table in _NUMBERED
        if table in production.tables
    }


def _newest(bookings: Table, made: datetime) -> datetime | None:
    ages = [row.age for row in bookings.rows]
    return made - timedelta(minutes=min(ages)) if ages else None


def _keys(production: Production, tables: dict[str, Table]) -> dict[tuple[str, str], KeyVersions]:
    """The notes were encrypted with every version there was; the canary with the first."""
    return {
        (NOTES, "ciphertext"): KeyVersions(production.vault.versions, len(tables[NOTES].rows)),
        (CANARY_TABLE, "ciphertext"): KeyVersions((1,), len(tables[CANARY_TABLE].rows)),
    }
