"""The evidence bucket: what two laptops share, by S3's conditional writes and no server of ours.

Nothing is ever deleted there: PutObject, GetObject and ListObjectsV2 are all that is called.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from runbook.engine.errors import LayerFailed, NoVerdict
from runbook.estate.aws.client import AwsAccess
from runbook.estate.aws.errors import asking, code_of, translated
from runbook.estate.aws.objects import KEY_LIMIT
from runbook.safety.outside_text import outside_text

if TYPE_CHECKING:
    from botocore.exceptions import ClientError

LIMIT: Final = 64 << 20  # bytes of one object: a report with its pictures is far below
CONFLICTS: Final = 5  # answers in a row that somebody writes the same key at this moment
_PUT: Final = "s3:PutObject"
_UNTIL: Final = "ObjectLockRetainUntilDate"
_TAKEN: Final = ("PreconditionFailed", "412")
_ABSENT: Final = ("NoSuchKey", "404")


class EvidenceBucket:
    """`records.remote_store.Store` on S3; `owner` is the account that the bucket must belong to."""

    def __init__(self, access: AwsAccess, bucket: str, owner: str) -> None:
        self._access = access
        self._place = {"Bucket": bucket, "ExpectedBucketOwner": owner}

    async def put_new(self, key: str, body: bytes, *, until: datetime | None = None) -> bool:
        return await self._access.door(self._put, key, body, {"IfNoneMatch": "*", **_lock(until)})

    async def replace(self, key: str, body: bytes, etag: str) -> bool:
        return await self._access.door(self._put, key, body, {"IfMatch": etag})

    async def read(self, key: str) -> tuple[bytes, str] | None:
        return await self._access.door(self._read, key)

    async def list(self, prefix: str) -> tuple[str, ...]:
        return await self._access.door(self._list, prefix)

    @property
    def _s3(self) -> Any:
        return self._access.client("s3")

    def _put(self, key: str, body: bytes, condition: dict[str, Any]) -> bool:
        """botocore repeats a call whose answer was lost, so that a False may be our own earlier success."""
        for _ in range(CONFLICTS):
            if (written := self._put_once(key, body, condition)) is not None:
                return written
        raise NoVerdict(
            f"{_PUT}: {outside_text(key, KEY_LIMIT)} is being written by somebody else all the time",
            fix="Look who else works on this environment, then retry.",
            source=_PUT,
        )

    def _put_once(self, key: str, body: bytes, condition: dict[str, Any]) -> bool | None:
        """None: another write to the same key was under way, and S3 asks to try again."""
        from botocore.exceptions import ClientError

        with asking(_PUT):
            try:
                self._s3.put_object(**self._place, Key=key, Body=body, **condition)
            except ClientError as error:
                if code_of(error) in _TAKEN or ("IfMatch" in condition and code_of(error) in _ABSENT):
                    return False
                if code_of(error) == "ConditionalRequestConflict":
                    return None
                if _UNTIL in condition and code_of(error) == "InvalidRequest":
                    raise _without_lock(error) from None
                raise translated(error, _PUT) from None
        return True

    def _read(self, key: str) -> tuple[bytes, str] | None:
        from botocore.exceptions import ClientError

        with asking("s3:GetObject"):
            try:
                answer = self._s3.get_object(**self._place, Key=key)
            except ClientError as error:
                if code_of(error) in _ABSENT:
                    return None
                raise translated(error, "s3:GetObject") from None
            return _content(key, answer), str(answer["ETag"])

    def _list(self, prefix: str) -> tuple[str, ...]:
        with asking("s3:ListObjectsV2"):
            pages = self._s3.get_paginator("list_objects_v2")
            found = [raw for page in pages.paginate(**self._place, Prefix=prefix) for raw in page.get("Contents", [])]
        return tuple(sorted(outside_text(raw.get("Key"), KEY_LIMIT) for raw in found))


def _lock(until: datetime | None) -> dict[str, Any]:
    """COMPLIANCE: not even the account's owner shortens it.  S3 takes a lock only with a checksum of the content."""
    if until is None:
        return {}
    return {"ObjectLockMode": "COMPLIANCE", _UNTIL: until, "ChecksumAlgorithm": "SHA256"}


def _without_lock(error: ClientError) -> LayerFailed:
    return LayerFailed(
        f"{_PUT}: the evidence bucket takes no locked object, most likely since it has no Object Lock",
        fix="Enable Object Lock on the bucket, or take retain_days out of [records.bucket].",
        provider_text=outside_text(error),
        source=_PUT,
    )


def _content(key: str, answer: Any) -> bytes:
    with answer["Body"] as body:
        content: bytes = body.read(LIMIT + 1) if answer["ContentLength"] <= LIMIT else b""
    if answer["ContentLength"] > LIMIT:
        raise LayerFailed(
            f"{outside_text(key, KEY_LIMIT)} has {answer['ContentLength']} bytes; a record may have {LIMIT}",
            fix="Look what was put there; it was not this tool.",
            source="s3:GetObject",
        )
    return content
