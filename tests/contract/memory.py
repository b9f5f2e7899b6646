"""The few moves that the tests of the estate in memory share."""

from __future__ import annotations

import json

from runbook.estate.ports import Instance
from tests.contract.world import World


def restore_database(world: World) -> Instance:
    return world.restore(world.spec())


def copy_of(world: World) -> Instance:
    """The one that is there."""
    found = world.ask(world.estate.databases.instance(world.spec().instance))
    assert found is not None
    return found


def restore_vault(world: World, *, shares: int = 5, threshold: int = 3) -> None:
    permit = world.vault_permit
    fresh = world.ask(world.estate.vault.initialise(permit("Initialise"), shares=shares, threshold=threshold))
    world.unseal(*fresh.keys[:threshold])
    restoring = world.estate.vault.restore(
        permit("Restore"), world.download(), token=fresh.root_token, force=True, progress=lambda _d, _t: None
    )
    world.ask(restoring)


def sign_in(world: World) -> None:
    login = world.estate.vault.login(
        world.vault_permit("Login"),
        role_id=world.credential("vault-role-id"),
        secret_id=world.credential("vault-secret-id"),
        mount=world.environment.vault.approle_mount,
    )
    world.ask(login)


def health(world: World, place: int = 0) -> tuple[int, dict[str, str]]:
    service = world.environment.application.services[place]
    assert service.health is not None
    answer = world.ask(world.estate.web.get(service.health.url))
    return answer.status, json.loads(answer.body)


def probe_url(world: World) -> str:
    url = world.environment.application.services[0].probe_url
    assert url is not None
    return url
