"""Managed databases in memory: thirty days of snapshots, and copies that become available question by question."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from runbook.engine.errors import LayerFailed
from runbook.engine.ports import Permit
from runbook.estate.memory import names
from runbook.estate.memory.production import Production
from runbook.estate.memory.world import World
from runbook.estate.ports import Instance, RestoreSpec, Snapshot

DAYS = 30
ENGINE_VERSION = "18.0"
_STEPS: tuple[tuple[str, int | None], ...] = (
    ("creating", None),
    ("creating", 45),
    ("creating", 90),
    ("backing-up", None),
)
_FIRST_PORT = 55432


@dataclass
class Contents:
    """What is inside a database that is there: production, or a copy of it."""

    host: str
    port: int
    started: datetime
    tables: dict[str, tuple[int, str]]
    canary: str
    newest: datetime
    answers: bool = True
    lost: set[str] = field(default_factory=set)


@dataclass
class Copy:
    """A restored instance; `asked` counts the questions after it, which move it on."""

    spec: RestoreSpec
    created: datetime
    port: int
    final_status: str
    asked: int = 0
    contents: Contents | None = None

    @property
    def host(self) -> str:
        """Its endpoint's name, known from `backing-up` on."""
        return f"{self.spec.instance}.{names.REGION}.rds.practice.test"

    @property
    def status(self) -> str:
        """The status as of the last question."""
        return _STEPS[self.asked - 1][0] if self.asked <= len(_STEPS) else self.final_status


class MemoryDatabases:
    """`ports.DatabaseService`; `final_status` is where later restores end, `refuse_deletion` protects copies."""

    def __init__(self, world: World, production: Production) -> None:
        self._world = world
        self._production = production
        self.copies: dict[str, Copy] = {}
        self.lost_tables: set[str] = set()
        self.final_status = "available"
        self.refuse_deletion = False
        self.missing_days = 0
        self.kept: dict[str, str] = {}  # manual snapshots: name → what each was copied from
        self._made = world.now()  # snapshots keep their ids and times while the clock goes on
        self.source = self._contents(names.DATABASE_HOST, 5432, world.now() - timedelta(days=90))

    def running(self) -> tuple[Contents, ...]:
        """Every database that can be connected to: production's, then the available copies'."""
        return (self.source, *(copy.contents for copy in self.copies.values() if copy.contents is not None))

    async def snapshots(self, instance: str) -> tuple[Snapshot, ...]:
        await self._world.ask("aws")
        if instance != names.PRODUCTION_DATABASE:
            return ()
        made = [_snapshot(self._made, age) for age in range(DAYS - 1, self.missing_days - 1, -1)]
        by_id = {each.id: each for each in made}
        copies = [replace(by_id[of], id=name, kind="manual") for name, of in self.kept.items() if of in by_id]
        return tuple(sorted((*copies, *made), key=lambda each: (each.created, each.id)))

    async def instance(self, instance: str) -> Instance | None:
        await self._world.ask("aws")
        if instance == names.PRODUCTION_DATABASE:
            return _production(self.source)
        copy = self.copies.get(instance)
        if copy is None:
            return None
        copy.asked += 1
        if copy.status == "available" and copy.contents is None:
            copy.contents = self._contents(copy.host, copy.port, self._world.now())
            copy.contents.lost |= self.lost_tables
        return _described(copy)

    async def tagged(self, key: str, value: str) -> tuple[Instance, ...]:
        await self._world.ask("aws")
        return tuple(_described(copy) for copy in self.copies.values() if copy.spec.tags.get(key) == value)

    async def restore(self, permit: Permit, spec: RestoreSpec) -> Instance:
        await self._world.change(permit, "rds:RestoreDBInstanceFromDBSnapshot", spec.instance)
        if spec.instance in {*self.copies, names.PRODUCTION_DATABASE}:
            words = "DBInstanceAlreadyExists"
            raise LayerFailed(f"{spec.instance} exists already", provider_text=words, source="rds")
        known = {_snapshot(self._made, age).id for age in range(DAYS)}
        if spec.snapshot not in known:
            raise LayerFailed(f"There is no snapshot {spec.snapshot}", provider_text="DBSnapshotNotFound", source="rds")
        port = _FIRST_PORT + len(self.copies)
        self.copies[spec.instance] = Copy(spec, self._world.now(), port, self.final_status)
        return _described(self.copies[spec.instance])

    async def delete(self, permit: Permit, instance: str) -> None:
        await self._world.change(permit, "rds:DeleteDBInstance", instance)
        copy = self.copies.get(instance)
        if instance == names.PRODUCTION_DATABASE or (copy and (copy.spec.deletion_protection or self.refuse_deletion)):
            words = "Cannot delete protected DB Instance, please disable deletion protection and try again."
            raise LayerFailed(f"{instance} is protected against deletion", provider_text=words, source="rds")
        self.copies.pop(instance, None)

    async def keep(self, permit: Permit, snapshot: str, name: str) -> None:
        await self._world.change(permit, "rds:CopyDBSnapshot", name)
        self.kept.setdefault(name, snapshot)

    async def automated_backups(self, instance: str) -> int:
        await self._world.ask("aws")
        copy = self.copies.get(instance)
        return 1 if instance == names.PRODUCTION_DATABASE or (copy and copy.spec.retention_days > 0) else 0

    def _contents(self, host: str, port: int, started: datetime) -> Contents:
        known = self._production
        return Contents(host, port, started, dict(known.tables), known.canary, known.newest)


def snapshot_id(now: datetime, age: int = 0) -> str:
    """The automated snapshot of `age` days ago, as of `now`."""
    return f"rds:{names.PRODUCTION_DATABASE}-{now - timedelta(days=age, minutes=70):%Y-%m-%d-%H-%M}"


def _snapshot(now: datetime, age: int) -> Snapshot:
    created = now - timedelta(days=age, minutes=70)
    return Snapshot(
        id=snapshot_id(now, age),
        instance=names.PRODUCTION_DATABASE,
        kind="automated",
        status="available",
        created=created,
        size_gib=100,
        engine="postgres",
        engine_version=ENGINE_VERSION,
        encrypted=True,
        kms_key=names.KMS_KEY,
        data_until=created,
    )


def _described(copy: Copy) -> Instance:
    there = copy.asked >= len(_STEPS)
    return Instance(
        id=copy.spec.instance,
        status="creating" if copy.asked == 0 else copy.status,
        host=copy.host if there else "",
        port=copy.port if there else 0,
        percent=_STEPS[copy.asked - 1][1] if 0 < copy.asked <= len(_STEPS) else None,
        created=copy.created,
        tags=dict(copy.spec.tags),
        public=copy.spec.public,
    )


def _production(source: Contents) -> Instance:
    return Instance(
        id=names.PRODUCTION_DATABASE,
        status="available",
        host=source.host,
        port=source.port,
        percent=None,
        created=source.started,
        tags={"environment": "production"},
        public=False,
    )
