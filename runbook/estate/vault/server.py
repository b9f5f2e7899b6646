"""Vault and OpenBao: the target server, from uninitialised to decrypting.

A permit's target is the server's address as configured (`[vault] address`), for each of the operations.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any

from runbook.config import Vault
from runbook.engine.ports import Permit, Secret
from runbook.estate.answers import mapping, optional
from runbook.estate.door import Door
from runbook.estate.ports import (
    Progress,
    SealStatus,
    StaticRole,
    ThrowAway,
    TransitKey,
    Undecryptable,
    VaultHealth,
)
from runbook.estate.ports.vault import HEALTH
from runbook.estate.vault import answers, engines, keys, refusals
from runbook.estate.vault.refusals import good
from runbook.estate.vault.upload import Counted, opened
from runbook.safety.interlock import Interlock

if TYPE_CHECKING:
    from runbook.estate.vault.answers import Answer
    from runbook.estate.vault.wire import Call, Wire


class VaultServer:
    """`Vault` on hvac.  The token of a login stays in here, in memory."""

    def __init__(self, config: Vault, interlock: Interlock, door: Door) -> None:
        self._config = config
        self._interlock = interlock
        self._door = door
        self._lock = Lock()
        self._wire: Wire | None = None
        self._token: Secret | None = None
        self._settling = False  # from a restore until a sign-in even status calls may hang for a while

    @property
    def signed_in(self) -> bool:
        return self._token is not None

    async def seal_status(self) -> SealStatus:
        answer = await self._status("GET /v1/sys/seal-status", lambda hvac: hvac.sys.read_seal_status())
        return answers.seal_status(good(answer).body)

    async def health(self) -> VaultHealth:
        """Any status that a vault gives is an answer; NoVerdict when there is none from a vault."""
        answer = await self._status("GET /v1/sys/health", lambda hvac: hvac.sys.read_health_status(method="GET"))
        return answers.health(answer if answer.status in HEALTH else good(answer))

    async def fingerprint(self) -> str:
        return await self._door(lambda: self._connect().fingerprint())

    async def initialise(self, permit: Permit, *, shares: int, threshold: int) -> ThrowAway:
        """On an auto-unseal server the keys are recovery keys: such a server takes no others."""
        seal = (await self.seal_status()).seal_type
        kind = "secret" if seal == "shamir" else "recovery"
        wanted = {f"{kind}_shares": shares, f"{kind}_threshold": threshold}
        async with self._permitted(permit, "vault:Initialise"):
            answer = await self._ask("PUT /v1/sys/init", lambda hvac: hvac.sys.initialize(**wanted), patient=True)
        body = good(answer).body
        keys = body.get("keys_base64") or body.get("recovery_keys_base64") or ()
        return ThrowAway(keys=tuple(Secret(key) for key in keys), root_token=Secret(str(body.get("root_token", ""))))

    async def unseal(self, permit: Permit, share: Secret) -> SealStatus:
        answer = await self._unseal(permit, lambda hvac: hvac.sys.submit_unseal_key(key=share.reveal()))
        if (wrong := keys.wrong_shares(answer)) is not None:
            raise wrong
        return answers.seal_status(good(answer).body)

    async def reset_unseal(self, permit: Permit) -> SealStatus:
        answer = await self._unseal(permit, lambda hvac: hvac.sys.submit_unseal_key(reset=True))
        if "vault is unsealed" in answer.text:
            return await self.seal_status()
        return answers.seal_status(good(answer).body)

    async def restore(self, permit: Permit, archive: Path, *, token: Secret, force: bool, progress: Progress) -> None:
        async with self._permitted(permit, "vault:Restore"):
            self._settling = True
            good(await self._door(self._send, archive, token, progress, force=force))

    async def login(self, permit: Permit, *, role_id: Secret, secret_id: Secret, mount: str) -> str:
        async with self._permitted(permit, "vault:Login"):
            answer = await self._ask(
                f"POST /v1/auth/{mount}/login",
                lambda hvac: hvac.auth.approle.login(
                    role_id.reveal(), secret_id.reveal(), use_token=False, mount_point=mount
                ),
            )
        auth = mapping(good(answer).body.get("auth"))
        token = str(auth.get("client_token") or "")
        if not token:
            raise refusals.no_token(answer)
        self._token = Secret(token)
        self._interlock.guard(self._token)
        self._settling = False
        name = optional(mapping(auth.get("metadata")).get("role_name")) or "unnamed role"
        return "; ".join(filter(None, (name, answers.strange_token(token, self._config.product))))

    async def token_works(self, token: Secret) -> bool:
        answer = await self._lookup(token)
        return False if answer.status == 403 else bool(good(answer))

    async def mounts(self) -> tuple[str, ...]:
        answer = await self._authenticated("GET /v1/sys/mounts", lambda hvac: hvac.sys.list_mounted_secrets_engines())
        return answers.paths(good(answer).body)

    async def transit_key(self, mount: str, name: str) -> TransitKey | None:
        answer = await self._authenticated(
            f"GET /v1/{mount}/keys/{name}", lambda hvac: hvac.secrets.transit.read_key(name, mount_point=mount)
        )
        return None if answer.status == 404 else answers.transit_key(good(answer).data, name)

    async def decrypt(self, mount: str, key: str, ciphertext: str, *, token: Secret | None = None) -> Secret:
        source = f"POST /v1/{mount}/decrypt/{key}"

        def call(hvac: Any) -> Any:
            return hvac.secrets.transit.decrypt_data(key, ciphertext, mount_point=mount)

        answer = await (self._authenticated(source, call) if token is None else self._ask(source, call, token=token))
        if (reason := keys.undecryptable(answer)) is not None:
            raise reason
        return _plaintext(good(answer))

    async def audit_devices(self) -> tuple[str, ...] | None:
        return await engines.audit_devices(self._allowed)

    async def irrevocable_leases(self) -> int | None:
        return await engines.irrevocable_leases(self._allowed)

    async def static_roles(self, mount: str) -> tuple[StaticRole, ...] | None:
        return await engines.static_roles(self._allowed, mount)

    async def database_url(self, mount: str, connection: str) -> str | None:
        answer = await self._authenticated(
            f"GET /v1/{mount}/config/{connection}",
            lambda hvac: hvac.secrets.database.read_connection(connection, mount_point=mount),
        )
        return engines.connection_url(answer)

    async def repoint(self, permit: Permit, mount: str, connection: str, url: str) -> None:
        """A partial update: what is not named stays as it was, user name and password among it."""
        body, path = engines.only_the_address(url), f"/v1/{mount}/config/{connection}"
        async with self._permitted(permit, "vault:Repoint"):
            answer = await self._authenticated(
                f"POST {path}", lambda hvac: hvac.adapter.post(path, json=body), patient=True
            )
        good(answer)

    async def sign_out(self, permit: Permit) -> None:
        """A token that is dead already is signed out as well."""
        if self._token is None:
            return
        async with self._permitted(permit, "vault:SignOut"):
            answer = await self._ask("POST /v1/auth/token/revoke-self", lambda hvac: hvac.auth.token.revoke_self())
        if answer.status != 403:
            good(answer)
        self._token = None

    @asynccontextmanager
    async def _permitted(self, permit: Permit, operation: str) -> AsyncIterator[None]:
        """While the interlock holds the permit; the server said which cluster it is before."""
        if self._interlock.asks_which_cluster(self._config.address):
            await self.seal_status()
        with self._interlock.holding(permit, operation, self._config.address):
            yield

    async def _status(self, source: str, call: Call) -> Answer:
        return await self._ask(source, call, token=Secret(""), patient=self._settling)

    async def _unseal(self, permit: Permit, call: Call) -> Answer:
        async with self._permitted(permit, "vault:Unseal"):
            return await self._ask("PUT /v1/sys/unseal", call, token=Secret(""), patient=True)

    async def _lookup(self, token: Secret) -> Answer:
        call = "GET /v1/auth/token/lookup-self"
        return await self._ask(call, lambda hvac: hvac.auth.token.lookup_self(), token=token)

    async def _authenticated(self, source: str, call: Call, *, patient: bool = False) -> Answer:
        """One call as the one who is signed in; SignedOut when nobody is, NoVerdict when they may not make it."""
        answer = await self._ask(source, call, patient=patient)
        if answer.status == 403:
            await self._must_be_alive(answer)
            raise refusals.forbidden(answer)
        return answer

    async def _allowed(self, source: str, call: Call) -> Answer | None:
        """As `_authenticated`, but None when the one who is signed in may not make it."""
        answer = await self._ask(source, call)
        if answer.status == 403:
            await self._must_be_alive(answer)
            return None
        return answer

    async def _must_be_alive(self, denied: Answer) -> None:
        """SignedOut when it was denied for want of a token that lives: a 403 alone does not tell (policies: `default`
        lets every token look itself up)."""
        token = self._token
        if token is not None and await self.token_works(token):
            return
        if token is self._token:
            self._token = None
        raise refusals.signed_out(denied)

    async def _ask(self, source: str, call: Call, *, token: Secret | None = None, patient: bool = False) -> Answer:
        """One call with `token`, else with the one of the login."""
        used = self._token if token is None else token
        return await self._door(lambda: self._connect().ask(source, call, token=used, patient=patient))

    def _send(self, archive: Path, token: Secret, progress: Progress, *, force: bool) -> Answer:
        with opened(archive) as file:
            body = Counted(file, progress)

            def call(hvac: Any) -> Any:
                raft = hvac.sys
                return raft.force_restore_raft_snapshot(body) if force else raft.restore_raft_snapshot(body)

            source = "POST /v1/sys/storage/raft/snapshot" + ("-force" if force else "")
            return self._connect().ask(source, call, token=token, patient=True)

    def _connect(self) -> Wire:
        """The wire, made at the first call: it loads hvac and requests."""
        from runbook.estate.vault.wire import Wire

        with self._lock:
            if self._wire is None:
                self._wire = Wire(self._config, self._interlock)
            return self._wire


def _plaintext(answer: Answer) -> Secret:
    """The server sends the plaintext in base64; what a record held is text, or it is not ours."""
    try:
        return Secret(base64.b64decode(str(answer.data.get("plaintext", "")), validate=True).decode("utf-8"))
    except (binascii.Error, UnicodeDecodeError):
        raise Undecryptable("malformed", answer.status, "the vault's plaintext is not text") from None
