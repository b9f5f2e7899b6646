"""Vault backups and the vault server."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol

from runbook.engine.ports import Permit, Secret
from runbook.estate.ports.cloud import Progress


@dataclass(frozen=True, slots=True)
class SealStatus:
    initialised: bool
    sealed: bool
    seal_type: str
    threshold: int
    shares: int
    progress: int
    nonce: str
    version: str
    storage: str
    cluster_id: str | None = None
    recovery_seal: bool = False
    migration: bool = False  # a seal migration is pending
    product: str = ""  # openbao or vault, by what only one of them says; "" = it does not show


HEALTH: Mapping[int, str] = {
    200: "active",
    429: "open, but not active: a standby, or its set-up after the unsealing failed (an audit device, most likely)",
    472: "the secondary of a disaster recovery pair: it answers nothing until it is promoted",
    473: "a performance standby, not the active node",
    474: "a standby that cannot reach the active node",
    501: "not initialised",
    503: "SEALED",
    530: "removed from its cluster: it will not answer again until it is set up anew",
}
"""What `sys/health` says by its status; 472, 473, 474 and 530 are HashiCorp Vault's alone."""


@dataclass(frozen=True, slots=True)
class VaultHealth:
    status: int
    cluster_id: str | None
    server_time: datetime | None

    @property
    def meaning(self) -> str:
        """The status in words; "" for one that no vault gives."""
        return HEALTH.get(self.status, "")


@dataclass(frozen=True, slots=True)
class ThrowAway:
    """Keys and root token of a fresh cluster; in memory only, dead after the restore."""

    keys: tuple[Secret, ...]
    root_token: Secret


@dataclass(frozen=True, slots=True)
class TransitKey:
    name: str
    versions: tuple[int, ...]
    latest: int
    min_decryption: int


class Undecryptable(Exception):
    """Raised by `Vault.decrypt`; `reason` is one of: sealed, authentication, unknown-key, version-too-new,
    version-too-old, malformed, other; `text` is the server's cleaned answer, `status` its HTTP status."""

    def __init__(self, reason: str, status: int, text: str) -> None:
        super().__init__(text)
        self.reason = reason
        self.status = status
        self.text = text


_WRONG_SHARES: Mapping[str, tuple[str, str]] = {
    "set": (
        "one of these shares is wrong, which one is not told, or they are another cluster's; progress is back to 0",
        "Enter all of them again. A backup of before a rekey takes the shares of that time.",
    ),
    "duplicate": (
        "two of these shares are the same custodian's: progress is back to 0",
        "Enter all of them again, each custodian's share once.",
    ),
    "length": (
        "these shares are not of the same length, so they are not of one set: progress is back to 0",
        "Enter all of them again; look for one that was cut off or is another vault's.",
    ),
    "stale": (
        "the server still counts as before the restore, and takes a single share for the whole key",
        "Restart the vault server: it then shows the backup's own threshold. Then enter the shares again.",
    ),
    "recovery": (
        "this server is unsealed by its seal key (KMS), not by shares: recovery keys authorise, they do not unseal",
        (
            "Give the server the seal key that the backup was made under, with the right to decrypt, and restart it; "
            "for a backup made under shares take its seal stanza out."
        ),
    ),
}


class WrongShares(Exception):
    """Raised by `Vault.unseal`: the threshold was reached with a set that opens nothing; `text` as the server said.

    `reason`: set (one of them is wrong, which is not told), duplicate (two with the same x byte), length (not all as
    long), stale (the server shows another threshold than the restored vault has: restart it), recovery (recovery keys
    or shares for a seal that takes none).  `sentence` and `fix` say it to the operator.
    """

    def __init__(self, text: str, reason: str = "set") -> None:
        super().__init__(text)
        self.text = text
        self.reason = reason
        self.sentence, self.fix = _WRONG_SHARES.get(reason, _WRONG_SHARES["set"])


@dataclass(frozen=True, slots=True)
class StaticRole:
    """A database account whose password the vault rotates; `rotated` None = never, or not told."""

    name: str
    rotated: datetime | None


@dataclass(frozen=True, slots=True)
class ArchiveReport:
    """What a vault backup is and needs, read offline without any key; None where it does not say.

    `kind` is raft-snapshot, consul-snapshot or file-storage; `size` the archive's bytes, `members` name → SHA-256;
    `problems` are sentences about what a restore should know and that damage nothing.
    """

    kind: str
    raft_index: int | None
    size: int
    seal_type: str | None
    shares: int | None
    threshold: int | None
    kms_key: str | None
    members: Mapping[str, str]
    problems: tuple[str, ...] = ()
    versions: tuple[str, ...] = ()  # of the server that wrote it, where the names of its entries tell; oldest first


@dataclass(frozen=True, slots=True)
class ArchiveProof:
    """What shares showed of an archive, offline: they open it, and nobody changed it since it was sealed.

    `transit_keys` name → versions that it holds; `authentic` None: it has no sealed hashes that could vouch for it.
    """

    cluster_id: str | None
    mounts: tuple[str, ...]
    transit_keys: Mapping[str, tuple[int, ...]]
    authentic: bool | None = True


class WrongArchiveShares(Exception):
    """Raised by `Archives.prove`: these shares do not open this archive."""


class Archives(Protocol):
    """Reads a vault backup before any server is touched."""

    async def inspect(self, path: Path) -> ArchiveReport:
        """LayerFailed, naming the member where it can be, when the archive is damaged."""
        ...

    async def prove(self, path: Path, shares: tuple[Secret, ...], *, transit_mount: str) -> ArchiveProof:
        """Open a Shamir-sealed raft snapshot with `threshold` shares, in this machine's memory, and look inside.

        WrongArchiveShares when they do not open it; LayerFailed when they do, and SHA256SUMS.sealed does not vouch
        for SHA256SUMS.  What was combined is wiped before it returns.
        """
        ...


class Vault(Protocol):
    """The target server; the token of a login is kept inside the adapter, in memory."""

    async def seal_status(self) -> SealStatus: ...
    async def health(self) -> VaultHealth: ...
    async def fingerprint(self) -> str:
        """SHA-256 of the certificate the server shows (`sha256:…`)."""
        ...

    async def initialise(self, permit: Permit, *, shares: int, threshold: int) -> ThrowAway: ...
    async def unseal(self, permit: Permit, share: Secret) -> SealStatus:
        """One share; raises WrongShares when the completed set is refused (progress is then 0)."""
        ...

    async def reset_unseal(self, permit: Permit) -> SealStatus: ...
    async def restore(self, permit: Permit, archive: Path, *, token: Secret, force: bool, progress: Progress) -> None:
        """Send the archive; the 204 that answers proves nothing: the server works on it afterwards."""
        ...

    async def login(self, permit: Permit, *, role_id: Secret, secret_id: Secret, mount: str) -> str:
        """AppRole; keeps the token, answers its accessor-free display name (role name)."""
        ...

    async def token_works(self, token: Secret) -> bool:
        """lookup-self with that token: False on 403."""
        ...

    @property
    def signed_in(self) -> bool: ...
    async def mounts(self) -> tuple[str, ...]: ...
    async def transit_key(self, mount: str, name: str) -> TransitKey | None: ...
    async def decrypt(self, mount: str, key: str, ciphertext: str, *, token: Secret | None = None) -> Secret:
        """Plaintext (decoded), or Undecryptable.  Without a sign-in the call is still made (sealed → 503).

        `token` instead of the sign-in's own: what the throw-away cluster can read.
        """
        ...

    async def audit_devices(self) -> tuple[str, ...] | None:
        """Their paths; None when this sign-in may not list them."""
        ...

    async def irrevocable_leases(self) -> int | None:
        """Leases whose revocation was given up; None when this sign-in may not count them."""
        ...

    async def static_roles(self, mount: str) -> tuple[StaticRole, ...] | None:
        """Of a database engine; None when this sign-in may not read them."""
        ...

    async def database_url(self, mount: str, connection: str) -> str | None:
        """`connection_url` of a database engine's connection, without its password; None when there is none."""
        ...

    async def repoint(self, permit: Permit, mount: str, connection: str, url: str) -> None:
        """Set that `connection_url`; the server connects with it before it takes it."""
        ...

    async def sign_out(self, permit: Permit) -> None:
        """Revoke the adapter's own token; without one nothing happens."""
        ...
