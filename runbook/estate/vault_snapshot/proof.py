"""With enough shares in hand: that they open this snapshot, who vouches for it, and which keys it holds.

Everything happens in this process; nothing is sent, and nothing decrypted is kept.  The archive is read twice, block by
block: for its hashes and the barrier's own entries, then for the keys of one transit engine.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from runbook.engine.errors import NoVerdict
from runbook.engine.ports import Secret
from runbook.estate.answers import listing, mapping, number, optional, text
from runbook.estate.ports import ArchiveProof, WrongArchiveShares
from runbook.estate.share_text import share_bytes
from runbook.estate.vault_snapshot.archive import Damaged, members
from runbook.estate.vault_snapshot.barrier import (
    CLUSTER,
    KEYRING,
    Keyring,
    Unknown,
    Unopened,
    open_blob,
    root_key,
    wipe,
)
from runbook.estate.vault_snapshot.clear import document
from runbook.estate.vault_snapshot.inspection import SEALED, STATE, SUMS, Snapshot, listed, reading
from runbook.estate.vault_snapshot.shamir import combine
from runbook.estate.vault_snapshot.state import BARRIER_KEYS, SEAL_CONFIG, StateReader
from runbook.safety.outside_text import outside_text

_MOUNTS: Final = ("core/mounts", "core/local-mounts")  # one table each, or since OpenBao 2.3 an entry for each engine
_KEPT_LIMIT: Final = 32 << 20
_ROOT: Final = frozenset({"", "root"})  # the namespace that has no name of its own


def prove(path: Path, shares: Sequence[Secret], *, transit_mount: str) -> ArchiveProof:
    """As `ports.Archives.prove` says.  Blocking; memory stays bounded.

    NoVerdict when the archive is not one that shares open, or holds something in a form that is not known here.
    """
    with reading(path), ExitStack() as kept:
        archive = _Sealed()
        archive.read(path)
        key = _combined(shares, archive)
        kept.callback(wipe, key)
        keyring = _keyring(key, archive, kept)
        authentic = _vouched(key, archive.snapshot)
        try:
            return _inside(path, archive, keyring, transit_mount, authentic)
        except Unopened:
            raise Damaged(STATE, "holds an entry that its own keys do not open") from None
        except Unknown as what:
            raise _unknown(what) from None


@dataclass
class _Sealed:
    """What the first pass found: the barrier's entries, still encrypted."""

    entries: dict[str, bytes] = field(default_factory=dict)
    size: int = 0
    snapshot: Snapshot = field(init=False)

    def __post_init__(self) -> None:
        wanted = (BARRIER_KEYS, SEAL_CONFIG, KEYRING, CLUSTER, *_MOUNTS)
        self.snapshot = Snapshot(StateReader(wanted, self._take, self._enough))

    def _take(self, key: str, value: bytes) -> None:
        self.size += len(value)
        if self.size > _KEPT_LIMIT:
            raise Damaged(STATE, "has tables of impossible size")
        self.entries[key] = value

    def _enough(self) -> bool:
        return self.entries.keys() >= {BARRIER_KEYS, SEAL_CONFIG, KEYRING}

    def read(self, path: Path) -> None:
        """The whole archive; Damaged when it is not what it should be, NoVerdict when shares open no such archive."""
        for member in members(path):
            self.snapshot.take(member)
        self.snapshot.checked()
        kind = optional(self.seal.get("type"))
        if kind != "shamir" or not self._enough():
            raise NoVerdict(
                f"the archive is not one that shares open: its seal is {kind or 'not known'}",
                fix="Go on without the proof.",
                source="core/seal-config in the archive",
            )

    @property
    def seal(self) -> Mapping[str, Any]:
        """Its configuration, which is in clear."""
        return document(self.entries.get(SEAL_CONFIG, b""))


def _combined(shares: Sequence[Secret], archive: _Sealed) -> bytearray:
    """The key-encryption key that these shares make; with a single share that is the key itself."""
    with ExitStack() as kept:
        parts = [bytearray(share_bytes(share.reveal()) or b"") for share in shares]
        for part in parts:
            kept.callback(wipe, part)
        if number(archive.seal.get("secret_shares")) == 1:
            return bytearray(parts[0] if parts else b"")
        try:
            return combine(parts)
        except ValueError:
            raise WrongArchiveShares("these are not shares of one set") from None


def _keyring(key: bytearray, archive: _Sealed, kept: ExitStack) -> Keyring:
    try:
        root = root_key(key, archive.entries[BARRIER_KEYS])
    except Unopened:
        raise WrongArchiveShares("these shares do not open this archive") from None
    except Unknown as what:
        raise _unknown(what) from None
    kept.callback(wipe, root)
    try:
        keyring = Keyring(root, archive.entries[KEYRING])
    except Unopened:
        raise Damaged(STATE, f"its {KEYRING} is not opened by its own root key") from None
    except Unknown as what:
        raise _unknown(what) from None
    kept.callback(keyring.wipe)
    return keyring


def _vouched(key: bytearray, snapshot: Snapshot) -> bool | None:
    """True when the sealed hashes are the members'; None when there are none; Damaged when they differ."""
    if SEALED not in snapshot.digests:
        return None
    try:
        hashes = open_blob(key, snapshot.small.get(SEALED, b""))
    except Unopened:
        hashes = bytearray()
    if listed(bytes(hashes)) != listed(snapshot.small[SUMS]):
        raise Damaged(SEALED, f"does not vouch for {SUMS}: one of them was changed since the vault wrote them")
    return True


def _inside(path: Path, archive: _Sealed, keyring: Keyring, transit: str, authentic: bool | None) -> ArchiveProof:  # noqa: FBT001 - a finding, not a switch
    mounts = _mounts(archive.entries, keyring)
    engine = mounts.get(transit.strip("/"), {})
    is_transit = engine.get("type") == "transit" and isinstance(engine.get("uuid"), str)
    cluster = keyring.document(CLUSTER, archive.entries[CLUSTER]) if CLUSTER in archive.entries else {}
    return ArchiveProof(
        cluster_id=optional(cluster.get("id")),
        mounts=tuple(sorted(text(name, 200) for name in mounts)),
        transit_keys=_transit_keys(path, keyring, f"logical/{engine['uuid']}/policy/") if is_transit else {},
        authentic=authentic,
    )


def _mounts(entries: Mapping[str, bytes], keyring: Keyring) -> Mapping[str, Mapping[str, Any]]:
    """The root namespace's engines by path, without the slash at its end."""
    found = {}
    for key, value in entries.items():
        if key in _MOUNTS or key.startswith(tuple(f"{table}/" for table in _MOUNTS)):
            table = keyring.document(key, value)
            for engine in map(mapping, listing(table.get("entries")) if "entries" in table else (table,)):
                if engine.get("namespace_id", "") in _ROOT and isinstance(engine.get("path"), str):
                    found[engine["path"].strip("/")] = engine
    return found


def _transit_keys(path: Path, keyring: Keyring, folder: str) -> Mapping[str, tuple[int, ...]]:
    """Name → versions, of the policies in that folder; versions that were archived are not in a policy."""
    found: dict[str, tuple[int, ...]] = {}

    def take(key: str, value: bytes) -> None:
        name = key.removeprefix(folder)
        if name and "/" not in name:
            versions = mapping(keyring.document(key, value).get("keys"))
            found[outside_text(name, 200)] = tuple(sorted(int(each) for each in versions if each.isdecimal()))

    state = StateReader((folder,), take, lambda: False)
    for member in members(path):
        if member.name == STATE:
            for block in member.blocks:
                state.feed(block)
    return dict(sorted(found.items()))


def _unknown(what: Unknown) -> NoVerdict:
    return NoVerdict(
        f"the archive was opened, and {what} in it is in a form that is not known here",
        fix="Go on without the proof: the vault itself will say after the restore.",
        source="offline, on this machine",
    )
