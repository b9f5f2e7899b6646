"""The evidence bucket in memory: shared by every machine that is given the same one."""

from __future__ import annotations

import asyncio
import hashlib
from dataclasses import dataclass, field
from datetime import datetime

from runbook.engine.errors import LayerFailed, NoVerdict


@dataclass
class MemoryEvidence:
    """`records.remote_store.Store`; conditions are judged and kept in one go, as S3 does.

    `down`: it cannot be reached.  `lost_answers`: so many of the next writes are done, and their answer is lost;
    `silent_retries`: the same, and the client library sends them again.
    `held`: as long as the event is not set, nobody gets an answer.  `asked` counts the calls by name.
    `locks`: it has Object Lock; `locked`: until when which object is kept.
    """

    objects: dict[str, bytes] = field(default_factory=dict)
    down: bool = False
    lost_answers: int = 0
    silent_retries: int = 0
    held: asyncio.Event | None = None
    asked: dict[str, int] = field(default_factory=dict)
    locks: bool = True
    locked: dict[str, datetime] = field(default_factory=dict)

    async def put_new(self, key: str, body: bytes, *, until: datetime | None = None) -> bool:
        await self._reached("put_new")
        if until is not None and not self.locks:
            raise LayerFailed("s3:PutObject: the evidence bucket has no Object Lock", source="s3:PutObject")
        written = self._written(key, body, fits=key not in self.objects)
        if until is not None and written:
            self.locked[key] = until
        return written

    async def replace(self, key: str, body: bytes, etag: str) -> bool:
        await self._reached("replace")
        return self._written(key, body, fits=key in self.objects and _etag(self.objects[key]) == etag)

    async def read(self, key: str) -> tuple[bytes, str] | None:
        await self._reached("read")
        found = self.objects.get(key)
        return None if found is None else (found, _etag(found))

    async def list(self, prefix: str) -> tuple[str, ...]:
        await self._reached("list")
        return tuple(sorted(key for key in self.objects if key.startswith(prefix)))

    def _written(self, key: str, body: bytes, *, fits: bool) -> bool:
        if fits:
            self.objects[key] = body
        if self.lost_answers:
            self.lost_answers -= 1
            raise NoVerdict("s3:PutObject: the connection to AWS broke off", source="s3:PutObject")
        if self.silent_retries:
            self.silent_retries -= 1
            return False
        return fits

    async def _reached(self, call: str) -> None:
        self.asked[call] = self.asked.get(call, 0) + 1
        await asyncio.sleep(0)  # as over a network, others come in between
        if self.held is not None:
            await self.held.wait()
        if self.down:
            raise NoVerdict("s3: AWS could not be reached", fix="Check the network, then retry.", source="s3")


def _etag(body: bytes) -> str:
    return f'"{hashlib.md5(body, usedforsecurity=False).hexdigest()}"'
