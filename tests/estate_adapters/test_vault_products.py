"""HashiCorp Vault beside OpenBao: told by what answers, met where it differs.  No such server runs in tests."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from runbook.engine.errors import LayerFailed, NoVerdict, SignedOut
from runbook.engine.ports import Permit, Secret
from runbook.estate.vault.server import VaultServer
from runbook.safety import bounds
from runbook.safety.interlock import Interlock
from tests.estate_adapters.vault_scripted import Handler, Scripted, address, settings


@pytest.fixture
def hashicorp(server, door) -> VaultServer:
    return VaultServer(settings(address(server), "vault"), Interlock(bounds.practice()), door)


HEALTH = {
    200: "active",
    429: "not active",
    472: "disaster recovery",
    473: "performance standby",
    474: "cannot reach the active node",
    501: "not initialised",
    503: "SEALED",
    530: "removed from its cluster",
}


@pytest.mark.parametrize("status", HEALTH)
async def test_every_health_that_a_vault_has_is_an_answer_in_words(server, hashicorp, status):
    server.say(status, initialized=True, sealed=False, standby=status in {429, 473}, version="1.19.0")
    health = await hashicorp.health()
    assert health.status == status
    assert HEALTH[status] in health.meaning


@pytest.mark.parametrize("status", [404, 500, 502, 504])
async def test_what_is_no_health_of_a_vault_is_something_in_between(server, vault, status):
    server.say(status, message="no healthy upstream")
    with pytest.raises((NoVerdict, LayerFailed)):
        await vault.health()


@pytest.mark.parametrize(
    ("body", "product"),
    [
        ({"version": "2.6.2", "commit_date": "2026-08-18T15:48:19Z"}, "openbao"),
        ({"version": "1.19.0", "build_date": "2025-03-04T12:36:40Z"}, "vault"),
        ({"version": "1.18.3+ent", "build_date": "2025-03-04T12:36:40Z"}, "vault"),
        ({"version": "2.6.0", "build_date": "2026-03-04T12:36:40Z"}, "vault"),
        ({"version": "2.4.1", "build_date": "2025-03-04T12:36:40Z"}, ""),  # OpenBao before 2.6, or Vault 2
        ({"version": "1.10.0"}, ""),
    ],
)
async def test_the_product_is_told_by_what_only_one_of_them_says(server, vault, body, product):
    server.say(200, type="shamir", initialized=True, sealed=True, migration=True, **body)
    status = await vault.seal_status()
    assert (status.product, status.migration) == (product, True)


@pytest.mark.parametrize(
    ("product", "token", "told"),
    [
        ("openbao", "s.abc", "drill"),
        ("openbao", "hvs.abc", "drill; its token (hvs.…) is not of the kind that openbao makes"),
        ("vault", "hvs.abc", "drill"),
        ("vault", "s.abc", "drill"),  # before 1.10
        ("vault", "AKIA5ecret", "drill; its token (?.…) is not of the kind that vault makes"),
    ],
)
async def test_a_token_of_the_other_product_is_told(server, door, permit, product, token, told):  # noqa: PLR0917 - a table
    vault = VaultServer(settings(address(server), product), Interlock(bounds.practice()), door)
    server.say(200, auth={"client_token": token, "metadata": {"role_name": "drill"}})
    name = await vault.login(permit("vault:Login"), role_id=Secret("r"), secret_id=Secret("s"), mount="approle")
    assert name == told
    assert vault.signed_in


async def test_a_sign_in_that_wants_a_second_factor_is_none(server, vault, permit):
    server.say(200, auth={"client_token": "", "mfa_requirement": {"mfa_request_id": "x"}})
    with pytest.raises(LayerFailed, match="gave no token"):
        await vault.login(permit("vault:Login"), role_id=Secret("r"), secret_id=Secret("s"), mount="approle")
    assert not vault.signed_in


async def test_a_standby_that_points_to_the_leader_is_not_followed_and_the_address_is_named(server, hashicorp, permit):
    server.status, server.body = 307, b""
    server.headers["Location"] = "https://vault-2.example.test:8200/v1/sys/storage/raft/snapshot-force"
    with pytest.raises(NoVerdict) as said:
        await hashicorp.unseal(permit("vault:Unseal"), Secret("share"))
    assert "another address, https://vault-2.example.test:8200, which is not followed" in said.value.sentence
    assert '[vault] address = "https://vault-2.example.test:8200"' in said.value.fix
    assert len(server.seen) == 1


@pytest.mark.parametrize("where", ["", "/ui/", "https://host:port/"])
async def test_a_redirect_to_nowhere_is_not_followed_either(server, hashicorp, where):
    server.status, server.body, server.headers["Location"] = 307, b"", where
    with pytest.raises(NoVerdict, match="another address, untold"):
        await hashicorp.mounts()


async def test_a_redirect_to_what_is_no_address_is_no_verdict(server, hashicorp):
    """requests reads the address even where it does not follow it."""
    server.status, server.body, server.headers["Location"] = 307, b"", "http://["
    with pytest.raises(NoVerdict, match="could not be asked"):
        await hashicorp.mounts()


async def test_denied_without_a_sign_in_asks_for_one(server, vault):
    server.say(403, "permission denied")
    for call in (vault.mounts, vault.audit_devices, vault.irrevocable_leases):
        with pytest.raises(SignedOut) as said:
            await call()
        assert (said.value.system, said.value.fix) == ("vault", "Sign in again (vault.login).")
    assert len(server.seen) == 3  # there is no token to ask about


async def test_denied_by_a_vault_that_seals_meanwhile_is_about_the_seal(server, vault, permit, monkeypatch):
    await _signed_in(server, vault, permit)
    answers = iter([(403, {"errors": ["permission denied"]}), (503, {"errors": ["Vault is sealed"]})])
    original = Handler._answer

    def next_answer(handler: Handler) -> None:
        handler.server.status, handler.server.body = next(answers)
        original(handler)

    monkeypatch.setattr(Handler, "do_GET", next_answer)
    with pytest.raises(LayerFailed, match="the vault is sealed"):
        await vault.mounts()
    assert vault.signed_in


async def _signed_in(server: Scripted, vault: VaultServer, permit: Callable[[str], Permit]) -> None:
    server.say(200, auth={"client_token": "s.token", "metadata": {"role_name": "drill"}})
    await vault.login(permit("vault:Login"), role_id=Secret("r"), secret_id=Secret("s"), mount="approle")


async def test_nothing_is_sent_twice(server, vault, permit, monkeypatch):
    """The server takes the request and hangs up: an unseal share, or a restore, may have been taken."""
    await _signed_in(server, vault, permit)
    sent: list[str] = []

    def hang_up(handler: Handler) -> None:
        sent.append(f"{handler.command} {handler.path}")
        handler.rfile.read(int(handler.headers.get("Content-Length", 0)))
        handler.close_connection = True

    for method in ("GET", "PUT", "POST"):
        monkeypatch.setattr(Handler, f"do_{method}", hang_up)
    for call in (
        vault.seal_status(),
        vault.health(),
        vault.unseal(permit("vault:Unseal"), Secret("share")),
        vault.decrypt("transit", "notes", "vault:v1:x"),
    ):
        with pytest.raises(NoVerdict, match="could not be reached"):
            await call
    assert sent == [
        "GET /v1/sys/seal-status",
        "GET /v1/sys/health",
        "PUT /v1/sys/unseal",
        "POST /v1/transit/decrypt/notes",
    ]


@pytest.mark.parametrize(
    ("stored", "shown"),
    [
        ("postgresql://{{username}}:{{password}}@db:5432/app?sslmode=verify-full",) * 2,
        ("postgresql://admin:p@ss:w/rd@db:5432/app?x=1", "postgresql://admin:*****@db:5432/app?x=1"),
        ("postgresql://admin@db/app", "postgresql://admin@db/app"),
        ("host=db user=admin password='a b' port=5432", "host=db user=admin password=***** port=5432"),
        ("host=db password={{password}} port=5432",) * 2,
        ("postgresql://db/app?user=a&password=5ecre7&x=1", "postgresql://db/app?user=a&password=*****&x=1"),
        ("", None),
    ],
)
async def test_a_password_in_a_connection_is_never_shown(server, vault, stored, shown):
    server.say(200, data={"connection_details": {"connection_url": stored, "username": "admin"}})
    assert await vault.database_url("database", "app") == shown
