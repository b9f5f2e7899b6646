"""An archive on its way to the server: streamed from the disk, counted as it goes."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from runbook.estate.ports import Progress
from runbook.estate.vault_snapshot.archive import unreadable


class Counted:
    """An open file as `requests` streams it (length, blocks), telling how far it has come."""

    _STEP = 1 << 20

    def __init__(self, file: IO[bytes], progress: Progress) -> None:
        self._file = file
        self._total = os.fstat(file.fileno()).st_size
        self._told = 0
        self._progress = progress

    def __len__(self) -> int:
        return self._total

    def __iter__(self) -> Iterator[bytes]:
        return iter(lambda: self.read(self._STEP), b"")

    def read(self, size: int = -1) -> bytes:
        block = self._file.read(size)
        done = self._file.tell()
        if done - self._told >= self._STEP or (done == self._total and done > self._told):
            self._told = done
            self._progress(done, self._total)
        return block


def opened(archive: Path) -> IO[bytes]:
    """The archive, open for reading; NoVerdict when it cannot be."""
    try:
        return archive.open("rb")
    except OSError as error:
        raise unreadable(error) from None
