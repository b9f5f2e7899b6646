"""A journal that somebody else writes, looked at again and again: what is new in it, and that the old is as it was."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from hashlib import sha256
from pathlib import Path
from typing import Final

from runbook.engine.errors import RecordFailed
from runbook.engine.events import Event
from runbook.engine.ports import Clock
from runbook.records.canonical import GENESIS
from runbook.records.chain import read_chain
from runbook.records.disk import Disk, read_whole

EVERY_S: Final = 1.0


async def looks(path: Path, clock: Clock) -> AsyncGenerator[tuple[Event, ...], None]:
    """What came since the look before, a look a second, without an end; RecordFailed names damage."""
    tail = Tail(path)
    while True:
        yield await asyncio.to_thread(tail.new)
        await clock.sleep(EVERY_S)


class Tail:
    """A journal that somebody else writes; read anew only when its file changed.

    Each line is verified once.  From then on the digest of all of them together shows that they are what they were.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._seen: tuple[int, int] | None = None  # size and time of the last change
        self._lines, self._head = 0, GENESIS
        self._size, self._digest = 0, sha256().digest()

    def new(self) -> tuple[Event, ...]:
        """The whole lines that came since the last call; RecordFailed when those of before are not what they were."""
        seen = self._look()
        if seen is not None and seen == self._seen:
            return ()
        content = read_whole(self._path, Disk())
        digest = sha256(memoryview(content)[: self._size])
        if digest.digest() != self._digest:
            raise self._changed(content)
        chain = read_chain(content[self._size :], self._path, before=self._lines, head=self._head)
        digest.update(memoryview(content)[self._size : self._size + chain.size])
        self._seen, self._digest = seen, digest.digest()
        self._lines, self._head, self._size = self._lines + len(chain.events), chain.head, self._size + chain.size
        return chain.events

    def _changed(self, content: bytes) -> RecordFailed:
        try:
            read_chain(content, self._path)
        except RecordFailed as damage:  # it says which line
            return damage
        return RecordFailed(
            f"{self._path.name} no longer holds the lines that it held",
            fix="Something else writes to it: keep the file as it is, and start a new run.",
            source=str(self._path),
        )

    def _look(self) -> tuple[int, int] | None:
        """None: it cannot be told, and the reading says what is wrong."""
        try:
            found = self._path.stat()
        except OSError:
            return None
        return found.st_size, found.st_mtime_ns
