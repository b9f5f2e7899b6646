"""`ports.Vault` over a `VaultServer`."""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Callable, Mapping
from pathlib import Path

from runbook.engine.errors import LayerFailed, NoVerdict, SignedOut
from runbook.engine.ports import Permit, Secret
from runbook.estate.memory.names import TRANSIT_KEY, VAULT_ADDRESS
from runbook.estate.memory.production import Cluster
from runbook.estate.memory.vault_server import VaultServer
from runbook.estate.memory.world import World
from runbook.estate.ports import (
    Progress,
    SealStatus,
    StaticRole,
    ThrowAway,
    TransitKey,
    Undecryptable,
    VaultHealth,
)

MOUNTS = ("cubbyhole", "identity", "secret", "sys", "transit")
_FRESH_MOUNTS = ("cubbyhole", "identity", "sys")
_CIPHERTEXT = re.compile(r"vault:v(\d+):([A-Za-z0-9+/]{38,}={0,2})")


class MemoryVault:
    """`ports.Vault`.  `archives` knows by SHA-256 which cluster each whole backup holds."""

    def __init__(
        self,
        world: World,
        server: VaultServer,
        credentials: Mapping[str, Secret],
        archives: Callable[[], Mapping[str, Cluster]],
    ) -> None:
        self._world = world
        self._server = server
        self._credentials = credentials
        self._archives = archives
        self._token: str | None = None
        self.audit: tuple[str, ...] | None = None
        self.irrevocable: int | None = 0
        self.roles: tuple[StaticRole, ...] | None = ()
        self.connections: dict[str, str] = {}

    async def seal_status(self) -> SealStatus:
        await self._world.ask("vault")
        return self._status()

    async def health(self) -> VaultHealth:
        await self._world.ask("vault")
        server = self._server
        status = 501 if server.cluster is None else 503 if server.sealed else 429 if server.broken else 200
        return VaultHealth(status, self._cluster_id(), self._world.now())

    async def fingerprint(self) -> str:
        await self._world.ask("vault")
        return "sha256:" + hashlib.sha256(VAULT_ADDRESS.encode()).hexdigest()

    async def initialise(self, permit: Permit, *, shares: int, threshold: int) -> ThrowAway:
        await self._world.change(permit, "vault:Initialise", VAULT_ADDRESS)
        keys, token = self._server.initialise(shares, threshold)
        return ThrowAway(tuple(Secret(key) for key in keys), Secret(token))

    async def unseal(self, permit: Permit, share: Secret) -> SealStatus:
        await self._world.change(permit, "vault:Unseal", VAULT_ADDRESS)
        self._server.submit(share.reveal())
        return self._status()

    async def reset_unseal(self, permit: Permit) -> SealStatus:
        await self._world.change(permit, "vault:Unseal", VAULT_ADDRESS)
        self._server.reset()
        return self._status()

    async def restore(self, permit: Permit, archive: Path, *, token: Secret, force: bool, progress: Progress) -> None:
        await self._world.change(permit, "vault:Restore", VAULT_ADDRESS)
        self._must_be_open()
        if token.reveal() not in self._server.tokens:
            raise NoVerdict("The vault refused the sign-in", provider_text="permission denied", source="vault")
        body = _read(archive)
        progress(0, len(body))
        restored = self._archives().get(hashlib.sha256(body).hexdigest())
        if restored is None:
            words = 'failed checking integrity of snapshot: hash check failed for "state.bin"'
            raise LayerFailed("The vault refused the archive", provider_text=words, source="vault")
        if not force and not self._server.auto:
            words = "could not verify hash file, possibly the snapshot is using a different set of unseal keys"
            raise LayerFailed("The archive was made with other unseal keys", provider_text=words, source="vault")
        progress(len(body), len(body))
        self._server.become(restored)

    async def login(self, permit: Permit, *, role_id: Secret, secret_id: Secret, mount: str) -> str:
        await self._world.change(permit, "vault:Login", VAULT_ADDRESS)
        self._must_be_open()
        known = self._credentials
        right = (role_id, secret_id, mount) == (known["vault-role-id"], known["vault-secret-id"], "approle")
        if not right or not self._restored():
            words = "invalid role or secret ID"
            raise LayerFailed("The vault knows no such role", provider_text=words, source="vault")
        self._token = f"s.{secrets.token_hex(12)}"
        self._server.tokens.add(self._token)
        return "drill"

    async def token_works(self, token: Secret) -> bool:
        await self._world.ask("vault")
        self._must_be_open()
        return token.reveal() in self._server.tokens

    @property
    def signed_in(self) -> bool:
        return self._token is not None

    async def mounts(self) -> tuple[str, ...]:
        await self._authenticated()
        return MOUNTS if self._restored() else _FRESH_MOUNTS

    async def transit_key(self, mount: str, name: str) -> TransitKey | None:
        await self._authenticated()
        if not self._restored() or (mount, name) != ("transit", TRANSIT_KEY):
            return None
        versions = self._versions()
        return TransitKey(name, versions, latest=versions[-1], min_decryption=1)

    async def decrypt(self, mount: str, key: str, ciphertext: str, *, token: Secret | None = None) -> Secret:
        await self._world.ask("vault")
        if not self._server.open or self._server.cluster is None:
            raise Undecryptable("sealed", 503, "Vault is sealed")
        if token is None:
            await self._authenticated()
        if not self._restored():
            raise Undecryptable("other", 404, 'no handler for route "transit/decrypt". route entry not found.')
        if mount != "transit" or key != TRANSIT_KEY:
            raise Undecryptable("unknown-key", 400, "encryption key not found")
        return Secret(self._plaintext(self._server.cluster, ciphertext))

    async def audit_devices(self) -> tuple[str, ...] | None:
        await self._authenticated()
        return self.audit

    async def irrevocable_leases(self) -> int | None:
        await self._authenticated()
        return self.irrevocable

    async def static_roles(self, mount: str) -> tuple[StaticRole, ...] | None:
        del mount
        await self._authenticated()
        return self.roles

    async def database_url(self, mount: str, connection: str) -> str | None:
        await self._authenticated()
        return self.connections.get(f"{mount}/{connection}")

    async def repoint(self, permit: Permit, mount: str, connection: str, url: str) -> None:
        await self._world.change(permit, "vault:Repoint", VAULT_ADDRESS)
        self._must_be_open()
        self.connections[f"{mount}/{connection}"] = url

    async def sign_out(self, permit: Permit) -> None:
        if self._token is None:
            return
        await self._world.change(permit, "vault:SignOut", VAULT_ADDRESS)
        self._server.tokens.discard(self._token)
        self._token = None

    @staticmethod
    def _plaintext(here: Cluster, ciphertext: str) -> str:
        shape = _CIPHERTEXT.fullmatch(ciphertext)
        if shape is None:
            raise Undecryptable("malformed", 400, "invalid ciphertext: no prefix")
        if int(shape[1]) > here.versions[-1]:
            raise Undecryptable("version-too-new", 400, "invalid ciphertext: version is too new")
        if ciphertext not in here.texts:
            raise Undecryptable("authentication", 400, "cipher: message authentication failed")
        return here.texts[ciphertext]

    async def _authenticated(self) -> None:
        await self._world.ask("vault")
        self._must_be_open()
        if self._token not in self._server.tokens:
            raise SignedOut("vault", "The vault refused the sign-in", provider_text="permission denied", source="vault")

    def _must_be_open(self) -> None:
        if not self._server.open:
            raise LayerFailed("The vault is sealed", provider_text="Vault is sealed", source="vault")

    def _versions(self) -> tuple[int, ...]:
        return self._server.cluster.versions if self._server.cluster is not None else ()

    def _restored(self) -> bool:
        return self._server.cluster is not None and self._server.cluster.restorable

    def _cluster_id(self) -> str | None:
        return self._server.cluster.id if self._server.open and self._server.cluster else None

    def _status(self) -> SealStatus:
        server = self._server
        return SealStatus(
            initialised=server.cluster is not None,
            sealed=not server.open,
            seal_type=server.seal_type,
            recovery_seal=server.auto,
            threshold=server.shown.threshold,
            shares=server.shown.shares,
            progress=len(server.entered),
            nonce=server.nonce,
            version="2.6.2",
            storage="raft",
            product="openbao",
            cluster_id=self._cluster_id(),
        )


def _read(archive: Path) -> bytes:
    return archive.read_bytes()
