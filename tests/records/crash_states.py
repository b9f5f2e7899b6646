"""Every state in which a power cut can leave the files that a `Disk` was asked to write: a model in user space.

Killing a process shows nothing here, since the page cache survives it.  The model keeps what is durable (synced) apart
from what is not, and lists what may have reached the medium of the rest: any prefix of bytes, an extension of zeros,
any set of 512-byte sectors; and of the folders' entries (created, renamed, removed since) any subset.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import accumulate, pairwise, product
from pathlib import Path

from runbook.records.disk import Disk

SECTOR = 512
NEAR = 3  # bytes from a sector's end, or from either end of a write: there every prefix is a state
MOST_SECTORS = 6  # in all subsets; of a longer tail the prefixes have to do

State = tuple[tuple[str, bytes], ...]
"""A folder after the cut: names (relative, POSIX) and contents of the files that are there."""


@dataclass(eq=False)
class _File:
    durable: bytes = b""
    versions: list[bytes] = field(default_factory=list)  # since the last sync, oldest first
    folder: bool = False

    @property
    def now(self) -> bytes:
        return self.versions[-1] if self.versions else self.durable

    def states(self, step: int) -> set[bytes]:
        found = {self.durable}
        before = self.durable
        for version in self.versions:
            grown = version.startswith(before)
            found.update(_extensions(before, version[len(before) :], step) if grown else (version,))
            before = version
        return found


Entries = Mapping[str, _File | None]
"""Names and what stands under them: all of a tree, or a change to it (None: no more)."""


class CrashModel(Disk):
    """Carries out what it is asked for, and knows after each call what a power cut could leave.

    `cuts` has an element for each call boundary: how much was acknowledged by then, and the states; of the prefixes of
    a write they hold each `step`-th.  What happens to entries it sees by looking, so that a rename or a removal need
    not come through here.  Lock files hold nothing and are left out.
    """

    def __init__(self, folder: Path, *, step: int = 3, full_after: int | None = None, stays_full: bool = True) -> None:
        self.folder = folder
        self.cuts: list[tuple[int, set[State]]] = []
        self._step = step
        self._acknowledged = 0
        self._durable: dict[str, _File | None] = {}
        self._changes: list[Entries] = []  # to entries, since their folders were synced; oldest first
        self._now: dict[str, tuple[int, _File]] = {}  # by name: inode and file, as they are
        self._files: dict[int, _File] = {}  # by descriptor
        self._left = full_after
        self._stays_full = stays_full

    def found(self, name: str, content: bytes) -> None:
        """A file that was there before, whole and durable."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        self._look()
        self._now[name][1].durable = content
        self._linked(self._changes)
        self._changes = []

    def left(self, name: str, content: bytes) -> None:
        """What a killed process made of a file: written, and not synced; nor is the entry of a new one."""
        (self.folder / name).parent.mkdir(parents=True, exist_ok=True)
        self._look()
        self._linked(self._changes)  # a folder's entry was synced before anything was put into it
        self._changes = []
        (self.folder / name).write_bytes(content)
        self._look()
        self._now[name][1].versions.append(content)

    def acknowledge(self) -> None:
        """One more thing is said to be on disk."""
        self._acknowledged += 1
        self._look()
        self._cut()

    def open(self, path: Path, flags: int, mode: int = 0o600) -> int:
        self._look()  # what went before, lest a removed file's inode come back in a new one
        descriptor = super().open(path, flags, mode)
        if flags & (os.O_WRONLY | os.O_RDWR):
            self._look()
            self._files[descriptor] = self._now[self._name(path)][1]
        return descriptor

    def write(self, descriptor: int, data: bytes) -> int:
        taken = super().write(descriptor, data if self._left is None else data[: self._left])
        if self._left is not None:
            self._left = self._left - taken if self._stays_full or taken == len(data) else None
        file = self._files[descriptor]
        self._changed(file, file.now + data[:taken])
        return taken

    def truncate(self, descriptor: int, size: int) -> None:
        super().truncate(descriptor, size)
        file = self._files[descriptor]
        self._changed(file, file.now[:size])

    def fsync(self, descriptor: int) -> None:
        if descriptor in self._files:
            file = self._files[descriptor]
            file.durable, file.versions = file.now, []
            self._cut()

    def sync_folder(self, folder: Path) -> None:
        self._look()
        name = self._name(folder)
        synced = [change for change in self._changes if _folder_of(change) == name]
        self._changes = [change for change in self._changes if _folder_of(change) != name]
        self._linked(synced)
        self._cut()

    def close(self, descriptor: int) -> None:
        super().close(descriptor)
        self._files.pop(descriptor, None)

    def path_of(self, descriptor: int) -> str:
        """The name that the descriptor's file has now; empty where it has none."""
        file = self._files.get(descriptor)
        return next((name for name, (_, there) in self._now.items() if there is file), "")

    # -- for the above ------------------------------------------------------------------------------------------------
    def _name(self, path: Path) -> str:
        return "" if path == self.folder else path.relative_to(self.folder).as_posix()

    def _changed(self, file: _File, content: bytes) -> None:
        file.versions.append(content)
        self._cut()

    def _linked(self, changes: Iterable[Entries]) -> None:
        for change in changes:
            self._durable.update(change)

    def _look(self) -> None:
        """Note which entries were created, renamed and removed since the last look."""
        there = {self._name(path): path.lstat().st_ino for path in _tree(self.folder)}
        gone = {inode: name for name, (inode, _) in self._now.items() if name not in there}
        for name, inode in there.items():
            if self._now.get(name, (None,))[0] == inode:
                continue
            before = gone.pop(inode, None)
            file = self._now.pop(before)[1] if before else _File(folder=(self.folder / name).is_dir())
            self._now[name] = (inode, file)
            self._entries_changed({**({before: None} if before else {}), name: file})
        for name in gone.values():
            del self._now[name]
            self._entries_changed({name: None})

    def _entries_changed(self, change: Entries) -> None:
        self._changes.append(change)
        self._cut()

    def _cut(self) -> None:
        states = {state for kept in _subsets(self._changes) for state in _states({**self._durable, **kept}, self._step)}
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


# -- what may be there ------------------------------------------------------------------------------------------------
def _tree(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.iterdir()):
        if path.suffix != ".lock":
            yield path
            if path.is_dir() and not path.is_symlink():
                yield from _tree(path)


def _folder_of(change: Entries) -> str:
    return next(iter(change)).rpartition("/")[0]  # nothing is renamed from one folder to another here


def _subsets(changes: list[Entries]) -> Iterator[dict[str, _File | None]]:
    """Every set of changes to entries that may have reached the medium, together, in their order."""
    for kept in product((True, False), repeat=len(changes)):
        together: dict[str, _File | None] = {}
        for change, there in zip(changes, kept, strict=True):
            together.update(change if there else {})
        yield together


def _states(entries: Entries, step: int) -> Iterator[State]:
    files = {name: file for name, file in sorted(entries.items()) if file and _reached(name, entries)}
    for contents in product(*(file.states(step) for file in files.values())):
        yield tuple(zip(files, contents, strict=True))


def _reached(name: str, entries: Entries) -> bool:
    """Whether it is a file, and the entries of the folders that lead to it are there."""
    file, above = entries[name], [str(one) for one in Path(name).parents if str(one) != "."]
    return file is not None and not file.folder and all(entries.get(one) for one in above)


def _extensions(before: bytes, more: bytes, step: int) -> Iterator[bytes]:
    """What of `more` may have reached the medium behind `before`."""
    sectors = list(_sectors(len(before), more))
    for length in sorted(_lengths(sectors, step)):
        yield before + more[:length]
        yield before + more[:length] + bytes(len(more) - length)
    if len(sectors) <= MOST_SECTORS:
        for written in product((True, False), repeat=len(sectors)):
            parts = (part if there else bytes(len(part)) for part, there in zip(sectors, written, strict=True))
            yield before + b"".join(parts)


def _lengths(sectors: list[bytes], step: int) -> set[int]:
    ends = [0, *accumulate(len(sector) for sector in sectors)]
    near = {end + beside for end in ends for beside in range(-NEAR, NEAR + 1)}
    return {length for length in (*near, *range(0, ends[-1], step)) if 0 <= length <= ends[-1]}


def _sectors(offset: int, more: bytes) -> Iterator[bytes]:
    """`more` cut where the medium's sectors begin."""
    first = SECTOR - offset % SECTOR
    bounds = [0, *range(first, len(more), SECTOR), len(more)]
    for begin, end in pairwise(bounds):
        yield more[begin:end]
