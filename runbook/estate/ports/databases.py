"""Managed databases from outside, and the restored one from inside."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from runbook.engine.ports import Permit


@dataclass(frozen=True, slots=True)
class Snapshot:
    id: str
    instance: str
    kind: str  # automated, manual
    status: str
    created: datetime
    size_gib: int
    engine: str
    engine_version: str
    encrypted: bool
    kms_key: str | None
    data_until: datetime | None = None  # SnapshotDatabaseTime where the provider gives it


@dataclass(frozen=True, slots=True)
class RestoreSpec:
    """Every parameter explicit: the provider's defaults are not ours (`RestoreDBInstanceFromDBSnapshot`)."""

    instance: str
    snapshot: str
    instance_class: str
    subnet_group: str
    security_groups: tuple[str, ...]
    parameter_group: str
    multi_az: bool
    deletion_protection: bool
    retention_days: int
    tags: Mapping[str, str]
    public: bool = False
    iam_auth: bool = False


@dataclass(frozen=True, slots=True)
class Instance:
    id: str
    status: str
    host: str
    port: int
    percent: int | None
    created: datetime | None
    tags: Mapping[str, str] = field(default_factory=dict)
    public: bool | None = None


class DatabaseService(Protocol):
    """RDS."""

    async def snapshots(self, instance: str) -> tuple[Snapshot, ...]:
        """Automated and manual, over all pages, oldest first."""
        ...

    async def instance(self, instance: str) -> Instance | None: ...
    async def tagged(self, key: str, value: str) -> tuple[Instance, ...]: ...
    async def restore(self, permit: Permit, spec: RestoreSpec) -> Instance: ...
    async def delete(self, permit: Permit, instance: str) -> None:
        """Without a final snapshot, its automated backups with it; a missing one is no error."""
        ...

    async def keep(self, permit: Permit, snapshot: str, name: str) -> None:
        """Copy a snapshot to a manual one of that name, under the same key; one that exists already is no error."""
        ...

    async def automated_backups(self, instance: str) -> int:
        """How many automated backups of that instance are still kept."""
        ...


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where to connect: TLS is always verify-full against `host`; `hostaddr` only changes the route (a tunnel)."""

    host: str
    port: int
    hostaddr: str | None = None


@dataclass(frozen=True, slots=True)
class Whereabouts:
    address: str
    port: int
    started: datetime
    in_recovery: bool
    version: str
    tls: bool
    server_time: datetime


@dataclass(frozen=True, slots=True)
class TableContent:
    """`digest` is the order-independent sum of row hashes, as text; None where it was not asked for."""

    table: str
    rows: int
    digest: str | None


@dataclass(frozen=True, slots=True)
class DatabaseSession:
    application: str
    client: str
    started: datetime
    user: str


class Database(Protocol):
    """Read-only, row_security off, statement timeout set, text settings pinned."""

    async def ping(self) -> None: ...
    async def whereabouts(self) -> Whereabouts: ...
    async def tables(self) -> tuple[str, ...]:
        """Ordinary tables outside the system schemas, as `schema.table`, sorted."""
        ...

    async def rows(self, table: str) -> int: ...
    async def content(self, table: str) -> TableContent: ...
    async def newest(self, table: str, column: str) -> datetime | None: ...
    async def text_value(self, table: str, key_column: str, key: str, column: str) -> str | None: ...
    async def sessions(self, application: str) -> tuple[DatabaseSession, ...]:
        """Live sessions by `application_name`, our own left out."""
        ...


class Databases(Protocol):
    def at(self, endpoint: Endpoint) -> Database: ...
