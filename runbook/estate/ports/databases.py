"""Managed databases from outside: their backups, the copy that is made of one, and what it is to stand in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from runbook.engine.ports import Permit, Secret


@dataclass(frozen=True, slots=True)
class Snapshot:
    id: str
    instance: str
    kind: str  # automated, manual, shared
    status: str
    created: datetime  # of the data: a copy has its original's
    size_gib: int
    engine: str
    engine_version: str
    encrypted: bool
    kms_key: str | None
    data_until: datetime | None = None  # SnapshotDatabaseTime where the provider gives it
    arn: str = ""
    target: str = ""  # where it is kept: "region" is not tied to one zone; "" where the provider does not say
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class AutomatedBackup:
    """What point-in-time recovery rests on; a bound is None where the provider does not say."""

    instance: str
    status: str
    earliest: datetime | None
    latest: datetime | None
    retention_days: int | None = None
    encrypted: bool | None = None
    target: str = ""


@dataclass(frozen=True, slots=True)
class FromSnapshot:
    """Restore what a snapshot holds."""

    snapshot: str


@dataclass(frozen=True, slots=True)
class ToMoment:
    """Restore an instance as it was at a moment (to the second)."""

    instance: str
    at: datetime


@dataclass(frozen=True, slots=True)
class RestoreSpec:
    """Every parameter explicit: the provider's defaults are not ours."""

    instance: str
    origin: FromSnapshot | ToMoment
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
    auto_minor_upgrade: bool = False  # False: it keeps its source's version


@dataclass(frozen=True, slots=True)
class Instance:
    """As the provider describes it; what it does not say is None or empty."""

    id: str
    status: str
    host: str
    port: int
    percent: int | None
    created: datetime | None
    tags: Mapping[str, str] = field(default_factory=dict)
    public: bool | None = None
    instance_class: str = ""
    engine_version: str = ""
    multi_az: bool | None = None
    deletion_protection: bool | None = None
    iam_auth: bool | None = None
    auto_minor_upgrade: bool | None = None
    retention_days: int | None = None
    subnet_group: str = ""
    security_groups: tuple[str, ...] = ()
    parameter_group: str = ""
    parameters: str = ""  # in-sync, pending-reboot, applying …
    encrypted: bool | None = None
    kms_key: str | None = None
    resource_id: str = ""  # never used twice, unlike the identifier
    master_user: str = ""
    pending: tuple[str, ...] = ()  # names of changes that were accepted and are not there yet


@dataclass(frozen=True, slots=True)
class SecurityGroup:
    """`egress` are its ways out, each as text (`all to 0.0.0.0/0`); none: nothing inside can begin a connection."""

    id: str
    vpc: str
    egress: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Ground:
    """What the copy is to stand in.  "" or None: it is not there; quotas are None where they could not be read."""

    subnet_group: str  # its status
    vpc: str
    security_groups: tuple[SecurityGroup, ...]  # those that exist
    parameter_family: str | None  # such as postgres18; None: there is no such parameter group
    parameters: Mapping[str, str] = field(default_factory=dict)  # of those asked for, the ones that have a value
    instances: tuple[int, int] | None = None  # used, allowed
    storage_gib: tuple[int, int] | None = None  # used, allowed


class DatabaseService(Protocol):
    """RDS."""

    async def snapshots(self, instance: str) -> tuple[Snapshot, ...]:
        """Automated and manual, over all pages, oldest first."""
        ...

    async def shared(self, account: str, instance: str) -> tuple[Snapshot, ...]:
        """Snapshots of that instance which `account` shares with this one, over all pages, oldest first; `id` is the
        ARN, by which alone they can be named."""
        ...

    async def snapshot(self, snapshot: str) -> Snapshot | None:
        """One of our own, by its identifier."""
        ...

    async def backup(self, instance: str) -> AutomatedBackup | None:
        """What point-in-time recovery of the instance rests on; None: there is none (retention 0, or deleted)."""
        ...

    async def instance(self, instance: str) -> Instance | None: ...
    async def tagged(self, key: str, value: str) -> tuple[Instance, ...]: ...
    async def ours(self, prefix: str, key: str) -> tuple[Instance | Snapshot, ...]:
        """Instances and manual snapshots, over all pages, whose identifier begins with `prefix` and that carry a tag
        of that key, whatever its value."""
        ...

    async def ground(
        self, *, subnet_group: str, security_groups: tuple[str, ...], parameter_group: str, parameters: tuple[str, ...]
    ) -> Ground:
        """What of it is there; `parameters` are the names whose values matter."""
        ...

    async def restore(self, permit: Permit, spec: RestoreSpec) -> Instance:
        """The permit's operation is `rds:RestoreDBInstanceFromDBSnapshot` or `rds:RestoreDBInstanceToPointInTime`.

        Answers the instance that carries exactly our tags if an earlier attempt of this call already made it.
        """
        ...

    async def hide(self, permit: Permit, instance: str) -> None:
        """Take its public address away (`rds:ModifyDBInstance`)."""
        ...

    async def set_password(self, permit: Permit, instance: str, password: Secret) -> None:
        """Give the master user another password (`rds:ModifyDBInstance`, at once); it works a little later."""
        ...

    async def delete(self, permit: Permit, instance: str) -> None:
        """Without a final snapshot, its automated backups with it; a missing one is no error."""
        ...

    async def keep(self, permit: Permit, snapshot: str, name: str) -> None:
        """Copy a snapshot to a manual one of that name, under the same key; one that exists already is no error."""
        ...

    async def copy(self, permit: Permit, snapshot: str, name: str, *, kms_key: str, tags: Mapping[str, str]) -> None:
        """Copy another account's shared snapshot (its ARN) to one of our own, under our key (`rds:CopyDBSnapshot`);
        one that exists already is no error."""
        ...

    async def forget(self, permit: Permit, snapshot: str) -> None:
        """Delete a manual snapshot of our own (`rds:DeleteDBSnapshot`); a missing one is no error."""
        ...

    async def automated_backups(self, instance: str) -> int:
        """How many automated backups of that instance are still kept."""
        ...
