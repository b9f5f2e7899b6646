"""Managed databases in memory: thirty days of snapshots, and copies that become available question by question."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from runbook.engine.errors import LayerFailed, NoVerdict
from runbook.engine.ports import Permit, Secret
from runbook.estate.memory import names
from runbook.estate.memory.backups import MemoryBackups
from runbook.estate.memory.contents import Contents, contents
from runbook.estate.memory.copies import FIRST_PORT, STEPS, Copy, Steps, described_source
from runbook.estate.memory.ground import MemoryGround
from runbook.estate.memory.production import Production
from runbook.estate.memory.world import World
from runbook.estate.ports import AutomatedBackup, FromSnapshot, Ground, Instance, RestoreSpec, Snapshot

Change = Callable[[Contents], None]


class MemoryDatabases:
    """`ports.DatabaseService`.

    `final_status` is where later restores end, `steps` what they go through, `drift` what the provider makes different
    from what is asked, `refuse_deletion` protects copies, `keep_backups` leaves a deleted one's behind.
    `grounds` and `backups` have what is around them.
    """

    def __init__(self, world: World, production: Production) -> None:
        self._world = world
        self._production = production
        self._changes: list[Change] = []
        self.copies: dict[str, Copy] = {}
        self._ever: set[str] = set()  # names of all the copies that there were
        self.final_status = "available"
        self.steps: Steps = STEPS
        self.drift: Mapping[str, Any] = {}
        self.refuse_deletion = False
        self.keep_backups = False
        self.backups = MemoryBackups(world.now())
        self.grounds = MemoryGround()
        self.source = self._contents(names.DATABASE_HOST, 5432, world.now() - timedelta(days=90), world.now())

    @property
    def kept(self) -> Mapping[str, str]:
        """Manual snapshots: name → what each was copied from."""
        return {name: each.of for name, each in self.backups.kept.items()}

    @property
    def pitr(self) -> bool:
        """Whether production keeps a log to restore moments from."""
        return self.backups.pitr

    @pitr.setter
    def pitr(self, on: bool) -> None:
        self.backups.pitr = on

    def running(self) -> tuple[Contents, ...]:
        """Every database that can be connected to: production's, then the available copies'."""
        return (self.source, *(copy.contents for copy in self.copies.values() if copy.contents is not None))

    def spoil(self, change: Change) -> None:
        """Change what every copy holds, those that run and those that are restored later."""
        self._changes.append(change)
        for each in self.running()[1:]:
            change(each)

    # -- questions ------------------------------------------------------------------------------------------------
    async def snapshots(self, instance: str) -> tuple[Snapshot, ...]:
        await self._world.ask("aws")
        return self.backups.all() if instance == names.PRODUCTION_DATABASE else ()

    async def shared(self, account: str, instance: str) -> tuple[Snapshot, ...]:
        await self._world.ask("aws")
        return self.backups.shared.get(account, ()) if instance == names.PRODUCTION_DATABASE else ()

    async def snapshot(self, snapshot: str) -> Snapshot | None:
        await self._world.ask("aws")
        return self.backups.named(snapshot)

    async def backup(self, instance: str) -> AutomatedBackup | None:
        await self._world.ask("aws")
        return self.backups.window(self._world.now()) if instance == names.PRODUCTION_DATABASE else None

    async def instance(self, instance: str) -> Instance | None:
        await self._world.ask("aws")
        if instance == names.PRODUCTION_DATABASE:
            return described_source(self.source)
        copy = self.copies.get(instance)
        if copy is None:
            return None
        copy.asked += 1
        described = copy.described()
        copy.settle()
        if copy.status == "available" and copy.contents is None:
            copy.contents = self._filled(copy)
        return described

    async def tagged(self, key: str, value: str) -> tuple[Instance, ...]:
        await self._world.ask("aws")
        return tuple(copy.described() for copy in self.copies.values() if copy.spec.tags.get(key) == value)

    async def ours(self, prefix: str, key: str) -> tuple[Instance | Snapshot, ...]:
        await self._world.ask("aws")
        found: tuple[Instance | Snapshot, ...] = (
            *(copy.described() for copy in self.copies.values()),
            *self.backups.all(),
        )
        return tuple(each for each in found if each.id.startswith(prefix) and key in each.tags)

    async def ground(
        self, *, subnet_group: str, security_groups: tuple[str, ...], parameter_group: str, parameters: tuple[str, ...]
    ) -> Ground:
        await self._world.ask("aws")
        return self.grounds.seen(subnet_group, security_groups, parameter_group, parameters)

    async def automated_backups(self, instance: str) -> int:
        await self._world.ask("aws")
        copy = self.copies.get(instance)
        kept = self.keep_backups and instance in self._ever
        return 1 if instance == names.PRODUCTION_DATABASE or kept or (copy and copy.spec.retention_days > 0) else 0

    # -- changes --------------------------------------------------------------------------------------------------
    async def restore(self, permit: Permit, spec: RestoreSpec) -> Instance:
        by_snapshot = isinstance(spec.origin, FromSnapshot)
        operation = "FromDBSnapshot" if by_snapshot else "ToPointInTime"
        await self._world.change(permit, f"rds:RestoreDBInstance{operation}", spec.instance)
        there = self.copies.get(spec.instance)
        if there is not None and spec.tags and spec.tags.items() <= there.spec.tags.items():
            return there.described()
        if there is not None or spec.instance == names.PRODUCTION_DATABASE:
            raise _refused(f"{spec.instance} exists already", "DBInstanceAlreadyExists")
        self.grounds.refuse(spec)
        now = self._world.now()
        moment, port = self.backups.moment(spec, now), FIRST_PORT + len(self.copies)
        copy = Copy(spec, now, port, self.final_status, moment, self.steps, self.drift)
        self.copies[spec.instance] = copy
        self._ever.add(spec.instance)
        return copy.described()

    async def hide(self, permit: Permit, instance: str) -> None:
        (await self._modified(permit, instance)).hidden = True

    async def set_password(self, permit: Permit, instance: str, password: Secret) -> None:
        copy = await self._modified(permit, instance)
        if copy.contents is None:
            raise _busy(f"{instance} is {copy.status}")
        copy.password, copy.pending = password, ("MasterUserPassword",)

    async def delete(self, permit: Permit, instance: str) -> None:
        await self._world.change(permit, "rds:DeleteDBInstance", instance)
        copy = self.copies.get(instance)
        if instance == names.PRODUCTION_DATABASE or (copy and (copy.spec.deletion_protection or self.refuse_deletion)):
            words = "Cannot delete protected DB Instance, please disable deletion protection and try again."
            raise _refused(f"{instance} is protected against deletion", words)
        self.copies.pop(instance, None)

    async def keep(self, permit: Permit, snapshot: str, name: str) -> None:
        await self._world.change(permit, "rds:CopyDBSnapshot", name)
        self.backups.keep(snapshot, name)

    async def copy(self, permit: Permit, snapshot: str, name: str, *, kms_key: str, tags: Mapping[str, str]) -> None:
        await self._world.change(permit, "rds:CopyDBSnapshot", name)
        self.backups.copy(snapshot, name, kms_key, dict(tags))

    async def forget(self, permit: Permit, snapshot: str) -> None:
        await self._world.change(permit, "rds:DeleteDBSnapshot", snapshot)
        self.backups.forget(snapshot)

    async def _modified(self, permit: Permit, instance: str) -> Copy:
        await self._world.change(permit, "rds:ModifyDBInstance", instance)
        copy = self.copies.get(instance)
        if copy is None:
            raise _refused(f"there is no instance {instance} of ours", "DBInstanceNotFound")
        return copy

    def _filled(self, copy: Copy) -> Contents:
        moment = copy.moment or self._production.made
        made = self._contents(copy.host, copy.port, self._world.now(), moment)
        made.address = f"10.20.1.{10 + copy.port - FIRST_PORT}"
        for change in self._changes:
            change(made)
        return made

    def _contents(self, host: str, port: int, started: datetime, moment: datetime) -> Contents:
        return contents(self._production, host, port, started, moment)


def _refused(sentence: str, words: str) -> LayerFailed:
    return LayerFailed(sentence, fix="See what stands in its way.", provider_text=words, source="rds")


def _busy(sentence: str) -> NoVerdict:
    words = "InvalidDBInstanceState"
    return NoVerdict(sentence, fix="Wait until it is available, then retry.", provider_text=words, source="rds")
