"""Production's vault: founded, furnished, and backed up by real raft snapshots."""

from __future__ import annotations

import base64
import hashlib
import itertools
import secrets
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from runbook.training.servers.openbao import AUDITED, Bao
from runbook.training.servers.waiting import until

TRANSIT_KEY = "patient-notes"
MOUNTS = ("database", "secret", "transit")
CONNECTION = "clinic"
DATABASE_ROLE = "app-read"
SHARES, THRESHOLD = 5, 3
CUSTODIANS = (
    "Amara Okafor (CTO)",
    "Tomos Pryce (lead engineer)",
    "Ines Calloway (operations)",
    "Ravi Sandhu (information security)",
    "Greta Lindqvist (clinical safety)",
)
_BATCH = 400  # OpenBao refuses a JSON body of more than 1000 strings ("exceeded maximum number of strings")

# `sudo` on exactly `sys/audit` lists the audit devices and no more: they would be made below it, if at all by the API.
_POLICIES = {
    "drill": f"""
path "transit/decrypt/{TRANSIT_KEY}" {{ capabilities = ["update"] }}
path "transit/keys/{TRANSIT_KEY}" {{ capabilities = ["read"] }}
path "sys/mounts" {{ capabilities = ["read"] }}
path "sys/audit" {{ capabilities = ["read", "sudo"] }}
path "sys/leases/count" {{ capabilities = ["read"] }}
path "database/config/{CONNECTION}" {{ capabilities = ["read", "update"] }}
path "database/static-roles/*" {{ capabilities = ["read", "list"] }}
path "database/static-roles" {{ capabilities = ["list"] }}
path "auth/token/lookup-self" {{ capabilities = ["read"] }}
path "auth/token/revoke-self" {{ capabilities = ["update"] }}
""",
    "app": f"""
path "transit/encrypt/{TRANSIT_KEY}" {{ capabilities = ["update"] }}
path "transit/decrypt/{TRANSIT_KEY}" {{ capabilities = ["update"] }}
""",
}


@dataclass(frozen=True, slots=True)
class Role:
    """An AppRole's two halves; they live in the snapshot, so they work in the restored vault."""

    role_id: str = field(repr=False)
    secret_id: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class VaultArchive:
    """One saved raft snapshot; `sha256` is of the file as it was made, whatever happens to it later."""

    file: Path
    sha256: str
    made_at: datetime

    @classmethod
    def of(cls, file: Path, made_at: datetime) -> VaultArchive:
        """The archive in that file, hashed now."""
        return cls(file, hashlib.sha256(file.read_bytes()).hexdigest(), made_at)


class ProductionVault:
    """The vault that made the backups; the root token and the shares are in this process's memory only."""

    def __init__(self, bao: Bao) -> None:
        self.bao = bao
        self.shares: tuple[str, ...] = ()  # of an auto-unseal vault: its recovery keys, which open nothing
        self.old_shares: tuple[str, ...] = ()  # before the last rekey: they open the backups of before
        self.cluster_id = ""
        self.roles: dict[str, Role] = {}
        self._token = ""

    def found(self) -> None:
        """Initialise, unseal, and set up what a clinic's vault holds."""
        kind = "recovery" if "seal" in self.bao.extra else "secret"
        wanted = {f"{kind}_shares": SHARES, f"{kind}_threshold": THRESHOLD}
        made = self.bao.call("PUT", "sys/init", wanted)
        self._token = made["root_token"]
        if kind == "secret":
            self.shares = tuple(made["keys_base64"])
            for share in self.shares[:THRESHOLD]:
                self.bao.call("PUT", "sys/unseal", {"key": share})
        else:
            self.shares = tuple(made["recovery_keys_base64"])
        self.old_shares = self.shares
        self._until_active()
        self.cluster_id = self.bao.call("GET", "sys/health")["cluster_id"]
        self._furnish()

    def rekey(self) -> None:
        """New shares for the same root key: backups that were made before are still opened by the old ones only."""
        wanted = {"secret_shares": SHARES, "secret_threshold": THRESHOLD}
        begun = self._call("PUT", "sys/rotate/root/init", wanted)["data"]
        for share in self.shares[:THRESHOLD]:
            done = self._call("PUT", "sys/rotate/root/update", {"key": share, "nonce": begun["nonce"]})["data"]
        self.old_shares, self.shares = self.shares, tuple(done["keys_base64"])

    def connect_database(self, url: str, user: str, password: str, group: str) -> None:
        """The database engine, leading to production's database: what a restore has to point elsewhere.

        The server connects at once.  The logins that it makes are in `group`.  There is no static role: the vault would
        change its password in production, and so would every restored copy that gets there.
        """
        self._call("POST", "sys/mounts/database", {"type": "database"})
        connection = {
            "plugin_name": "postgresql-database-plugin",
            "connection_url": url,
            "username": user,
            "password": password,
            "allowed_roles": [DATABASE_ROLE],
        }
        self._call("POST", f"database/config/{CONNECTION}", connection)
        create = "create role \"{{name}}\" login password '{{password}}' valid until '{{expiration}}' "
        role = {
            "db_name": CONNECTION,
            "creation_statements": [f"{create}in role {group};"],
            "default_ttl": "1h",
            "max_ttl": "4h",
        }
        self._call("POST", f"database/roles/{DATABASE_ROLE}", role)

    def audit(self) -> None:
        """From now on what it does is recorded; only now, since encrypting all notes would take a second longer."""
        self.bao.configure({**self.bao.extra, **AUDITED})
        self.bao.reload()
        until(lambda: bool(self._call("GET", "sys/audit")["data"]), self.bao.child)

    def _until_active(self) -> None:
        until(lambda: self.bao.health() == 200, self.bao.child)

    def _call(self, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        return self.bao.call(method, path, body, token=self._token)

    def _furnish(self) -> None:
        self._call("POST", "sys/mounts/transit", {"type": "transit"})
        self._call("POST", "sys/mounts/secret", {"type": "kv", "options": {"version": "2"}})
        self._call("POST", f"transit/keys/{TRANSIT_KEY}", {"type": "aes256-gcm96"})
        self._call("POST", "sys/auth/approle", {"type": "approle"})
        for name, policy in _POLICIES.items():
            self._call("PUT", f"sys/policies/acl/{name}", {"policy": policy})
            path = f"auth/approle/role/{name}"
            # No limit on the secret id: one with a TTL could be dead in the restored vault.
            self._call("POST", path, {"token_policies": [name], "token_ttl": "1h", "token_max_ttl": "4h"})
            role_id = self._call("GET", f"{path}/role-id")["data"]["role_id"]
            secret_id = self._call("POST", f"{path}/secret-id", {})["data"]["secret_id"]
            self.roles[name] = Role(role_id, secret_id)

    def encrypt(self, texts: Iterable[str]) -> Iterator[str]:
        """Transit ciphertexts of the texts, in their order."""
        for batch in _batches(texts, _BATCH):
            items = [{"plaintext": base64.b64encode(text.encode()).decode()} for text in batch]
            answer = self._call("POST", f"transit/encrypt/{TRANSIT_KEY}", {"batch_input": items})
            yield from (one["ciphertext"] for one in answer["data"]["batch_results"])

    def rotate(self) -> None:
        """A new version of the transit key: later ciphertexts cannot be read by a vault that does not know it."""
        self._call("POST", f"transit/keys/{TRANSIT_KEY}/rotate", {})

    def back_up(self, folder: Path, moments: Sequence[datetime]) -> tuple[VaultArchive, ...]:
        """One raft snapshot for each moment, in that order; between two of them something is written."""
        folder.mkdir(mode=0o700)
        archives = []
        for made_at in moments:
            self._call("PUT", "sys/policies/acl/backup-marker", {"policy": f"# backup of {made_at.isoformat()}"})
            file = folder / f"clinic-vault-{made_at:%Y%m%dT%H%M%SZ}.snap"
            self.bao.save_snapshot(self._token, file)
            archives.append(VaultArchive.of(file, made_at))
        return tuple(archives)


def foreign_share(shares: Sequence[str]) -> str:
    """A share that looks right (33 bytes, an x of its own) and belongs to no set of ours."""
    taken = {base64.b64decode(share)[-1] for share in shares}
    x = next(number for number in range(1, 256) if number not in taken)
    return base64.b64encode(secrets.token_bytes(32) + bytes([x])).decode()


def _batches(texts: Iterable[str], size: int) -> Iterator[list[str]]:
    left = iter(texts)
    while batch := list(itertools.islice(left, size)):
        yield batch
