"""Secrets that nobody typed: what a provider hands out, or signs with, is told to the interlock's guard."""

from __future__ import annotations

from collections.abc import Callable

from runbook.engine.ports import Permit, Secret
from runbook.estate.aws.credentials import WithKeys, with_credentials
from runbook.estate.door import Door
from runbook.estate.registry import Registry
from runbook.estate.vault.server import VaultServer
from runbook.safety import bounds
from runbook.safety.interlock import Interlock
from runbook.training.servers.images import REPOSITORY, Catalogue
from runbook.training.servers.registry import Registry as RegistryServer
from tests.estate_adapters.aws import settings_for
from tests.estate_adapters.test_simulators import BASE, NOW, wired
from tests.estate_adapters.vault_scripted import Scripted, address, settings


def _guarded(told: list[str]) -> Interlock:
    return Interlock(bounds.practice(), guard=lambda secret: told.append(secret.reveal()))


def test_the_keys_of_an_aws_session_are_told_before_they_sign() -> None:
    told: list[str] = []
    keys = WithKeys(Secret("AKIA-ours"), Secret("the-secret-key"), Secret("the-session-token"))
    credentials = with_credentials(keys.made(), settings_for(), _guarded(told)).get_credentials()
    assert credentials is not None
    assert told == []
    assert credentials.get_frozen_credentials().token == "the-session-token"
    assert credentials.access_key == "AKIA-ours"
    assert told == ["AKIA-ours", "the-secret-key", "the-session-token"]


async def test_a_vaults_token_is_told(server: Scripted, door: Door, permit: Callable[[str], Permit]) -> None:
    told: list[str] = []
    vault = VaultServer(settings(address(server)), _guarded(told), door)
    server.say(200, auth={"client_token": "s.the-token-of-the-login", "metadata": {"role_name": "runbook"}})
    await vault.login(permit("vault:Login"), role_id=Secret("r"), secret_id=Secret("s"), mount="approle")
    assert told == ["s.the-token-of-the-login"]


async def test_a_registrys_pull_token_is_told(door: Door) -> None:
    told: list[str] = []
    served = RegistryServer(Catalogue(seed=7, now=NOW), "practice-token")
    registry = Registry(BASE, Secret("practice-token"), _guarded(told), door, wiring=wired(served))
    await registry.digest(REPOSITORY, "v1.8.2")
    (token,) = told
    assert token in {each.reveal() for each in registry._pull_tokens.values()}
