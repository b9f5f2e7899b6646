"""Sign-in, tokens, audit devices and leases on a real OpenBao 2.6.2, and what the operator reads of them."""

from __future__ import annotations

import os
import signal
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from runbook.engine.ports import Secret
from runbook.estate.ports import Undecryptable
from runbook.estate.vault.answers import Answer
from runbook.estate.vault.refusals import refusal
from runbook.training.servers.openbao import BaoError
from runbook.training.servers.waiting import until
from tests.estate.vault_lab import Lab, Node, Opened, said

pytestmark = pytest.mark.estate

_LISTS = (("sys/audit", "read", "sudo"), ("sys/leases/count", "read"))


@dataclass(frozen=True)
class Roles:
    """`watcher` may list what `drill` may not; neither may read the mounts."""

    node: Node
    keys: Opened
    ids: Mapping[str, tuple[Secret, Secret]]

    async def sign_in(self, role: str) -> str:
        role_id, secret_id = self.ids[role]
        return await self.node.vault.login(
            self.node.permit("Login"), role_id=role_id, secret_id=secret_id, mount="approle"
        )


@pytest.fixture(scope="module")
def roles(lab) -> Roles:
    node = lab.node("signed-in", {"unsafe_allow_api_audit_creation": True})
    keys = node.initialised()
    node.bao.call("POST", "sys/auth/approle", {"type": "approle"}, token=keys.token)
    node.bao.call("POST", "sys/auth/userpass", {"type": "userpass"}, token=keys.token)
    node.bao.call("POST", "auth/userpass/users/cto", {"password": "right"}, token=keys.token)
    ids = {role: _role(node, keys.token, role, rules) for role, rules in (("watcher", _LISTS), ("drill", ()))}
    return Roles(node, keys, ids)


def _role(node: Node, token: str, name: str, rules: tuple[tuple[str, ...], ...]) -> tuple[Secret, Secret]:
    policy = {path: {"capabilities": list(can)} for path, *can in rules}
    node.bao.call("PUT", f"sys/policies/acl/{name}", {"policy": _hcl(policy)}, token=token)
    node.bao.call("POST", f"auth/approle/role/{name}", {"token_policies": name}, token=token)
    role_id = node.bao.call("GET", f"auth/approle/role/{name}/role-id", token=token)["data"]["role_id"]
    secret_id = node.bao.call("POST", f"auth/approle/role/{name}/secret-id", {}, token=token)["data"]["secret_id"]
    return Secret(role_id), Secret(secret_id)


def _hcl(policy: Mapping[str, Mapping[str, list[str]]]) -> str:
    rules = (
        f'path "{path}" {{ capabilities = [{", ".join(f"{c!r}" for c in said["capabilities"])}] }}'
        for path, said in policy.items()
    )
    return "\n".join(rules).replace("'", '"') or 'path "none/of/it" { capabilities = ["deny"] }'


async def test_a_role_or_secret_that_the_backup_does_not_know(roles):
    role_id, secret_id = roles.ids["drill"]
    bogus = Secret("00000000-0000-0000-0000-000000000000")
    for role, secret in ((role_id, bogus), (bogus, secret_id)):
        read = await said(
            roles.node.vault.login(roles.node.permit("Login"), role_id=role, secret_id=secret, mount="approle")
        )
        assert (read.verdict, read.words) == ("fail", "invalid role or secret ID")
        assert "does not accept this role and secret id" in read.sentence
        assert "younger than the backup, expired, or bound to other addresses" in read.fix


def test_a_password_that_the_backup_does_not_know(roles):
    """The port signs in by AppRole only: what the server answers is read by the adapter's table."""
    with pytest.raises(BaoError) as answered:
        roles.node.bao.call("POST", "auth/userpass/login/cto", {"password": "wrong"})
    assert "invalid username or password" in str(answered.value)
    read = refusal(Answer(answered.value.status, {}, "invalid username or password", "vault: POST login"))
    assert "does not accept this user name and password" in read.sentence
    assert "changed since the backup" in read.fix


async def test_a_sign_in_that_may_not_is_told_from_one_that_is_over(roles):
    vault = roles.node.vault
    assert await roles.sign_in("drill") == "drill"
    read = await said(vault.mounts())
    assert read.verdict == "no verdict"
    assert read.sentence == "vault: GET /v1/sys/mounts: this sign-in may not do that (HTTP 403)"
    assert "a role whose policy allows GET /v1/sys/mounts" in read.fix
    assert "permission denied" in read.words
    assert vault.signed_in
    _revoke(roles)
    for call in (vault.mounts, vault.audit_devices):
        read = await said(call())
        assert read.verdict == "signed out"
        assert "does not know this sign-in any more" in read.sentence
        assert read.fix == "Sign in again (vault.login)."
        assert not vault.signed_in


def _revoke(roles: Roles) -> None:
    """All tokens of the AppRole sign-ins die, as by their time to live."""
    roles.node.bao.call("PUT", "sys/leases/revoke-prefix/auth/approle/login", {}, token=roles.keys.token)


async def test_what_may_not_be_listed_is_none_and_what_may_is_listed(roles, lab):
    node, vault = roles.node, roles.node.vault
    log = lab.folder / "audit.log"
    node.bao.call("PUT", "sys/audit/file", {"type": "file", "options": {"file_path": str(log)}}, token=roles.keys.token)
    await roles.sign_in("drill")
    assert await vault.audit_devices() is None
    assert await vault.irrevocable_leases() is None
    assert await vault.static_roles("database") is None
    await roles.sign_in("watcher")
    assert await vault.audit_devices() == ("file",)
    assert await vault.irrevocable_leases() == 0
    node.bao.call("DELETE", "sys/audit/file", token=roles.keys.token)
    assert await vault.audit_devices() == ()


async def test_a_lost_sign_in_says_nothing_of_a_ciphertext(roles):
    await roles.sign_in("drill")
    read = await said(roles.node.vault.decrypt("transit", "notes", "vault:v1:x"))
    assert read.verdict == "no verdict"
    read = await said(roles.node.vault.decrypt("transit", "notes", "vault:v1:x", token=Secret("s.bogus")))
    assert (read.verdict, "does not accept this token" in read.sentence) == ("no verdict", True)
    with pytest.raises(Undecryptable) as unknown:  # the root of a fresh cluster may ask, and it has no such mount
        await roles.node.vault.decrypt("transit", "notes", "vault:v1:x", token=Secret(roles.keys.token))
    assert unknown.value.reason == "other"
    _revoke(roles)
    read = await said(roles.node.vault.decrypt("transit", "notes", "vault:v1:x"))
    assert read.verdict == "signed out"


async def test_an_audit_device_that_is_not_here_leaves_the_restored_vault_open_and_inactive(lab):
    folder = _folder(lab)
    audited = lab.node("audited", {"unsafe_allow_api_audit_creation": True})
    keys = audited.initialised()
    device = {"type": "file", "options": {"file_path": str(folder / "log")}}
    audited.bao.call("PUT", "sys/audit/file", device, token=keys.token)
    archive = lab.archive_of(audited, keys.token, "audited")
    audited.bao.close()
    _lose(folder)  # as on a new host
    node = lab.node("no-such-folder")
    await node.restore(archive, node.initialised().token, force=True)
    node.becomes(503)
    assert not (await node.unseal(keys.keys[0])).sealed
    await _stays_inactive(node)
    read = await said(node.vault.login(node.permit("Login"), role_id=Secret("r"), secret_id=Secret("s"), mount="a"))
    assert (read.verdict, read.words) == ("fail", "local node not active but active cluster node not found")
    assert "the vault is unsealed but not active: its set-up failed" in read.sentence
    assert "An audit device that cannot be written does this" in read.fix


async def _stays_inactive(node: Node) -> None:
    until(lambda: "failed to setup audit table" in node.bao.child.log.read_text(), node.bao.child)
    health = await node.vault.health()
    assert health.status == 429
    assert "open, but not active" in health.meaning
    assert "an audit device, most likely" in health.meaning


def _folder(lab: Lab) -> Path:
    folder = lab.folder / f"audit-{len(lab.nodes)}"
    folder.mkdir()
    return folder


def _lose(folder: Path) -> None:
    """A file stands where the audit folder was: OpenBao cannot write there and cannot make it anew, even as root."""
    (folder / "log").unlink()
    folder.rmdir()
    folder.touch()


async def test_an_audit_device_that_cannot_be_written_fails_every_call_of_a_healthy_vault(lab):
    """Not by /dev/full: run as root OpenBao would change that device's mode."""
    folder = _folder(lab)
    node = lab.node("unwritable", {"unsafe_allow_api_audit_creation": True})
    token = node.initialised().token
    device = {"type": "file", "options": {"file_path": str(folder / "log")}}
    node.bao.call("PUT", "sys/audit/file", device, token=token)
    _lose(folder)
    assert node.bao.child.pid is not None
    os.kill(node.bao.child.pid, signal.SIGHUP)  # it opens its log anew, as after a rotation
    until(lambda: not _works(node, token), node.bao.child)
    assert (await node.vault.health()).status == 200
    read = await said(node.vault.login(node.permit("Login"), role_id=Secret("r"), secret_id=Secret("s"), mount="a"))
    assert (read.verdict, read.words) == ("no verdict", "internal error")
    assert "the server is up and failed to answer, as it does when its audit device cannot be written" in read.sentence
    assert "a full disk" in read.fix
    with pytest.raises(BaoError, match="failed to audit request, cannot continue") as sealing:
        node.bao.call("PUT", "sys/seal", token=token)
    text = "failed to audit request, cannot continue"
    assert "cannot write to its audit device" in refusal(Answer(sealing.value.status, {}, text, "vault")).sentence


def _works(node: Node, token: str) -> bool:
    try:
        return bool(node.bao.call("GET", "sys/mounts", token=token))
    except BaoError:
        return False
