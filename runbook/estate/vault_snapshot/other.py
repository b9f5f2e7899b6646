"""What a vault backup may be instead of a raft snapshot, told by its first bytes or by the names in its tar.

File storage is a folder of `{"Value": base64}` files, its entries' names with `_` before the last part; it is restored
by hand, so it is looked into.  The others are only named, so that the operator hears what to do with them.
"""

from __future__ import annotations

import base64
import contextlib
import zlib
from dataclasses import dataclass, field
from gzip import GzipFile
from pathlib import Path
from typing import IO, Final, cast

from runbook.estate.answers import text
from runbook.estate.ports import ArchiveReport
from runbook.estate.vault_snapshot.archive import Damaged, Member
from runbook.estate.vault_snapshot.clear import VERSIONS, InClear, document
from runbook.estate.vault_snapshot.state import BARRIER_KEYS, SEAL_CONFIG

FILE_STORAGE: Final = "file-storage"
RAFT_DIRECTORY: Final = "raft-directory"
POSTGRESQL: Final = "postgresql-dump"

_HEAD: Final = 600
_ENTRY_LIMIT: Final = 64 << 10
_KEYRING: Final = "core/_keyring"
_BOLT: Final = bytes.fromhex("edda0ced")  # little-endian magic of a bbolt database, 16 bytes into its first page
_DUMP: Final = b"PGDMP\x01"  # magic of pg_dump's custom format, and its major version, which was ever 1
_RAFT_FILES: Final = frozenset({"vault.db", "raft.db"})
_POSTGRESQL_FILES: Final = frozenset({"toc.dat"})
_MOST_FOLDERS: Final = 100  # the root's, and those of namespaces or of secrets that are named alike


def known_by_its_head(path: Path) -> str | None:
    """The kind of a backup that is no tar, also inside gzip; None for all that has to be read as one."""
    with path.open("rb") as file:
        head = file.read(_HEAD)
        if head[:2] == b"\x1f\x8b":
            file.seek(0)
            head = _inflated_head(file)
    if head.startswith(_DUMP) or (head.startswith(b"--") and b"PostgreSQL database" in head):
        return POSTGRESQL
    return RAFT_DIRECTORY if head[16:20] == _BOLT else None


def only_named(kind: str, size: int) -> ArchiveReport:
    """Of a kind that is not looked into."""
    return ArchiveReport(kind, None, size, None, None, None, None, {})


@dataclass
class StoredFiles:
    """The members of a tar that is no snapshot, as far as their names say what it is."""

    first: str = ""
    names: set[str] = field(default_factory=set)  # of those that tell a kind
    keyring: str | None = None  # the folder in which the root's keyring lies
    clear: dict[str, InClear] = field(default_factory=dict)  # by the folder of the store

    def take(self, member: Member) -> None:
        """One file: its name, and its content where that is in clear."""
        self.first = self.first or member.name
        folder, slash, name = member.name.rpartition("/")
        if name in _RAFT_FILES | _POSTGRESQL_FILES:
            self.names.add(name)
        elif member.name.endswith("/" + _KEYRING) or member.name == _KEYRING:
            self.keyring = _shallower(self.keyring, member.name.removesuffix(_KEYRING))
        elif slash and name.startswith("_"):
            self._entry(f"{folder}/{name[1:]}", member)

    def _entry(self, stored: str, member: Member) -> None:
        folder, name = _place(stored)
        if name and (folder in self.clear or len(self.clear) < _MOST_FOLDERS):
            value = _value(member) if member.size <= _ENTRY_LIMIT else b""
            self.clear.setdefault(folder, InClear()).take(name, value)

    def report(self, size: int) -> ArchiveReport:
        """Once all members were taken; Damaged when they are nothing known."""
        if self.keyring is not None:
            note = "a copy of file storage: it is restored by hand, without init, and carries no hashes to check"
            return self.clear.get(self.keyring, InClear()).report(FILE_STORAGE, size, None, {}, (note,))
        if self.names & _RAFT_FILES:
            return only_named(RAFT_DIRECTORY, size)
        if self.names & _POSTGRESQL_FILES:
            return only_named(POSTGRESQL, size)
        raise no_member(self.first)


def no_member(name: str) -> Damaged:
    """For a file that has no business in the archive."""
    return Damaged(text(name, 100), "is no member of a vault snapshot")


def _place(stored: str) -> tuple[str, str]:
    """The folder of the store, and the entry's name in it; no name where it is none that tells something."""
    for name in (BARRIER_KEYS, SEAL_CONFIG):
        if stored == name or stored.endswith(f"/{name}"):
            return stored.removesuffix(name), name
    folder, versions, version = stored.rpartition(VERSIONS)
    return folder, versions and versions + version


def _shallower(known: str | None, folder: str) -> str:
    """The root's own keyring lies above those of namespaces."""
    return folder if known is None or folder.count("/") < known.count("/") else known


def _value(member: Member) -> bytes:
    """What a file of file storage holds; empty where it is not in the known format."""
    value = document(b"".join(member.blocks)).get("Value")
    with contextlib.suppress(ValueError):
        return base64.b64decode(value, validate=True) if isinstance(value, str) else b""
    return b""


def _inflated_head(file: IO[bytes]) -> bytes:
    with contextlib.suppress(OSError, EOFError, zlib.error), GzipFile(fileobj=file) as inflated:
        return cast("IO[bytes]", inflated).read(_HEAD)
    return b""
