"""The cloud account, its objects and its keys."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol

Progress = Callable[[int, int], None]
"""Called with (done, total) bytes; may be called from any thread; total 0 = unknown."""


@dataclass(frozen=True, slots=True)
class CallerIdentity:
    account: str
    arn: str


class CloudAccount(Protocol):
    """STS."""

    async def identity(self) -> CallerIdentity: ...
    async def clock_offset(self) -> float:
        """Seconds by which this machine is ahead of the provider's HTTP `Date` (negative: behind)."""
        ...

    @property
    def loopback(self) -> bool:
        """True when any provider endpoint is on this machine: the run is not a test of the real one."""
        ...


@dataclass(frozen=True, slots=True)
class StoredObject:
    bucket: str
    key: str
    size: int
    modified: datetime
    version: str | None = None
    encryption: str | None = None  # "aws:kms", "AES256", None = unknown
    kms_key: str | None = None
    sha256: str | None = None  # from the object's metadata `sha256`, full-file, lower-case hex


@dataclass(frozen=True, slots=True)
class BucketPosture:
    public_access_blocked: bool | None  # None = could not be read
    versioned: bool
    object_lock: bool


@dataclass(frozen=True, slots=True)
class Download:
    path: Path
    size: int
    sha256: str


class ObjectStore(Protocol):
    """S3."""

    async def list(self, bucket: str, prefix: str) -> tuple[StoredObject, ...]:
        """Every object under the prefix, over all pages, oldest first by LastModified; only listing fields filled."""
        ...

    async def head(self, bucket: str, key: str) -> StoredObject: ...
    async def posture(self, bucket: str) -> BucketPosture: ...
    async def download(self, stored: StoredObject, to: Path, progress: Progress) -> Download:
        """Stream that version into `to` (mode 0600, bounded memory), hashing on the way."""
        ...

    async def read(self, bucket: str, key: str, limit: int = 8 << 20) -> bytes:
        """A small object whole; larger than `limit` is refused (LayerFailed)."""
        ...


class KeyService(Protocol):
    """KMS."""

    async def state(self, key: str) -> str | None:
        """`Enabled`, `Disabled`, `PendingDeletion` … or None when there is no such key."""
        ...
