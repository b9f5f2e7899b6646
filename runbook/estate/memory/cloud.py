"""The cloud account in memory: the backups in their bucket, and the key that encrypts them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

from runbook.engine.errors import LayerFailed
from runbook.engine.ports import Secret
from runbook.estate.memory import names
from runbook.estate.memory.archive import raft_archive
from runbook.estate.memory.manifests import around_backups
from runbook.estate.memory.production import Cluster, Production, foreign
from runbook.estate.memory.world import World
from runbook.estate.ports import ArchiveProof, ArchiveReport, BucketPosture, Download, Progress, StoredObject
from runbook.estate.vault_snapshot.inspection import inspect
from runbook.estate.vault_snapshot.proof import prove
from runbook.manifest import file_name

_DAYS = 14


@dataclass(frozen=True, slots=True)
class Kept:
    """One object and its bytes."""

    stored: StoredObject
    body: bytes


class MemoryObjects:
    """`ports.ObjectStore`: a vault backup for each of fourteen days, and manifests around the newest snapshots."""

    def __init__(self, world: World, production: Production) -> None:
        self._world = world
        self._production = production
        self._clusters: dict[str, Cluster] = {}
        self._kept: dict[tuple[str, str], Kept] = {}
        self.unreadable = False  # the KMS key that encrypts them may not be used
        self._vault = production.vault
        for age in range(_DAYS - 1, -1, -1):
            made = world.now() - timedelta(days=age, minutes=55)
            self._put_backup(made, raft_archive(1000 - age, self._vault.id, self._vault.key), self._vault)
        self.put_manifests()

    def archives(self) -> Mapping[str, Cluster]:
        """Which cluster each whole backup holds, by SHA-256."""
        return self._clusters

    def age_backups(self, hours: float) -> None:
        """Every backup is that many hours older than it was."""
        for stored in self._backups():
            place = (stored.bucket, stored.key)
            older = replace(stored, modified=stored.modified - timedelta(hours=hours))
            self._kept[place] = replace(self._kept[place], stored=older)

    def seal_by_kms(self) -> None:
        """Every backup is of a vault that AWS KMS unseals."""
        for age in range(_DAYS - 1, -1, -1):
            made = self._world.now() - timedelta(days=age, minutes=55)
            body = raft_archive(1000 - age, self._vault.id, self._vault.key, kms_key=names.KMS_KEY)
            self._put_backup(made, body, self._vault)

    def damage_newest(self) -> None:
        """The newest backup's data was changed after its sums were made."""
        self._replace_newest(raft_archive(1000, self._vault.id, self._vault.key, damaged=True), None)

    def empty_newest(self) -> None:
        """The newest backup has no bytes."""
        self._replace_newest(b"", None)

    def empty_all(self) -> None:
        """No backup has any bytes."""
        for stored in self._backups():
            self._put(stored.key, b"", stored.modified)

    def replace_newest_by_foreign(self) -> None:
        """The newest backup is whole, and another cluster's."""
        other = foreign()
        self._replace_newest(raft_archive(1000, other.id, other.key), other)

    def rotate(self, versions: tuple[int, ...]) -> None:
        """Every backup but the newest knows these versions of the transit key."""
        rotated = replace(self._vault, versions=versions)
        for age in range(_DAYS - 1, 0, -1):
            made = self._world.now() - timedelta(days=age, minutes=55)
            body = raft_archive(1000 - age, rotated.id, rotated.key, versions=versions)
            self._put_backup(made, body, rotated)

    def put_manifests(self) -> None:
        """What production states around each of its newest snapshots."""
        self.drop_manifests()
        for moment, body in around_backups(self._production):
            self.put_manifest(moment, body)

    def put_manifest(self, moment: datetime, body: bytes) -> None:
        """One more, or another of that time."""
        self._put(f"{names.MANIFEST_PREFIX}{file_name(moment)}", body, moment)

    def drop_manifests(self, *, since: datetime | None = None) -> None:
        """Those that were made at that time or later are gone; without a time, all."""
        for place, kept in tuple(self._kept.items()):
            if place[1].startswith(names.MANIFEST_PREFIX) and (since is None or kept.stored.modified >= since):
                del self._kept[place]

    async def list(self, bucket: str, prefix: str) -> tuple[StoredObject, ...]:
        await self._world.ask("aws")
        found = [kept.stored for (of, key), kept in self._kept.items() if of == bucket and key.startswith(prefix)]
        bare = [replace(one, version=None, encryption=None, kms_key=None, sha256=None) for one in found]
        return tuple(sorted(bare, key=lambda one: one.modified))

    async def head(self, bucket: str, key: str) -> StoredObject:
        await self._world.ask("aws")
        return self._get(bucket, key).stored

    async def posture(self, bucket: str) -> BucketPosture:
        await self._world.ask("aws")
        if bucket != names.BACKUPS:
            raise LayerFailed(f"There is no bucket {bucket}", provider_text="NoSuchBucket", source="s3")
        return BucketPosture(public_access_blocked=True, versioned=True, object_lock=False)

    async def download(self, stored: StoredObject, to: Path, progress: Progress) -> Download:
        await self._world.ask("aws")
        if self.unreadable:
            words = "AccessDenied: not authorized to perform: kms:Decrypt"
            raise LayerFailed("The KMS key of the backup cannot be used", provider_text=words, source="s3:GetObject")
        body = self._get(stored.bucket, stored.key).body
        progress(0, len(body))
        _write(to, body)
        progress(len(body), len(body))
        return Download(to, len(body), hashlib.sha256(body).hexdigest())

    async def read(self, bucket: str, key: str, limit: int = 8 << 20) -> bytes:
        await self._world.ask("aws")
        body = self._get(bucket, key).body
        if len(body) > limit:
            raise LayerFailed(f"{key} is larger than {limit} bytes", source="s3:GetObject")
        return body

    def _get(self, bucket: str, key: str) -> Kept:
        kept = self._kept.get((bucket, key))
        if kept is None:
            raise LayerFailed(f"There is no object {key} in {bucket}", provider_text="NoSuchKey", source="s3")
        return kept

    def _replace_newest(self, body: bytes, cluster: Cluster | None) -> None:
        newest = max(self._backups(), key=lambda stored: stored.modified)
        self._put(newest.key, body, newest.modified)
        if cluster is not None:
            self._clusters[hashlib.sha256(body).hexdigest()] = cluster

    def _backups(self) -> tuple[StoredObject, ...]:
        kept = (each.stored for each in self._kept.values())
        return tuple(stored for stored in kept if stored.key.startswith(names.BACKUP_PREFIX))

    def _put_backup(self, made: datetime, body: bytes, cluster: Cluster) -> None:
        self._clusters[hashlib.sha256(body).hexdigest()] = cluster
        self._put(f"{names.BACKUP_PREFIX}{made:%Y-%m-%dT%H%M%SZ}.snap", body, made)

    def _put(self, key: str, body: bytes, modified: datetime) -> None:
        stored = StoredObject(
            bucket=names.BACKUPS,
            key=key,
            size=len(body),
            modified=modified,
            version=hashlib.sha256(body + key.encode()).hexdigest()[:32],
            encryption="aws:kms",
            kms_key=names.KMS_KEY,
            sha256=hashlib.sha256(body).hexdigest(),
        )
        self._kept[names.BACKUPS, key] = Kept(stored, body)


class MemoryArchives:
    """`ports.Archives`: the real code, since a file is a file; it blocks for a few milliseconds here."""

    async def inspect(self, path: Path) -> ArchiveReport:
        return inspect(path)

    async def prove(self, path: Path, shares: tuple[Secret, ...], *, transit_mount: str) -> ArchiveProof:
        return prove(path, shares, transit_mount=transit_mount)


class MemoryKeys:
    """`ports.KeyService`; `key_state` is that of our one key, `shared` those of others that we may use."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.key_state: str | None = "Enabled"
        self.shared: set[str] = set()

    async def state(self, key: str) -> str | None:
        await self._world.ask("aws")
        if key in self.shared:
            return "Enabled"
        return self.key_state if key == names.KMS_KEY else None


def _write(to: Path, body: bytes) -> None:
    to.touch(mode=0o600)
    to.write_bytes(body)
