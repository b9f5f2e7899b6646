"""How a record's file is opened to be read: a regular file, never through a link, and never waited for."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from io import BufferedReader
from pathlib import Path

from runbook.engine.errors import RecordFailed
from runbook.records.disk import Disk, recording


@contextmanager
def reading(path: Path, disk: Disk) -> Iterator[BufferedReader]:
    """The open file; RecordFailed when it is missing, a link, a folder, a pipe or unreadable."""
    if path.is_symlink():
        raise RecordFailed(f"{path.name} is a symbolic link", fix="Name the file itself.", source=str(path))
    with recording(path, "read"):
        descriptor = disk.open(path, os.O_RDONLY | os.O_NONBLOCK)  # a fifo in its place must not hang us
        with os.fdopen(descriptor, "rb") as file:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise RecordFailed(f"{path.name} is not a regular file", source=str(path))
            yield file


def read_at_most(path: Path, largest: int, disk: Disk) -> bytes:
    """Its bytes; RecordFailed also where there are more than `largest`."""
    with reading(path, disk) as file:
        content = file.read(largest + 1)
    if len(content) > largest:
        raise RecordFailed(f"{path.name} is too large to be one of this tool's", source=str(path))
    return content
