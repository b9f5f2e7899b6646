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


@dataclass(frozen=True, slots=True)
class VaultHealth:
    status: int  # 200 active, 429 standby or broken, 501 uninitialised, 503 sealed
    cluster_id: str | None
    server_time: datetime | None


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


class WrongShares(Exception):
    """Raised by `Vault.unseal`: the threshold was reached with a set that opens nothing; `text` as the server said."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text


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


class Archives(Protocol):
    """Reads a vault backup before any server is touched."""

    async def inspect(self, path: Path) -> ArchiveReport:
        """LayerFailed, naming the member where it can be, when the archive is damaged."""
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
    async def decrypt(self, mount: str, key: str, ciphertext: str) -> Secret:
        """Plaintext (decoded), or Undecryptable.  Without a sign-in the call is still made (sealed → 503)."""
        ...

    async def sign_out(self, permit: Permit) -> None:
        """Revoke the adapter's own token; without one nothing happens."""
        ...
