"""What a vault backup says about itself, read offline, before any server is touched.

A raft snapshot is a gzipped tar of `meta.json`, `state.bin`, `SHA256SUMS` and mostly `SHA256SUMS.sealed`
.  Anyone can check its integrity; authenticity needs the keys.  In clear it also tells
what it needs: the seal's type, shares and threshold, and the KMS key.

Reading is streamed: a state of many GB is hashed block by block, and looked into only until both entries are found.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from runbook.engine.errors import LayerFailed, NoVerdict
from runbook.estate.answers import mapping, number, optional, text
from runbook.estate.ports import ArchiveReport
from runbook.estate.vault_archive import Damaged, Member, members
from runbook.estate.vault_state import BARRIER_KEYS, SEAL_CONFIG, StateReader, key_id
from runbook.safety.outside_text import outside_text

RAFT: Final = "raft-snapshot"
CONSUL: Final = "consul-snapshot"
FILE_STORAGE: Final = "file-storage"

META, STATE, SUMS, SEALED = "meta.json", "state.bin", "SHA256SUMS", "SHA256SUMS.sealed"
_FAMILY: Final = frozenset({META, STATE, SUMS, SEALED})
_SMALL: Final = 8192  # what the reading library of the server allows for all members but the state
_SUM_LINE: Final = re.compile(r"([0-9a-f]{64})  (\S+)")


def inspect(path: Path) -> ArchiveReport:
    """Read the whole archive; LayerFailed names the member that is damaged.  Blocking; memory stays bounded."""
    try:
        size = path.stat().st_size
        found = _Contents()
        for member in members(path):
            found.take(member)
        return found.report(size)
    except Damaged as damage:
        raise LayerFailed(
            f"the archive is damaged: {damage.member}: {damage.what}",
            fix="Download it again; if that does not help choose an older backup, with the reason.",
            source=f"offline inspection of {outside_text(path.name)}",
        ) from None
    except OSError as error:
        raise NoVerdict(
            f"the downloaded archive cannot be read: {outside_text(error.strerror)}",
            fix="Go back to vault.download.",
            source="this machine",
        ) from None


@dataclass
class _Contents:
    """What was seen so far."""

    digests: dict[str, str] = field(default_factory=dict)
    small: dict[str, bytes] = field(default_factory=dict)
    state: StateReader = field(default_factory=StateReader)
    state_size: int = 0
    stored_file: str = ""  # the first member that lies in a folder: then it may be a copy of file storage
    keyring: bool = False

    def take(self, member: Member) -> None:
        """Hash one member, keep it if it is small and ours, look into the state."""
        if member.name not in _FAMILY and "/" in member.name and not self.digests:
            self.stored_file = self.stored_file or member.name
            self.keyring = self.keyring or member.name.endswith("core/_keyring")
            return
        if self.stored_file or member.name not in _FAMILY:
            raise _no_member(self.stored_file or member.name)
        if member.name in self.digests:
            raise Damaged(member.name, "is in the archive twice")
        if member.name != STATE and member.size > _SMALL:
            raise Damaged(member.name, f"has {member.size} bytes, more than {_SMALL}")
        self.digests[member.name] = self._hash(member)

    def _hash(self, member: Member) -> str:
        digest = hashlib.sha256()
        kept = b""
        for block in member.blocks:
            digest.update(block)
            if member.name == STATE:
                self.state.feed(block)
            else:
                kept += block
        if member.name == STATE:
            self.state_size = member.size
        else:
            self.small[member.name] = kept
        return digest.hexdigest()

    def report(self, size: int) -> ArchiveReport:
        """The findings, once all members were taken."""
        if self.keyring:
            note = "a copy of file storage: it is restored by hand, without init, and carries no hashes to check"
            return ArchiveReport(FILE_STORAGE, None, size, None, None, None, None, {}, (note,))
        if self.stored_file:
            raise _no_member(self.stored_file)
        for name in (META, STATE, SUMS):
            if name not in self.digests:
                raise Damaged(name, "is missing")
        meta = _meta(self.small[META], self.state_size)
        _compare(self.small[SUMS], self.digests)
        kind = RAFT if meta.get("ID") == "bolt-snapshot" else CONSUL
        return self._judged(kind, meta, size)

    def _judged(self, kind: str, meta: Mapping[str, Any], size: int) -> ArchiveReport:
        seal = _document(self.state.found.get(SEAL_CONFIG, b""))
        return ArchiveReport(
            kind=kind,
            raft_index=number(meta.get("Index")),
            size=size,
            seal_type=optional(seal.get("type")),
            shares=number(seal.get("secret_shares")) or None,
            threshold=number(seal.get("secret_threshold")) or None,
            kms_key=key_id(self.state.found.get(BARRIER_KEYS, b"")),
            members=dict(self.digests),
            problems=tuple(self._problems(meta, seal)),
        )

    def _problems(self, meta: Mapping[str, Any], seal: Mapping[str, Any]) -> Iterator[str]:
        if SEALED not in self.digests:
            yield "it has no sealed hashes: only a forced restore takes it, and nothing proves who made it"
        if meta.get("Version") != 1:
            yield f"its format version is {text(meta.get('Version'), 20)}; 1 is known"
        if not optional(seal.get("type")):
            yield "its seal configuration was not found: what it needs to be unsealed is not known"


def _meta(raw: bytes, state_size: int) -> Mapping[str, Any]:
    meta = _document(raw)
    if not meta:
        raise Damaged(META, "is not readable")
    if meta.get("Size") != state_size:
        raise Damaged(META, f"says that {STATE} has {text(meta.get('Size'), 20)} bytes, it has {state_size}")
    return meta


def _compare(sums: bytes, digests: Mapping[str, str]) -> None:
    """Every line must hold, and both members must have one."""
    lines = sums.decode("utf-8", "replace").splitlines()
    matches = [_SUM_LINE.fullmatch(line) for line in lines]
    stated = {match[2]: match[1] for match in matches if match}
    if len(stated) != len(lines) or stated.keys() != {META, STATE}:
        raise Damaged(SUMS, "is not the list of hashes that it should be")
    for name, digest in stated.items():
        if digests[name] != digest:
            raise Damaged(name, f"its SHA-256 is {digests[name][:12]}…, {SUMS} says {digest[:12]}…")


def _no_member(name: str) -> Damaged:
    return Damaged(text(name, 100), "is no member of a vault snapshot")


def _document(raw: bytes) -> Mapping[str, Any]:
    """The JSON object, or an empty one."""
    try:
        return mapping(json.loads(raw))
    except (ValueError, RecursionError):
        return {}
