"""One estate behind the ports, and the few moves that its contract tests share."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from runbook import config
from runbook.engine.ports import Permit, Secret
from runbook.estate.ports import (
    Database,
    Endpoint,
    Estate,
    FromSnapshot,
    Instance,
    Login,
    RestoreSpec,
    Snapshot,
    StoredObject,
    ToMoment,
)
from runbook.manifest import Manifest, moment_of, parse

T = TypeVar("T")


@dataclass
class World:
    """What a contract test needs of an estate; `pause` is slept between two questions (seconds).

    `nameless` is wired for a run without public names; `fault` makes something go wrong in it, by its kind.
    """

    estate: Estate
    environment: config.Environment
    credential: Callable[[str], Secret]
    custodians: Mapping[str, Secret]
    bad_share: Secret
    folder: Path
    pause: float = 0.0
    limit: float = 60.0
    run: str = "contract"
    nameless: Estate | None = None
    fault: Callable[[str, Mapping[str, Any]], None] | None = None

    def ask(self, question: Coroutine[Any, Any, T]) -> T:
        """Each question in a loop of its own: adapters hold on to none."""
        return asyncio.run(question)

    def until(self, question: Callable[[], Awaitable[T]], holds: Callable[[T], bool]) -> T:
        """The first answer that holds; fails at the deadline."""

        async def poll() -> T:
            async with asyncio.timeout(self.limit):
                while not holds(answer := await question()):  # noqa: ASYNC110 - providers send no events
                    await asyncio.sleep(self.pause)
            return answer

        return asyncio.run(poll())

    def permit(self, operation: str, target: str) -> Permit:
        return Permit(self.run, "contract", operation, target)

    # -- vault ---------------------------------------------------------------------------------------------------
    def vault_permit(self, operation: str) -> Permit:
        return self.permit(f"vault:{operation}", self.environment.vault.address)

    def newest_backup(self) -> StoredObject:
        backup = self.environment.vault.backup
        return self.ask(self.estate.objects.list(backup.bucket, backup.prefix))[-1]

    def download(self) -> Path:
        to = self.folder / "backup.snap"
        if not to.exists():
            self.ask(self.estate.objects.download(self.newest_backup(), to, lambda _done, _total: None))
        return to

    def unseal(self, *shares: Secret) -> None:
        for share in shares:
            self.ask(self.estate.vault.unseal(self.vault_permit("Unseal"), share))

    def three_shares(self) -> tuple[Secret, ...]:
        return tuple(self.custodians.values())[:3]

    # -- database ------------------------------------------------------------------------------------------------
    def newest_snapshot(self) -> Snapshot:
        return self.ask(self.estate.databases.snapshots(self.environment.database.source_instance))[-1]

    def spec(self, name: str = "", origin: FromSnapshot | ToMoment | None = None) -> RestoreSpec:
        """Of the newest snapshot, and of this run's own name, where nothing else is given."""
        database = self.environment.database
        return RestoreSpec(
            instance=f"{database.prefix}-{name or self.run}",
            origin=origin or FromSnapshot(self.newest_snapshot().id),
            instance_class=database.instance_class,
            subnet_group=database.subnet_group,
            security_groups=database.security_groups,
            parameter_group=database.parameter_group,
            multi_az=False,
            deletion_protection=False,
            retention_days=0,
            tags={"runbook-run": name or self.run},
        )

    def restore(self, spec: RestoreSpec) -> Instance:
        """Until it is where its restore ends."""
        by_snapshot = isinstance(spec.origin, FromSnapshot)
        operation = f"rds:RestoreDBInstance{'FromDBSnapshot' if by_snapshot else 'ToPointInTime'}"
        self.ask(self.estate.databases.restore(self.permit(operation, spec.instance), spec))
        found = self.until(
            lambda: self.estate.databases.instance(spec.instance),
            lambda one: one is not None and (one.status == "available" or one.status.startswith("incompatible")),
        )
        assert found is not None
        return found

    def delete(self, instance: str) -> None:
        databases = self.estate.databases
        self.ask(databases.delete(self.permit("rds:DeleteDBInstance", instance), instance))
        self.until(lambda: databases.instance(instance), lambda one: one is None)

    def manifests(self) -> tuple[Manifest, Manifest]:
        """The newest from before the newest snapshot, and the oldest from after it."""
        database, until = self.environment.database, self.newest_snapshot().created
        bucket = database.manifest_bucket
        assert bucket
        moments = {
            one.key: moment_of(one.key) for one in self.ask(self.estate.objects.list(bucket, database.manifest_prefix))
        }
        before = max((at, key) for key, at in moments.items() if at and at <= until)[1]
        after = min((at, key) for key, at in moments.items() if at and at > until)[1]
        read = self.estate.objects.read
        return parse(self.ask(read(bucket, before)), before), parse(self.ask(read(bucket, after)), after)

    def connect(self, instance: Instance, login: Login | None = None) -> Database:
        return self.estate.sql.at(Endpoint(instance.host, instance.port, self.environment.database.hostaddr), login)


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
