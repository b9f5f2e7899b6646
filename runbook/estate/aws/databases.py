"""RDS, behind the port `DatabaseService`: every call through the door, every change under its permit.

A permit's target is the identifier of the instance or snapshot that is made, changed or deleted.
"""

from __future__ import annotations

from collections.abc import Mapping

from runbook.engine.ports import Permit, Secret
from runbook.estate.aws import backups, database_changes, instances, restores, snapshots
from runbook.estate.aws.client import AwsAccess
from runbook.estate.aws.ground import ground
from runbook.estate.ports import AutomatedBackup, Ground, Instance, RestoreSpec, Snapshot


class AwsDatabases:
    """`DatabaseService` on RDS, and on EC2 for the security groups."""

    def __init__(self, access: AwsAccess) -> None:
        self._access = access

    # -- reads ----------------------------------------------------------------------------------------------------
    async def snapshots(self, instance: str) -> tuple[Snapshot, ...]:
        return await self._access.door(snapshots.snapshots, self._access, instance)

    async def shared(self, account: str, instance: str) -> tuple[Snapshot, ...]:
        return await self._access.door(snapshots.shared, self._access, account, instance)

    async def snapshot(self, snapshot: str) -> Snapshot | None:
        return await self._access.door(snapshots.snapshot, self._access, snapshot)

    async def backup(self, instance: str) -> AutomatedBackup | None:
        return await self._access.door(backups.backup, self._access, instance)

    async def automated_backups(self, instance: str) -> int:
        return await self._access.door(backups.count, self._access, instance)

    async def instance(self, instance: str) -> Instance | None:
        return await self._access.door(instances.instance, self._access, instance)

    async def tagged(self, key: str, value: str) -> tuple[Instance, ...]:
        return await self._access.door(instances.tagged, self._access, key, value)

    async def ours(self, prefix: str, key: str) -> tuple[Instance | Snapshot, ...]:
        made: tuple[Instance, ...] = await self._access.door(instances.carrying, self._access, key)
        kept: tuple[Snapshot, ...] = await self._access.door(snapshots.carrying, self._access, key)
        found: tuple[Instance | Snapshot, ...] = (*made, *kept)
        return tuple(each for each in found if each.id.startswith(prefix))

    async def ground(
        self, *, subnet_group: str, security_groups: tuple[str, ...], parameter_group: str, parameters: tuple[str, ...]
    ) -> Ground:
        return await self._access.door(ground, self._access, subnet_group, security_groups, parameter_group, parameters)

    # -- changes --------------------------------------------------------------------------------------------------
    async def restore(self, permit: Permit, spec: RestoreSpec) -> Instance:
        with self._access.interlock.holding(permit, restores.operation(spec), spec.instance):
            return await self._access.door(restores.restore, self._access, spec)

    async def hide(self, permit: Permit, instance: str) -> None:
        with self._access.interlock.holding(permit, database_changes.MODIFY, instance):
            await self._access.door(database_changes.hide, self._access, instance)

    async def set_password(self, permit: Permit, instance: str, password: Secret) -> None:
        with self._access.interlock.holding(permit, database_changes.MODIFY, instance):
            await self._access.door(database_changes.set_password, self._access, instance, password)

    async def delete(self, permit: Permit, instance: str) -> None:
        with self._access.interlock.holding(permit, database_changes.DELETE, instance):
            await self._access.door(database_changes.delete, self._access, instance)

    async def keep(self, permit: Permit, snapshot: str, name: str) -> None:
        with self._access.interlock.holding(permit, database_changes.COPY, name):
            await self._access.door(database_changes.keep, self._access, snapshot, name)

    async def copy(self, permit: Permit, snapshot: str, name: str, *, kms_key: str, tags: Mapping[str, str]) -> None:
        with self._access.interlock.holding(permit, database_changes.COPY, name):
            await self._access.door(database_changes.copy, self._access, snapshot, name, kms_key=kms_key, tags=tags)

    async def forget(self, permit: Permit, snapshot: str) -> None:
        with self._access.interlock.holding(permit, database_changes.FORGET, snapshot):
            await self._access.door(database_changes.forget, self._access, snapshot)
