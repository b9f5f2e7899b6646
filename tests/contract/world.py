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
from runbook.estate.ports import Database, Endpoint, Estate, Instance, RestoreSpec, StoredObject

T = TypeVar("T")


@dataclass
class World:
    """What a contract test needs of an estate; `pause` is slept between two questions (seconds)."""

    estate: Estate
    environment: config.Environment
    credential: Callable[[str], Secret]
    custodians: Mapping[str, Secret]
    bad_share: Secret
    folder: Path
    pause: float = 0.0
    limit: float = 60.0
    run: str = "contract"

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
    def spec(self) -> RestoreSpec:
        database = self.environment.database
        snapshots = self.ask(self.estate.databases.snapshots(database.source_instance))
        return RestoreSpec(
            instance=f"{database.prefix}-{self.run}",
            snapshot=snapshots[-1].id,
            instance_class=database.instance_class,
            subnet_group=database.subnet_group,
            security_groups=database.security_groups,
            parameter_group=database.parameter_group,
            multi_az=False,
            deletion_protection=False,
            retention_days=0,
            tags={"runbook-run": self.run},
        )

    def manifest_key(self) -> str:
        key = self.environment.database.manifest_key
        assert key
        return key.format(snapshot=self.spec().snapshot)

    def connect(self, instance: Instance) -> Database:
        return self.estate.sql.at(Endpoint(instance.host, instance.port, self.environment.database.hostaddr))


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
