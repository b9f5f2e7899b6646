"""The vault adapter and the offline inspector against two real OpenBao servers: one that made the backup, one fresh."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from runbook.engine.errors import LayerFailed, NoVerdict, Refused
from runbook.engine.ports import Permit, Secret
from runbook.estate.door import Door
from runbook.estate.ports import SealStatus, Undecryptable, WrongShares
from runbook.estate.vault.server import VaultServer
from runbook.estate.vault_snapshot.inspection import RAFT, inspect
from runbook.safety import bounds
from runbook.safety.interlock import Interlock
from runbook.training.certificates import Authority
from runbook.training.servers.openbao import Bao
from runbook.training.servers.waiting import Ports, until
from tests.estate.vault_lab import altered, settings

pytestmark = pytest.mark.estate

PLAINTEXT = "a synthetic note, ünïcode"


@dataclass(frozen=True)
class Production:
    """What is known of the server that made the backup."""

    shares: tuple[Secret, ...]
    cluster_id: str
    ciphertext: str
    role_id: Secret
    secret_id: Secret
    archive: Path


@dataclass(frozen=True)
class Target:
    bao: Bao
    vault: VaultServer
    interlock: Interlock

    def permit(self, operation: str) -> Permit:
        return Permit("run", "step", operation, self.bao.address)


@pytest.fixture(scope="module")
def authority(tmp_path_factory) -> Authority:
    return Authority(tmp_path_factory.mktemp("ca"))


@pytest.fixture(scope="module")
def production(tmp_path_factory, authority) -> Iterator[Production]:
    folder = tmp_path_factory.mktemp("production")
    bao = Bao("bao production", folder / "bao", authority, Ports())
    bao.start()
    try:
        yield _filled(bao, folder / "vault.snap")
    finally:
        bao.close()


def _filled(bao: Bao, archive: Path) -> Production:
    made = bao.call("PUT", "sys/init", {"secret_shares": 5, "secret_threshold": 3})
    token = made["root_token"]
    for share in made["keys_base64"][:3]:
        bao.call("PUT", "sys/unseal", {"key": share})
    until(lambda: bao.health() == 200, bao.child)
    bao.call("POST", "sys/mounts/transit", {"type": "transit"}, token=token)
    bao.call("POST", "transit/keys/notes", {}, token=token)
    plain = base64.b64encode(PLAINTEXT.encode()).decode()
    sealed = bao.call("POST", "transit/encrypt/notes", {"plaintext": plain}, token=token)["data"]["ciphertext"]
    rules = "\n".join(
        f'path "{path}" {{ capabilities = ["{what}"] }}'
        for path, what in (("transit/decrypt/notes", "update"), ("transit/keys/*", "read"), ("sys/mounts", "read"))
    )
    bao.call("PUT", "sys/policies/acl/drill", {"policy": rules}, token=token)
    bao.call("POST", "sys/auth/approle", {"type": "approle"}, token=token)
    bao.call("POST", "auth/approle/role/drill", {"token_policies": "drill", "token_ttl": "1h"}, token=token)
    role = bao.call("GET", "auth/approle/role/drill/role-id", token=token)["data"]["role_id"]
    secret = bao.call("POST", "auth/approle/role/drill/secret-id", {}, token=token)["data"]["secret_id"]
    bao.save_snapshot(token, archive)
    return Production(
        shares=tuple(Secret(share) for share in made["keys_base64"]),
        cluster_id=bao.call("GET", "sys/health")["cluster_id"],
        ciphertext=sealed,
        role_id=Secret(role),
        secret_id=Secret(secret),
        archive=archive,
    )


@pytest.fixture
def target(tmp_path, authority) -> Iterator[Target]:
    bao = Bao("bao staging", tmp_path / "bao", authority, Ports())
    bao.start()
    door, interlock = Door(), Interlock(bounds.practice())
    try:
        yield Target(bao, VaultServer(settings(bao.address, authority.ca_file), interlock, door), interlock)
    finally:
        door.close()
        bao.close()


async def _restored(target: Target, production: Production) -> SealStatus:
    """Initialise, unseal with the throw-away keys, force the archive in, wait for two equal sealed readings."""
    vault = target.vault
    thrown = await vault.initialise(target.permit("vault:Initialise"), shares=5, threshold=3)
    for key in thrown.keys[:3]:
        await vault.unseal(target.permit("vault:Unseal"), key)
    until(lambda: target.bao.health() == 200, target.bao.child)
    steps: list[tuple[int, int]] = []
    await vault.restore(
        target.permit("vault:Restore"),
        production.archive,
        token=thrown.root_token,
        force=True,
        progress=lambda done, total: steps.append((done, total)),
    )
    size = production.archive.stat().st_size
    assert steps[-1] == (size, size)
    async with asyncio.timeout(60):
        while not (await vault.seal_status()).sealed:  # noqa: ASYNC110 - another process seals itself
            await asyncio.sleep(0.1)
    target.bao.restart()
    return await vault.seal_status()


async def _unsealed(target: Target, production: Production) -> SealStatus:
    status = await _restored(target, production)
    for share in production.shares[1:4]:
        status = await target.vault.unseal(target.permit("vault:Unseal"), share)
    until(lambda: target.bao.health() == 200, target.bao.child)
    return status


async def test_a_fresh_server_becomes_the_restored_one(target, production):
    vault = target.vault
    assert (await vault.health()).status == 501
    status = await _unsealed(target, production)
    assert not status.sealed
    assert (await vault.health()).cluster_id == production.cluster_id
    name = await vault.login(
        target.permit("vault:Login"), role_id=production.role_id, secret_id=production.secret_id, mount="approle"
    )
    assert (name, vault.signed_in) == ("drill", True)
    assert "transit" in await vault.mounts()
    key = await vault.transit_key("transit", "notes")
    assert key is not None
    assert (key.versions, key.latest, key.min_decryption) == ((1,), 1, 1)
    assert await vault.transit_key("transit", "nosuch") is None
    assert (await vault.decrypt("transit", "notes", production.ciphertext)).reveal() == PLAINTEXT
    await vault.sign_out(target.permit("vault:SignOut"))
    assert not vault.signed_in


async def test_what_cannot_be_decrypted_says_why(target, production):
    vault = target.vault
    status = await _restored(target, production)
    assert (status.sealed, status.threshold, status.shares) == (True, 3, 5)
    with pytest.raises(Undecryptable) as sealed:
        await vault.decrypt("transit", "notes", production.ciphertext)
    assert (sealed.value.reason, sealed.value.status) == ("sealed", 503)
    for share in production.shares[:3]:
        await vault.unseal(target.permit("vault:Unseal"), share)
    until(lambda: target.bao.health() == 200, target.bao.child)
    await vault.login(
        target.permit("vault:Login"), role_id=production.role_id, secret_id=production.secret_id, mount="approle"
    )
    for ciphertext, reason in (
        (_damaged(production.ciphertext), "authentication"),
        (production.ciphertext.replace("v1", "v2"), "version-too-new"),
        ("nonsense", "malformed"),
        ("vault:v1:!!", "malformed"),
    ):
        with pytest.raises(Undecryptable) as said:
            await vault.decrypt("transit", "notes", ciphertext)
        assert (said.value.reason, said.value.status) == (reason, 400)


def _damaged(ciphertext: str) -> str:
    """One bit of the decoded body changed."""
    head, body = ciphertext.rsplit(":", 1)
    return f"{head}:{altered(body, at=20)}"


async def test_a_wrong_set_of_shares_is_refused_as_a_set(target, production):
    vault = target.vault
    await _restored(target, production)
    permit = target.permit("vault:Unseal")
    await vault.unseal(permit, Secret(altered(production.shares[0].reveal())))
    status = await vault.unseal(permit, production.shares[1])
    assert status.progress == 2
    with pytest.raises(WrongShares, match="message authentication failed"):
        await vault.unseal(permit, production.shares[2])
    assert (await vault.seal_status()).progress == 0
    with pytest.raises(LayerFailed, match="refused"):
        await vault.unseal(permit, Secret("not a share"))
    await vault.unseal(permit, production.shares[0])
    assert (await vault.reset_unseal(permit)).progress == 0


async def test_nothing_changes_without_the_right_permit(target):
    wrong = target.permit("vault:Unseal")
    with pytest.raises(Refused):
        await target.vault.initialise(wrong, shares=1, threshold=1)
    with pytest.raises(Refused):
        await target.vault.initialise(
            Permit("run", "step", "vault:Initialise", "https://production:8200"), shares=1, threshold=1
        )
    assert not (await target.vault.seal_status()).initialised
    assert target.interlock.counts["refused"] == 2


async def test_an_archive_that_is_none_fails_the_layer(target, tmp_path):
    vault = target.vault
    thrown = await vault.initialise(target.permit("vault:Initialise"), shares=1, threshold=1)
    await vault.unseal(target.permit("vault:Unseal"), thrown.keys[0])
    until(lambda: target.bao.health() == 200, target.bao.child)
    (tmp_path / "no.snap").write_bytes(b"nothing of the kind")
    with pytest.raises(LayerFailed, match="not readable"):
        await vault.restore(
            target.permit("vault:Restore"),
            tmp_path / "no.snap",
            token=thrown.root_token,
            force=True,
            progress=lambda *_: None,
        )
    assert await vault.token_works(thrown.root_token)
    assert not await vault.token_works(Secret("s.bogus"))


async def test_the_certificate_is_verified_and_named(target, authority, tmp_path, monkeypatch):
    shown = await target.vault.fingerprint()
    assert shown.startswith("sha256:")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(authority.ca_file))
    stranger = Authority(tmp_path / "other")
    door = Door()
    vault = VaultServer(settings(target.bao.address, stranger.ca_file), Interlock(bounds.practice()), door)
    for call in (vault.fingerprint, vault.seal_status):
        with pytest.raises(NoVerdict, match="certificate could not be verified"):
            await call()
    door.close()


def test_the_archive_tells_what_it_needs(production):
    report = inspect(production.archive)
    assert (report.kind, report.seal_type, report.shares, report.threshold) == (RAFT, "shamir", 5, 3)
    assert report.kms_key is None
    assert (report.raft_index or 0) > 0
    assert report.size == production.archive.stat().st_size
    assert set(report.members) == {"meta.json", "state.bin", "SHA256SUMS", "SHA256SUMS.sealed"}
    assert report.problems == ()


def test_any_change_of_the_real_archive_is_noticed_or_harmless(production, tmp_path):
    whole = production.archive.read_bytes()
    expected = inspect(production.archive).members
    for at in range(0, len(whole), max(1, len(whole) // 300)):
        altered = bytearray(whole)
        altered[at] ^= 0x10
        path = tmp_path / "altered.snap"
        path.write_bytes(altered)
        with contextlib.suppress(LayerFailed):
            assert inspect(path).members == expected, hashlib.sha256(altered).hexdigest()
