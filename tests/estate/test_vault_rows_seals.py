"""What state follows a restore on a real OpenBao 2.6.2, for each pair of seals; a static key stands in for a KMS key.

A forced restore goes on for some 6 s after its 204: each is made once, in the test that tells its whole story.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from runbook.engine.ports import Secret
from tests.estate.vault_lab import Lab, Node, Opened, said

pytestmark = pytest.mark.estate


@dataclass(frozen=True)
class Backup:
    """What a production server was, and the archive of it."""

    archive: Path
    keys: Opened
    cluster: str | None


def _backup(lab: Lab, name: str, seal: dict[str, object], shares: int, threshold: int) -> Backup:
    node = lab.node(name, seal)
    keys = node.initialised(shares, threshold)
    archive = lab.archive_of(node, keys.token, name)
    cluster = node.bao.call("GET", "sys/health")["cluster_id"]
    node.bao.close()
    return Backup(archive, keys, cluster)


@pytest.fixture(scope="module")
def of_shares(lab) -> Backup:
    return _backup(lab, "of-shares", {}, 5, 3)


@pytest.fixture(scope="module")
def of_key_a(lab) -> Backup:
    return _backup(lab, "of-key-a", lab.static_seal("a"), 3, 2)


async def _forced(node: Node, backup: Backup) -> Opened:
    """A fresh single-share server that refuses the archive at first, takes it by force, and is sealed after it."""
    keys = node.initialised()
    read = await said(node.restore(backup.archive, keys.token, force=False))
    assert read.verdict == "fail"
    await node.restore(backup.archive, keys.token, force=True)
    node.becomes(503)
    assert (await node.vault.health()).meaning == "SEALED"
    return keys


async def test_a_backup_of_other_shares_wants_a_restart_and_then_its_own_shares(lab, of_shares):
    node = lab.node("fresh")
    fresh = await _forced(node, of_shares)
    stale = await node.vault.seal_status()
    assert (stale.threshold, stale.shares) == (1, 1)
    read = await said(node.unseal(of_shares.keys.keys[0]))
    assert read.verdict == "wrong shares: stale"
    assert "still counts as before the restore" in read.sentence
    assert "Restart the vault server" in read.fix
    assert read.words == "invalid key: failed to setup unseal key: crypto/aes: invalid key size 33"
    read = await said(node.unseal(fresh.keys[0]))
    assert read.verdict == "wrong shares: set"
    assert "message authentication failed" in read.words
    node.bao.restart()
    true = await node.vault.seal_status()
    assert (true.sealed, true.threshold, true.shares) == (True, 3, 5)
    for share in of_shares.keys.keys[2:]:
        status = await node.unseal(share)
    assert (status.sealed, status.cluster_id) == (False, of_shares.cluster)
    node.becomes(200)
    assert not await node.vault.token_works(Secret(fresh.token))
    assert await node.vault.token_works(Secret(of_shares.keys.token))


async def test_an_older_backup_of_the_same_cluster_is_live_at_once(lab):
    node = lab.node("same-shares")
    keys = node.initialised(3, 2)
    older = lab.archive_of(node, keys.token, "older")
    node.bao.call("POST", "sys/mounts/later", {"type": "kv"}, token=keys.token)
    await node.restore(older, keys.token, force=False)
    node.holds(lambda: "later/" not in node.bao.call("GET", "sys/mounts", token=keys.token))
    assert not (await node.vault.seal_status()).sealed


async def test_after_a_rekey_an_older_backup_wants_the_shares_of_its_own_day(lab):
    node = lab.node("rekeyed")
    old = node.initialised(3, 2)
    older = lab.archive_of(node, old.token, "before-the-rekey")
    new = _rekey(node, old)
    node.bao.call("POST", "sys/mounts/later", {"type": "kv"}, token=old.token)
    read = await said(node.restore(older, old.token, force=False))
    assert read.verdict == "fail"
    assert "made under other unseal keys" in read.sentence
    await node.restore(older, old.token, force=True)
    node.holds(lambda: "later/" not in node.bao.call("GET", "sys/mounts", token=old.token))
    assert not (await node.vault.seal_status()).sealed  # the root key is the same: open, until it is next sealed
    node.bao.restart()
    await node.unseal(new[0])
    read = await said(node.unseal(new[1]))
    assert read.verdict == "wrong shares: set"
    assert "A backup of before a rekey takes the shares of that time" in read.fix
    await node.unseal(old.keys[0])
    assert not (await node.unseal(old.keys[1])).sealed


def _rekey(node: Node, old: Opened) -> list[str]:
    begun = node.bao.call("PUT", "sys/rotate/root/init", {"secret_shares": 3, "secret_threshold": 2}, token=old.token)
    for key in old.keys[:2]:
        body = {"key": key, "nonce": begun["data"]["nonce"]}
        done = node.bao.call("PUT", "sys/rotate/root/update", body, token=old.token)
    shares: list[str] = done["data"]["keys_base64"]
    return shares


async def test_under_the_same_seal_key_it_is_restored_without_force_and_opens_itself(lab, of_key_a):
    node = lab.node("same-key", lab.static_seal("a"))
    await node.restore(of_key_a.archive, node.initialised().token, force=False)
    node.holds(lambda: node.bao.call("GET", "sys/health")["cluster_id"] == of_key_a.cluster)
    status = await node.vault.seal_status()
    assert (status.sealed, status.cluster_id) == (False, of_key_a.cluster)
    assert (status.recovery_seal, status.threshold, status.shares) == (True, 2, 3)


async def test_under_another_seal_key_nothing_opens_it_but_the_original_one(lab, of_key_a):
    node = lab.node("other-key", lab.static_seal("b"))
    await _forced(node, of_key_a)
    await node.unseal(of_key_a.keys.keys[0])
    read = await said(node.unseal(of_key_a.keys.keys[1]))
    assert read.verdict == "wrong shares: recovery"
    assert "recovery keys authorise, they do not unseal" in read.sentence
    assert "Give the server the seal key that the backup was made under" in read.fix
    assert "failed to verify recovery key: failed to decrypt encrypted stored keys" in read.words
    node.configure(**lab.static_seal("a"))
    node.bao.restart()
    node.becomes(200)
    assert (await node.vault.seal_status()).cluster_id == of_key_a.cluster


async def test_a_backup_of_shares_in_a_self_unsealing_server_is_a_pending_migration(lab, of_shares):
    node = lab.node("shares-into-key", lab.static_seal("c"))
    await _forced(node, of_shares)
    read = await said(node.unseal(of_shares.keys.keys[0]))
    assert read.verdict == "wrong shares: recovery"
    assert "this server is unsealed by its seal key" in read.sentence
    assert "for a backup made under shares take its seal stanza out" in read.fix
    assert read.words == "namespace barrier reports initialized but no seal configuration found"
    node.bao.restart()
    status = await node.vault.seal_status()
    assert (status.migration, status.sealed, status.threshold, status.shares) == (True, True, 3, 5)
    read = await said(node.unseal(of_shares.keys.keys[0]))
    assert read.verdict == "fail"
    assert "a seal migration is pending" in read.sentence
    assert "Take the seal stanza out of the server's configuration if the backup was made under shares" in read.fix
    assert read.words == "migrate option not provided and seal migration is pending"
    node.configure(seal=None)
    node.bao.restart()
    for share in of_shares.keys.keys[:3]:
        status = await node.unseal(share)
    assert (status.sealed, status.migration, status.cluster_id) == (False, False, of_shares.cluster)


async def test_a_backup_of_a_seal_key_in_a_server_of_shares_does_not_start_again(lab, of_key_a):
    node = lab.node("key-into-shares")
    fresh = await _forced(node, of_key_a)
    read = await said(node.unseal(fresh.keys[0]))
    assert read.verdict == "wrong shares: set"
    with pytest.raises(RuntimeError, match="ended while starting"):
        node.bao.restart()
    log = node.bao.child.log.read_text()
    assert 'cannot seal migrate from "static" to Shamir, no disabled seal in configuration' in log
    read = await said(node.vault.seal_status())
    assert read.verdict == "no verdict"
    assert "could not be reached" in read.sentence
    assert "with another kind of seal than the backup's it does not start" in read.fix
    assert "give it the backup's seal" in read.fix
    node.configure(**lab.static_seal("a"))
    node.bao.start()
    node.becomes(200)
    assert (await node.vault.seal_status()).cluster_id == of_key_a.cluster
