"""A zip file that is the same for the same content, and is there as a whole or not at all."""

from __future__ import annotations

import contextlib
import hashlib
import os
import secrets
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO, Final

from runbook.records.disk import PRIVATE, Disk, reading, recording

CHUNK: Final = 1 << 20
LARGE: Final = 1 << 30  # bytes; from there on a zip file needs its longer form
EARLIEST: Final = datetime(1980, 1, 1, tzinfo=UTC)
LATEST: Final = datetime(2107, 12, 31, 23, 59, 58, tzinfo=UTC)
"""Before and behind them no zip file knows a time."""


@contextmanager
def new_file(target: Path, disk: Disk) -> Iterator[BinaryIO]:
    """A file that gets its name when all is written and on the disk; RecordFailed.  Whatever fails leaves nothing."""
    beside = target.with_name(f".{target.name}.{secrets.token_hex(4)}")
    try:
        with recording(target, "written"):
            descriptor = disk.open(beside, os.O_RDWR | os.O_CREAT | os.O_EXCL, PRIVATE)
            with os.fdopen(descriptor, "w+b") as file:
                yield file
                file.flush()
                disk.fsync(file.fileno())
            beside.replace(target)
            disk.sync_folder(target.parent)
    finally:
        with contextlib.suppress(OSError):
            beside.unlink(missing_ok=True)


@dataclass(slots=True)
class Sack:
    """Takes files in the order in which they are put, all below one folder.  `sums`: SHA-256 by name below it."""

    archive: zipfile.ZipFile
    folder: str
    disk: Disk
    sums: dict[str, str] = field(default_factory=dict)

    def text(self, name: str, content: bytes, at: datetime) -> None:
        """What is made here."""
        self.archive.writestr(self._entry(name, at), content)
        self.sums[name] = hashlib.sha256(content).hexdigest()

    def file(self, name: str, path: Path, at: datetime) -> None:
        """A regular file, byte for byte and piece by piece; RecordFailed where it is none or cannot be read."""
        with reading(path, self.disk) as source:
            large = os.fstat(source.fileno()).st_size >= LARGE
            found = hashlib.sha256()
            with self.archive.open(self._entry(name, at), "w", force_zip64=large) as target:
                while piece := source.read(CHUNK):
                    found.update(piece)
                    target.write(piece)
        self.sums[name] = found.hexdigest()

    def _entry(self, name: str, at: datetime) -> zipfile.ZipInfo:
        """Neither the machine nor the day on which it is packed shows in it."""
        entry = zipfile.ZipInfo(f"{self.folder}/{name}", min(max(at, EARLIEST), LATEST).astimezone(UTC).timetuple()[:6])
        entry.compress_type = zipfile.ZIP_DEFLATED
        entry.create_system = 3  # Unix, so that the mode below is understood
        entry.external_attr = 0o100644 << 16
        return entry
