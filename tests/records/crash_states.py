"""Every state in which a power cut can leave the files that a `Disk` was asked to write: a model in user space.

Killing a process shows nothing here, since the page cache survives it.  The model keeps what is durable (synced) apart
from what is not, and lists what may have reached the medium of the rest: any prefix of bytes, an extension of zeros,
any set of 512-byte sectors, a folder's entry or none.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise, product
from pathlib import Path

from runbook.records.disk import Disk

SECTOR = 512
MOST_SECTORS = 6  # in all subsets; of a longer tail the prefixes have to do

State = tuple[tuple[str, bytes], ...]
"""A folder after the cut: names and contents of the files that are there."""


@dataclass
class _File:
    durable: bytes = b""
    versions: list[bytes] = field(default_factory=list)  # since the last sync, oldest first
    linked: bool = False  # its entry in the folder is durable

    @property
    def now(self) -> bytes:
        return self.versions[-1] if self.versions else self.durable

    def states(self) -> set[bytes | None]:
        found: set[bytes | None] = {self.durable}
        before = self.durable
        for version in self.versions:
            grown = version.startswith(before)
            found.update(_extensions(before, version[len(before) :]) if grown else (version,))
            before = version
        return found if self.linked else found | {None}


class CrashModel(Disk):
    """Carries out what it is asked for, and knows after each call what a power cut could leave.

    `cuts` has an element for each call boundary: how many lines were acknowledged by then, and the states.
    """

    def __init__(self, folder: Path, *, full_after: int | None = None) -> None:
        self.folder = folder
        self.cuts: list[tuple[int, set[State]]] = []
        self._acknowledged = 0
        self._files: dict[str, _File] = {}
        self._names: dict[int, str] = {}
        self._left = full_after

    def found(self, name: str, content: bytes) -> None:
        """A file that was there before, whole and durable."""
        (self.folder / name).write_bytes(content)
        self._files[name] = _File(content, linked=True)

    def acknowledge(self) -> None:
        """One more line is said to be on disk."""
        self._acknowledged += 1
        self._cut()

    def open(self, path: Path, flags: int, mode: int = 0o600) -> int:
        descriptor = super().open(path, flags, mode)
        if flags & (os.O_WRONLY | os.O_RDWR):
            self._names[descriptor] = path.name
            if path.name not in self._files:
                self._files[path.name] = _File()
                self._cut()
        return descriptor

    def write(self, descriptor: int, data: bytes) -> int:
        taken = super().write(descriptor, data if self._left is None else data[: self._left])
        self._left = None if self._left is None else self._left - taken
        self._changed(descriptor, self._file(descriptor).now + data[:taken])
        return taken

    def truncate(self, descriptor: int, size: int) -> None:
        super().truncate(descriptor, size)
        self._changed(descriptor, self._file(descriptor).now[:size])

    def fsync(self, descriptor: int) -> None:
        if descriptor in self._names:
            file = self._file(descriptor)
            file.durable, file.versions = file.now, []
            self._cut()

    def sync_folder(self, folder: Path) -> None:
        if folder == self.folder:
            for file in self._files.values():
                file.linked = True
            self._cut()

    def close(self, descriptor: int) -> None:
        super().close(descriptor)
        self._names.pop(descriptor, None)

    def _file(self, descriptor: int) -> _File:
        return self._files[self._names[descriptor]]

    def _changed(self, descriptor: int, content: bytes) -> None:
        self._file(descriptor).versions.append(content)
        self._cut()

    def _cut(self) -> None:
        names = sorted(self._files)
        each = [self._files[name].states() for name in names]
        states = {
            tuple((name, content) for name, content in zip(names, contents, strict=True) if content is not None)
            for contents in product(*each)
        }
        self.cuts.append((self._acknowledged, states))


class WithoutFsync(CrashModel):
    """The mutant that never syncs a file."""

    def fsync(self, descriptor: int) -> None:
        del descriptor


class WithoutFolderSync(CrashModel):
    """The mutant that never syncs a folder."""

    def sync_folder(self, folder: Path) -> None:
        del folder


class AcceptsShortWrites(CrashModel):
    """The mutant that takes a write for whole which a nearly full disk cut short."""

    def write(self, descriptor: int, data: bytes) -> int:
        super().write(descriptor, data)
        return len(data)


def _extensions(before: bytes, more: bytes) -> Iterator[bytes]:
    """What of `more` may have reached the medium behind `before`."""
    for length in range(len(more) + 1):
        yield before + more[:length]
        yield before + more[:length] + bytes(len(more) - length)
    sectors = list(_sectors(len(before), more))
    if len(sectors) <= MOST_SECTORS:
        for written in product((True, False), repeat=len(sectors)):
            parts = (part if there else bytes(len(part)) for part, there in zip(sectors, written, strict=True))
            yield before + b"".join(parts)


def _sectors(offset: int, more: bytes) -> Iterator[bytes]:
    """`more` cut where the medium's sectors begin."""
    first = SECTOR - offset % SECTOR
    bounds = [0, *range(first, len(more), SECTOR), len(more)]
    for begin, end in pairwise(bounds):
        yield more[begin:end]
