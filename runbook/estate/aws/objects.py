"""S3: the backups as objects, listed, judged and fetched."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Final, TypeVar

from runbook.engine.errors import LayerFailed, NoVerdict
from runbook.estate.aws.client import AwsAccess
from runbook.estate.aws.errors import asking, code_of, translated
from runbook.estate.ports import BucketPosture, Download, Progress, StoredObject
from runbook.safety.outside_text import outside_text

if TYPE_CHECKING:
    from mypy_boto3_s3.type_defs import ObjectTypeDef

T = TypeVar("T")

BLOCK: Final = 1 << 20  # progress is told after each: once a second on a line of 1 MB/s
KEY_LIMIT: Final = 1024  # S3's own limit on a key
MAX_CUTS: Final = 5  # connections that may break off in one download before it is given up


class AwsObjects:
    """`ObjectStore` on S3."""

    def __init__(self, access: AwsAccess) -> None:
        self._access = access

    async def list(self, bucket: str, prefix: str) -> tuple[StoredObject, ...]:
        return await self._access.door(self._list, bucket, prefix)

    async def head(self, bucket: str, key: str) -> StoredObject:
        return await self._access.door(self._head, bucket, key)

    async def posture(self, bucket: str) -> BucketPosture:
        return await self._access.door(self._posture, bucket)

    async def download(self, stored: StoredObject, to: Path, progress: Progress) -> Download:
        """`to` appears when it is whole; a connection that breaks off is taken up where it broke."""
        return await self._access.door(self._download, stored, to, progress)

    async def read(self, bucket: str, key: str, limit: int = 8 << 20) -> bytes:
        return await self._access.door(self._read, bucket, key, limit)

    def _list(self, bucket: str, prefix: str) -> tuple[StoredObject, ...]:
        with asking("s3:ListObjectsV2"):
            pages = self._access.client("s3").get_paginator("list_objects_v2")
            found = [raw for page in pages.paginate(Bucket=bucket, Prefix=prefix) for raw in page.get("Contents", [])]
        return tuple(sorted((_listed(bucket, raw) for raw in found), key=lambda stored: (stored.modified, stored.key)))

    def _head(self, bucket: str, key: str) -> StoredObject:
        with asking("s3:HeadObject"):
            raw = self._access.client("s3").head_object(Bucket=bucket, Key=key)
        metadata = {name.lower(): value for name, value in raw.get("Metadata", {}).items()}
        return StoredObject(
            bucket=bucket,
            key=key,
            size=raw["ContentLength"],
            modified=raw["LastModified"].astimezone(UTC),
            version=outside_text(raw.get("VersionId")) or None,
            encryption=outside_text(raw.get("ServerSideEncryption")) or None,
            kms_key=outside_text(raw.get("SSEKMSKeyId")) or None,
            sha256=outside_text(metadata.get("sha256")).strip().lower() or None,
        )

    def _posture(self, bucket: str) -> BucketPosture:
        s3 = self._access.client("s3")
        blocked = _unless(
            {"NoSuchPublicAccessBlockConfiguration": False, "AccessDenied": None},
            "s3:GetPublicAccessBlock",
            lambda: _all_four(s3.get_public_access_block(Bucket=bucket)["PublicAccessBlockConfiguration"]),
        )
        with asking("s3:GetBucketVersioning"):
            versioned = s3.get_bucket_versioning(Bucket=bucket).get("Status") == "Enabled"
        locked = _unless(
            {"ObjectLockConfigurationNotFoundError": False},
            "s3:GetObjectLockConfiguration",
            lambda: _lock_is_on(s3.get_object_lock_configuration(Bucket=bucket)),
        )
        return BucketPosture(public_access_blocked=blocked, versioned=versioned, object_lock=bool(locked))

    def _download(self, stored: StoredObject, to: Path, progress: Progress) -> Download:
        part = to.with_name(to.name + ".part")
        with _writing(part):
            digest = hashlib.sha256()
            with _private(part) as file:
                for done, block in self._blocks(stored):
                    digest.update(block)
                    file.write(block)
                    progress(done, stored.size)
            part.replace(to)
        return Download(path=to, size=stored.size, sha256=digest.hexdigest())

    def _blocks(self, stored: StoredObject) -> Iterator[tuple[int, bytes]]:
        """(bytes so far, block) to the last byte; resumed by Range, pinned to one version and one ETag."""
        done, tag = 0, ""
        for attempt in range(1, MAX_CUTS + 2):
            try:
                with asking("s3:GetObject"):
                    answer = self._open(stored, done, tag)
                    tag = answer["ETag"]
                    for block in answer["Body"].iter_chunks(BLOCK):
                        done += len(block)
                        _refuse_growth(stored, done)
                        yield done, block
            except NoVerdict:
                if done == 0 or attempt > MAX_CUTS:
                    raise
            if done == stored.size:
                return
        raise _broke_off(stored, done)

    def _open(self, stored: StoredObject, start: int, tag: str) -> Any:
        wanted: dict[str, Any] = {"Bucket": stored.bucket, "Key": stored.key}
        if stored.version is not None:
            wanted["VersionId"] = stored.version
        if start:
            wanted |= {"Range": f"bytes={start}-", "IfMatch": tag}
        answer = self._access.client("s3").get_object(**wanted)
        if not start and answer["ContentLength"] != stored.size:
            answer["Body"].close()
            raise _changed(stored)
        return answer

    def _read(self, bucket: str, key: str, limit: int) -> bytes:
        with asking("s3:GetObject"):
            answer = self._access.client("s3").get_object(Bucket=bucket, Key=key)
            with answer["Body"] as body:
                content = body.read(limit + 1) if answer["ContentLength"] <= limit else b""
        if answer["ContentLength"] > limit:
            raise LayerFailed(
                f"{outside_text(key)} has {answer['ContentLength']} bytes; such a file may have {limit}",
                fix="Check that the key names the right object.",
                source="s3:GetObject",
            )
        return content


def _listed(bucket: str, raw: ObjectTypeDef) -> StoredObject:
    return StoredObject(
        bucket=bucket,
        key=outside_text(raw.get("Key"), KEY_LIMIT),
        size=raw.get("Size", 0),
        modified=raw["LastModified"].astimezone(UTC),
    )


def _unless(expected: Mapping[str, bool | None], source: str, ask: Callable[[], bool]) -> bool | None:
    """What `ask` answers, or what an expected refusal means."""
    from botocore.exceptions import ClientError

    with asking(source):
        try:
            return ask()
        except ClientError as error:
            if code_of(error) in expected:
                return expected[code_of(error)]
            raise translated(error, source) from None


def _all_four(block: Mapping[str, Any]) -> bool:
    wanted = ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets")
    return all(block.get(name) is True for name in wanted)


def _lock_is_on(answer: Any) -> bool:
    return bool(answer.get("ObjectLockConfiguration", {}).get("ObjectLockEnabled") == "Enabled")


def _refuse_growth(stored: StoredObject, done: int) -> None:
    if done > stored.size:
        raise _changed(stored)


def _changed(stored: StoredObject) -> LayerFailed:
    return LayerFailed(
        f"{stored.key} no longer has the {stored.size} bytes that were listed: it was replaced meanwhile",
        fix="Look at the newest backup again and choose anew.",
        source="s3:GetObject",
    )


def _broke_off(stored: StoredObject, done: int) -> NoVerdict:
    return NoVerdict(
        f"the download of {stored.key} broke off after {done} of {stored.size} bytes, {MAX_CUTS} times taken up again",
        fix="Check the network, then retry.",
        source="s3:GetObject",
    )


def _private(path: Path) -> IO[bytes]:
    """A file that only its owner can read, from its first byte on; an older one of that name is emptied."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
    os.fchmod(descriptor, 0o600)
    return os.fdopen(descriptor, "wb")


@contextmanager
def _writing(part: Path) -> Iterator[None]:
    """Leave no half file behind, and say it when this machine is what failed."""
    try:
        yield
    except OSError as error:
        part.unlink(missing_ok=True)
        raise NoVerdict(
            f"the backup cannot be written to {outside_text(part.parent)}: {outside_text(error.strerror)}",
            fix="Make room (or a writable folder) on this machine, then retry.",
            source="this machine",
        ) from None
    except BaseException:
        part.unlink(missing_ok=True)
        raise
