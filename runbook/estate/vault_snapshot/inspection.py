"""What a vault backup says about itself, read offline, before any server is touched.

A raft snapshot is a gzipped tar of `meta.json`, `state.bin`, `SHA256SUMS` and mostly `SHA256SUMS.sealed`.  Anyone can
check its integrity; authenticity needs the keys (`proof`).  In clear it also tells what it needs: the seal's
type, shares and threshold, and the KMS key.

Reading is streamed: a state of many GB is hashed block by block, and looked into only as far as it tells something.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from runbook.engine.errors import LayerFailed
from runbook.estate.answers import number, text
from runbook.estate.ports import ArchiveReport
from runbook.estate.vault_snapshot.archive import Damaged, Member, members, unreadable
from runbook.estate.vault_snapshot.clear import InClear, document
from runbook.estate.vault_snapshot.other import StoredFiles, known_by_its_head, no_member, only_named
from runbook.estate.vault_snapshot.state import StateReader
from runbook.safety.outside_text import outside_text

RAFT: Final = "raft-snapshot"
CONSUL: Final = "consul-snapshot"

META, STATE, SUMS, SEALED = "meta.json", "state.bin", "SHA256SUMS", "SHA256SUMS.sealed"
_FAMILY: Final = frozenset({META, STATE, SUMS, SEALED})
_SMALL: Final = 8192  # what the reading library of the server allows for all members but the state
_SUM_LINE: Final = re.compile(rb"([0-9a-f]{64})  (meta\.json|state\.bin)\n")


def inspect(path: Path) -> ArchiveReport:
    """Read the whole archive; LayerFailed names the member that is damaged.  Blocking; memory stays bounded."""
    with reading(path):
        size = path.stat().st_size
        kind = known_by_its_head(path)
        return _inspected(path, size) if kind is None else only_named(kind, size)


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Says `Damaged` as LayerFailed, and a disk that cannot be read as NoVerdict."""
    try:
        yield
    except Damaged as damage:
        raise LayerFailed(
            f"the archive is damaged: {damage.member}: {damage.what}",
            fix="Download it again; if that does not help choose an older backup, with the reason.",
            source=f"offline inspection of {outside_text(path.name)}",
        ) from None
    except OSError as error:
        raise unreadable(error) from None


@dataclass
class Snapshot:
    """The members of a snapshot, taken in any order; `state` is fed with state.bin."""

    state: StateReader
    digests: dict[str, str] = field(default_factory=dict)
    small: dict[str, bytes] = field(default_factory=dict)
    state_size: int = 0

    def take(self, member: Member) -> None:
        """Hash one member, keep it if it is small, look into the state; Damaged when it should not be there."""
        if member.name not in _FAMILY:
            raise no_member(member.name)
        if member.name in self.digests:
            raise Damaged(member.name, "is in the archive twice")
        if member.name == STATE:
            self.state_size = member.size
        elif member.size > _SMALL:
            raise Damaged(member.name, f"has {member.size} bytes, more than {_SMALL}")
        self.digests[member.name] = self._hash(member)

    def _hash(self, member: Member) -> str:
        digest = hashlib.sha256()
        for block in member.blocks:
            digest.update(block)
            if member.name == STATE:
                self.state.feed(block)
            else:
                self.small[member.name] = block
        return digest.hexdigest()

    def checked(self) -> Mapping[str, Any]:
        """meta.json, once all members were taken and are what SHA256SUMS says; else Damaged."""
        for name in (META, STATE, SUMS):
            if name not in self.digests:
                raise Damaged(name, "is missing")
        meta = _meta(self.small.get(META, b""), self.state_size)
        _compare(self.small.get(SUMS, b""), self.digests)
        return meta


def _inspected(path: Path, size: int) -> ArchiveReport:
    clear, files = InClear(), StoredFiles()
    snapshot = Snapshot(StateReader(clear.prefixes, clear.take, clear.enough))
    for member in members(path):
        if snapshot.digests or (member.name in _FAMILY and not files.first):
            snapshot.take(member)
        elif member.name in _FAMILY:
            raise no_member(files.first)
        else:
            files.take(member)
    if files.first:
        return files.report(size)
    meta = snapshot.checked()
    kind = RAFT if meta.get("ID") == "bolt-snapshot" else CONSUL
    return clear.report(kind, size, number(meta.get("Index")), dict(snapshot.digests), tuple(_problems(snapshot, meta)))


def _problems(snapshot: Snapshot, meta: Mapping[str, Any]) -> Iterator[str]:
    if SEALED not in snapshot.digests:
        yield "it has no sealed hashes: only a forced restore takes it, and nothing proves who made it"
    if meta.get("Version") != 1:
        yield f"its format version is {text(meta.get('Version'), 20)}; 1 is known"


def _meta(raw: bytes, state_size: int) -> Mapping[str, Any]:
    meta = document(raw)
    if not meta:
        raise Damaged(META, "is not readable")
    if meta.get("Size") != state_size:
        raise Damaged(META, f"says that {STATE} has {text(meta.get('Size'), 20)} bytes, it has {state_size}")
    return meta


def listed(sums: bytes) -> Mapping[str, str] | None:
    """Name → SHA-256 of META and STATE, as a list of hashes states them; None when it is no such list.

    In either order: a server walks a Go map for each list that it writes, so that the sealed one of a sound snapshot
    may be ordered differently (hashicorp/raft-snapshot, `hashList.Encode`).
    """
    stated = {name.decode(): digest.decode() for digest, name in _SUM_LINE.findall(sums)}
    lines = b"".join(match[0] for match in _SUM_LINE.finditer(sums))
    known = lines == sums and sums.count(b"\n") == 2 and stated.keys() == {META, STATE}
    return stated if known else None


def _compare(sums: bytes, digests: Mapping[str, str]) -> None:
    """Both members have their line, byte for byte as the server writes it, and there is nothing else."""
    stated = listed(sums)
    if stated is None:
        raise Damaged(SUMS, "is not the list of hashes that it should be")
    for name, digest in stated.items():
        if digests[name] != digest:
            raise Damaged(name, f"its SHA-256 is {digests[name][:12]}…, {SUMS} says {digest[:12]}…")
