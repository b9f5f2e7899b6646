"""The few ways in which a record reaches the disk; everything that can go wrong comes out as RecordFailed.

`Disk` is the seam at which tests let a write be short, a disk be full or an fsync fail.
"""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import shutil
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from io import BufferedReader
from pathlib import Path

from runbook.engine.errors import RecordFailed

PRIVATE = 0o600
SHARED = 0o644  # less the umask: what an assessor is handed


class Disk:
    """The operating system's calls, as they are."""

    def open(self, path: Path, flags: int, mode: int = PRIVATE) -> int:
        """Never through a symbolic link, never inherited by a child."""
        return os.open(path, flags | os.O_NOFOLLOW | os.O_CLOEXEC, mode)

    def write(self, descriptor: int, data: bytes) -> int:
        """How many bytes were taken: a nearly full disk takes fewer, without an error."""
        return os.write(descriptor, data)

    def fsync(self, descriptor: int) -> None:
        """Down to the medium: on macOS fsync(2) stops at the drive's cache, F_FULLFSYNC does not."""
        if sys.platform == "darwin":
            import fcntl  # noqa: PLC0415  # only macOS knows F_FULLFSYNC

            with contextlib.suppress(OSError):  # file systems without it (network, FAT) have fsync
                fcntl.fcntl(descriptor, fcntl.F_FULLFSYNC)
                return
        os.fsync(descriptor)

    def truncate(self, descriptor: int, size: int) -> None:
        """Cut the file to `size` bytes."""
        os.ftruncate(descriptor, size)

    def close(self, descriptor: int) -> None:
        """Give the descriptor back."""
        os.close(descriptor)

    def sync_folder(self, folder: Path) -> None:
        """Make a new or renamed entry of the folder survive a power cut."""
        descriptor = self.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            self.fsync(descriptor)
        finally:
            self.close(descriptor)


def free_bytes(path: Path) -> int:
    """What the disk under `path` (it need not exist yet) still takes from us; RecordFailed when it cannot say."""
    with recording(path, "measured"):
        there = next((one for one in (path, *path.parents) if one.exists()), path)
        return shutil.disk_usage(there).free


@contextmanager
def recording(path: Path, what: str) -> Iterator[None]:
    """Turn the system's refusals into RecordFailed, named by file and deed."""
    try:
        yield
    except OSError as error:
        raise RecordFailed(
            f"{path.name} could not be {what}: {error.strerror or type(error).__name__}",
            fix=f"Look at free space, permissions and the disk under {path.parent}.",
            source=str(path),
        ) from error


def stands(path: Path) -> bool:
    """Whether anything has this name, be it a link that leads nowhere; RecordFailed when the disk does not say."""
    with recording(path, "looked for"):
        return path.exists() or path.is_symlink()


@contextmanager
def reading(path: Path, disk: Disk) -> Iterator[BufferedReader]:
    """The open regular file; RecordFailed when it is missing, a link, a folder, a pipe or unreadable."""
    with recording(path, "read"):
        if path.is_symlink():
            raise RecordFailed(f"{path.name} is a symbolic link", fix="Name the file itself.", source=str(path))
        descriptor = disk.open(path, os.O_RDONLY | os.O_NONBLOCK)  # a fifo in its place must not hang us
        with os.fdopen(descriptor, "rb") as file:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise RecordFailed(f"{path.name} is not a regular file", source=str(path))
            yield file


def read_whole(path: Path, disk: Disk) -> bytes:
    """Its bytes; RecordFailed as for `reading`."""
    with reading(path, disk) as file:
        return file.read()


def read_at_most(path: Path, largest: int, disk: Disk) -> bytes:
    """The same; RecordFailed also where there are more than `largest`."""
    with reading(path, disk) as file:
        content = file.read(largest + 1)
    if len(content) > largest:
        raise RecordFailed(f"{path.name} is too large to be one of this tool's", source=str(path))
    return content


def write_all(descriptor: int, data: bytes, path: Path, disk: Disk) -> None:
    """One write, counted: a short one is a failure, never continued."""
    with recording(path, "written"):
        taken = disk.write(descriptor, data)
    if taken != len(data):
        raise RecordFailed(
            f"{path.name} could not be written: the disk took {taken} of {len(data)} bytes",
            fix=f"Free space on the disk of {path.parent}.",
            source=str(path),
        )


def make_folder(folder: Path, disk: Disk | None = None) -> None:
    """The folder and its missing parents, private, each entry made durable."""
    disk = disk or Disk()
    with recording(folder, "made"):
        missing = [one for one in (folder, *folder.parents) if not one.exists()]
        for one in reversed(missing):
            one.mkdir(mode=0o700, exist_ok=True)
            disk.sync_folder(one.parent)


def replace_file(path: Path, data: bytes, *, mode: int = SHARED, disk: Disk | None = None) -> None:
    """The whole new content or the whole old one, at any crash: temporary file, fsync, rename, fsync of the folder."""
    disk = disk or Disk()
    beside = path.with_name(f".{path.name}.{secrets.token_hex(4)}")  # as `is_left_by_a_crash` knows it
    try:
        with recording(path, "written"):
            descriptor = disk.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
            try:
                write_all(descriptor, data, path, disk)
                disk.fsync(descriptor)
            finally:
                disk.close(descriptor)
            beside.replace(path)
            disk.sync_folder(path.parent)
    except RecordFailed:
        with contextlib.suppress(OSError):
            beside.unlink(missing_ok=True)
        raise


def is_left_by_a_crash(path: Path) -> bool:
    """Whether the file is a `replace_file` that never came to its end."""
    return re.fullmatch(r"\..+\.[0-9a-f]{8}", path.name) is not None
