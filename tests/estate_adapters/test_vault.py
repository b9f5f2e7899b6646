"""The vault adapter against scripted answers: what no real server can be brought to say on demand."""

from __future__ import annotations

import json

import pytest

from runbook.engine.errors import LayerFailed, NoVerdict, Refused
from runbook.engine.ports import Secret
from runbook.estate.ports import Undecryptable, WrongShares
from runbook.estate.vault import wire
from runbook.estate.vault.server import VaultServer
from runbook.safety import bounds
from runbook.safety.interlock import Interlock
from tests.estate_adapters.vault_scripted import Handler, settings

NOTHING = lambda *_: None  # noqa: E731 - a progress nobody looks at


async def test_no_variable_and_no_file_of_the_machine_matters(server, vault, monkeypatch, tmp_path):
    (tmp_path / ".vault-token").write_text("s.leaked")
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login a password leaked")
    (tmp_path / "cert.pem").write_text("no certificate")
    for name, value in {
        "HOME": str(tmp_path),
        "VAULT_TOKEN": "s.leaked",
        "VAULT_ADDR": "http://127.0.0.1:1",
        "VAULT_NAMESPACE": "leaked",
        "HTTP_PROXY": "http://127.0.0.1:1",
        "http_proxy": "http://127.0.0.1:1",
        "ALL_PROXY": "http://127.0.0.1:1",
        "REQUESTS_CA_BUNDLE": str(tmp_path / "none.pem"),
        "NO_PROXY": "",
    }.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("hvac.v1.VAULT_CLIENT_CERT", str(tmp_path / "nosuch.pem"))
    monkeypatch.setattr("hvac.v1.VAULT_CLIENT_KEY", str(tmp_path / "nosuch.pem"))
    server.say(200, sealed=True, initialized=True)
    assert (await vault.seal_status()).sealed
    (_, path, headers, _) = server.seen[0]
    assert path == "/v1/sys/seal-status"
    assert "leaked" not in json.dumps(headers)


@pytest.mark.parametrize("status", [200, 429, 472, 473, 501, 503])
async def test_every_health_status_is_an_answer(server, vault, status):
    server.say(status, server_time_utc=1_800_000_000, cluster_id="c\x1b")
    health = await vault.health()
    assert (health.status, health.cluster_id) == (status, "c�")
    assert health.server_time is not None
    assert health.server_time.timestamp() == 1_800_000_000


async def test_a_page_of_html_is_no_vault(server, vault):
    server.status, server.body = 200, b"<html>It works!\x1b[2J</html>"
    for call in (vault.health, vault.seal_status, vault.mounts):
        with pytest.raises(NoVerdict, match="does not speak a vault's language") as said:
            await call()
        assert said.value.provider_text == "<html>It works!�[2J</html>"


async def test_a_redirect_is_not_followed(server, vault):
    server.status, server.body = 307, {}
    server.headers["Location"] = "http://127.0.0.1:1/v1/sys/mounts"
    with pytest.raises(NoVerdict, match="another address"):
        await vault.mounts()
    assert len(server.seen) == 1


async def test_a_silent_server_is_no_verdict(server, vault, monkeypatch):
    monkeypatch.setattr(wire, "PROBE_TIMEOUT_S", (1, 0.05))
    server.status = 0
    with pytest.raises(NoVerdict, match="did not answer in time"):
        await vault.health()


async def test_a_server_that_is_gone_is_no_verdict(door):
    vault = VaultServer(settings("http://127.0.0.1:1"), Interlock(bounds.practice()), door)
    with pytest.raises(NoVerdict, match="could not be reached"):
        await vault.seal_status()


async def test_training_reaches_no_other_machine(door):
    vault = VaultServer(settings("https://vault.example.test:8200"), Interlock(bounds.practice()), door)
    for call in (vault.seal_status, vault.fingerprint):
        with pytest.raises(Refused, match="training cannot leave"):
            await call()


async def test_a_vault_in_the_clear_has_no_fingerprint(vault):
    with pytest.raises(LayerFailed, match="not https"):
        await vault.fingerprint()


_FAILED = "failed to decrypt keys from storage: cipher: message authentication failed"
_COMBINE = "invalid key: failed to compute combined key: "
_KMS = "invalid key: failed to verify recovery key: "
BAD_SETS = [
    (400, f"unable to retrieve stored keys: invalid key: {_FAILED}", "set"),
    (500, f"unable to retrieve stored keys: invalid key: {_FAILED}", "set"),  # HashiCorp Vault up to about 1.12
    (500, _FAILED, "set"),
    (400, f"{_COMBINE}duplicate part detected", "duplicate"),
    (400, f"{_COMBINE}all parts must be the same length", "length"),
    (400, "invalid key: failed to setup unseal key: crypto/aes: invalid key size 33", "stale"),
    (400, f"{_KMS}recovery key does not match submitted values", "recovery"),
    (400, f"{_KMS}no recovery key found", "recovery"),
    (400, f"{_KMS}failed to decrypt encrypted stored keys: failed to open ciphertext: {_FAILED}", "recovery"),
]


@pytest.mark.parametrize(("status", "text", "reason"), BAD_SETS)
async def test_a_set_that_opens_nothing(server, vault, permit, status, text, reason):  # noqa: PLR0917 - a table
    server.say(status, text)
    with pytest.raises(WrongShares) as said:
        await vault.unseal(permit("vault:Unseal"), Secret("share"))
    assert (said.value.text, said.value.reason) == (text, reason)
    assert said.value.sentence
    assert said.value.fix


@pytest.mark.parametrize(
    ("status", "text", "says"),
    [
        (400, "'key' must be a valid hex or base64 string", "neither hex nor base64; progress is untouched"),
        (
            400,
            "'key' must be specified in request body as JSON, or 'reset' set to true",
            "it is empty; progress is untouched",
        ),
        (400, "invalid key: key is shorter than minimum 16 bytes", "too short, a part is missing"),
        (400, "invalid key: key is longer than maximum 33 bytes", "too long, or PGP-encrypted still"),
        (400, "Vault is not initialized", "not initialised"),
        (500, "migrate option not provided and seal migration is pending", "seal migration"),
    ],
)
async def test_what_is_not_a_wrong_set(server, vault, permit, status, text, says):  # noqa: PLR0917 - a table
    server.say(status, text)
    with pytest.raises(LayerFailed, match=says):
        await vault.unseal(permit("vault:Unseal"), Secret("share"))


async def test_a_share_goes_into_the_body_and_nowhere_else(server, vault, permit):
    server.say(200, initialized=True, sealed=True, t=3, n=5, progress=1, nonce="n", type="shamir")
    status = await vault.unseal(permit("vault:Unseal"), Secret("5ecre7"))
    assert (status.progress, status.threshold, status.shares) == (1, 3, 5)
    ((method, path, headers, body),) = server.seen
    assert (method, path, json.loads(body)["key"]) == ("PUT", "/v1/sys/unseal", "5ecre7")
    assert "5ecre7" not in json.dumps(headers)
    assert "X-Vault-Token" not in headers


async def test_an_auto_unseal_server_is_initialised_with_recovery_keys(server, vault, permit):
    server.say(200, type="awskms", keys=[], keys_base64=[], recovery_keys_base64=["k"], root_token="s.root")
    thrown = await vault.initialise(permit("vault:Initialise"), shares=1, threshold=1)
    sent = json.loads(server.seen[-1][3])
    assert (sent["recovery_shares"], sent["recovery_threshold"], sent["secret_shares"]) == (1, 1, None)
    assert thrown.keys == (Secret("k"),)
    assert thrown.root_token.reveal() == "s.root"


@pytest.mark.parametrize(
    ("status", "text", "error", "says"),
    [
        (503, "Vault is sealed", LayerFailed, "sealed"),
        (403, "1 error occurred:\n\t* permission denied\n\n", NoVerdict, "does not accept this token"),
        (
            400,
            "could not verify hash file, possibly the snapshot is using a different set",
            LayerFailed,
            "other unseal",
        ),
        (500, "failed to decompress snapshot: gzip: invalid header", LayerFailed, "not readable"),
        (500, "failed to read snapshot file: unexpected EOF", LayerFailed, "cut short"),
        (
            500,
            'failed to read snapshot file: failed checking integrity of snapshot: hash check failed for "state.bin"',
            LayerFailed,
            "own hashes",
        ),
        (500, "failed to read snapshot file: archive/tar: invalid tar header", LayerFailed, "damaged"),
        (404, "unsupported path", LayerFailed, "raft"),
        (500, "internal error", NoVerdict, "failed to answer"),
        (502, "bad gateway", NoVerdict, "failed to answer"),
    ],
)
async def test_a_refused_restore(server, vault, permit, tmp_path, status, text, error, says):  # noqa: PLR0917 - a table
    (tmp_path / "a.snap").write_bytes(b"x" * 3000)
    server.say(status, text)
    with pytest.raises(error, match=says) as said:
        await vault.restore(
            permit("vault:Restore"), tmp_path / "a.snap", token=Secret("s.root"), force=True, progress=NOTHING
        )
    assert "\n" not in said.value.provider_text


@pytest.mark.parametrize(("force", "path"), [(True, "snapshot-force"), (False, "snapshot")])
async def test_an_archive_is_streamed_whole_with_its_token_and_progress(server, vault, permit, tmp_path, force, path):  # noqa: PLR0917 - a table
    content = bytes(range(256)) * 20_000
    (tmp_path / "a.snap").write_bytes(content)
    steps: list[tuple[int, int]] = []
    server.status, server.body = 204, b""
    await vault.restore(
        permit("vault:Restore"),
        tmp_path / "a.snap",
        token=Secret("s.root"),
        force=force,
        progress=lambda *step: steps.append(step),
    )
    ((_, called, headers, body),) = server.seen
    assert (called, headers["X-Vault-Token"], body) == (f"/v1/sys/storage/raft/{path}", "s.root", content)
    assert steps[-1] == (len(content), len(content))
    assert steps == sorted(set(steps))
    assert 3 < len(steps) < 12


async def test_an_archive_that_is_not_there(vault, permit, tmp_path):
    with pytest.raises(NoVerdict, match="cannot be read"):
        await vault.restore(permit("vault:Restore"), tmp_path / "no", token=Secret("t"), force=True, progress=NOTHING)


@pytest.mark.parametrize(
    ("status", "text", "reason"),
    [
        (503, "Vault is sealed", "sealed"),
        (400, "encryption key not found", "unknown-key"),
        (400, "1 error occurred:\n\t* invalid ciphertext: version is too new\n", "version-too-new"),
        (400, "ciphertext or signature version is disallowed by policy (too old)", "version-too-old"),
        (400, "cipher: message authentication failed", "authentication"),
        (400, "invalid ciphertext: no prefix", "malformed"),
        (400, "invalid ciphertext: version number could not be decoded", "malformed"),
        (400, "missing 'context' for key derivation", "other"),
        (404, 'no handler for route "transit/decrypt/x". route entry not found.', "other"),
    ],
)
async def test_why_a_ciphertext_cannot_be_decrypted(server, vault, status, text, reason):
    server.say(status, text)
    with pytest.raises(Undecryptable) as said:
        await vault.decrypt("transit", "notes", "vault:v1:x")
    assert (said.value.reason, said.value.status) == (reason, status)


@pytest.mark.parametrize("status", [401, 403, 500, 502])
async def test_a_vault_that_cannot_be_asked_says_nothing_of_the_ciphertext(server, vault, status):
    server.say(status, "permission denied")
    with pytest.raises(NoVerdict):
        await vault.decrypt("transit", "notes", "vault:v1:x")


async def test_a_plaintext_that_is_no_text(server, vault):
    server.say(200, data={"plaintext": "/w=="})
    with pytest.raises(Undecryptable) as said:
        await vault.decrypt("transit", "notes", "vault:v1:x")
    assert said.value.reason == "malformed"


async def test_a_login_keeps_its_token_inside_until_it_is_signed_out(server, vault, permit):
    server.say(200, auth={"client_token": "s.token", "metadata": {"role_name": "drill"}})
    name = await vault.login(permit("vault:Login"), role_id=Secret("r"), secret_id=Secret("5ecre7"), mount="approle")
    assert (name, vault.signed_in) == ("drill", True)
    assert "s.token" not in repr(vars(vault))
    server.say(200, data={"transit/": {}, "sys/": {}}, **{"transit/": {}})
    assert await vault.mounts() == ("sys", "transit")
    assert server.seen[-1][2]["X-Vault-Token"] == "s.token"
    await vault.seal_status()
    assert "X-Vault-Token" not in server.seen[-1][2]
    server.say(403, "permission denied")
    await vault.sign_out(permit("vault:SignOut"))
    calls = len(server.seen)
    await vault.sign_out(permit("vault:SignOut"))
    assert (vault.signed_in, len(server.seen)) == (False, calls)


async def test_a_role_younger_than_the_backup(server, vault, permit):
    server.say(400, "invalid role or secret ID")
    with pytest.raises(LayerFailed, match="does not accept this role") as said:
        await vault.login(permit("vault:Login"), role_id=Secret("r"), secret_id=Secret("s"), mount="approle")
    assert "younger than the backup" in said.value.fix
    assert not vault.signed_in


async def test_a_missing_transit_key_is_none(server, vault):
    server.status, server.body = 404, {"errors": []}
    assert await vault.transit_key("transit", "notes") is None
    server.say(
        200, data={"name": "notes", "keys": {"10": 1, "2": 1}, "latest_version": 10, "min_decryption_version": 2}
    )
    key = await vault.transit_key("transit", "notes")
    assert key is not None
    assert (key.versions, key.latest, key.min_decryption) == ((2, 10), 10, 2)


async def test_a_reset_of_an_open_vault_changes_nothing(server, vault, permit, monkeypatch):
    answers = iter([(400, {"errors": ["vault is unsealed"]}), (200, {"initialized": True, "sealed": False})])
    original = Handler._answer

    def next_answer(handler: Handler) -> None:
        handler.server.status, handler.server.body = next(answers)
        original(handler)

    monkeypatch.setattr(Handler, "do_PUT", next_answer)
    monkeypatch.setattr(Handler, "do_GET", next_answer)
    assert not (await vault.reset_unseal(permit("vault:Unseal"))).sealed
