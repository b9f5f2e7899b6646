"""The estates that the contract suite runs over, and the stages of one restore, each done once a module."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path

import pytest

from runbook.config import Environment
from runbook.engine.errors import LayerFailed
from runbook.estate.memory import MemoryEstate
from runbook.estate.ports import Deployment, Instance, SealStatus, ThrowAway, Undecryptable
from tests.contract.world import World
from tests.support.practice_estate import MemoryPracticeEstate


def _memory(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    made = MemoryEstate(now=lambda: datetime.now(UTC))
    nameless = MemoryEstate(now=lambda: datetime.now(UTC), hostnames=0).estate()
    credentials = made.credentials()
    folder = tmp_path_factory.mktemp("memory")
    yield World(
        made.estate(),
        made.environment(),
        credentials.__getitem__,
        made.custodians(),
        made.bad_share(),
        folder,
        nameless=nameless,
        fault=MemoryPracticeEstate(made).fault,
    )


def _practice(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """The real servers, through the real adapters, wired as a training run wires them."""
    from runbook.commands.wiring import connect
    from runbook.estate.door import Door
    from runbook.safety import bounds
    from runbook.safety.interlock import Interlock
    from runbook.training.client import PracticeEstate

    folder = tmp_path_factory.mktemp("practice")
    practice, door = PracticeEstate.start(folder, seed=1), Door()
    try:
        environment = practice.environment()
        interlock = Interlock(bounds.practice())
        estate = connect(environment, practice.credential, interlock, door)
        nameless = connect(_without_names(environment), practice.credential, interlock, door)
        asyncio.run(estate.account.sign_in(practice.credential("aws-mfa-code")))
        custodians = {label: practice.share(label) for label in practice.custodians()[0]}
        bad = practice.share(next(iter(custodians)), bad=True)
        yield World(
            estate,
            environment,
            practice.credential,
            custodians,
            bad,
            folder,
            pause=0.3,
            nameless=nameless,
            fault=practice.fault,
        )
    finally:
        door.close()
        practice.stop()


def _without_names(environment: Environment) -> Environment:
    edge = environment.connectivity.model_copy(update={"hostnames": ()})
    return environment.model_copy(update={"connectivity": edge})


ESTATES = {"memory": _memory, "practice": _practice}
PARAMETERS = ["memory", pytest.param("practice", marks=[pytest.mark.estate, pytest.mark.timeout(300)])]


@pytest.fixture(scope="module", params=PARAMETERS)
def world(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    yield from ESTATES[request.param](tmp_path_factory)


@pytest.fixture(scope="module")
def before(world: World) -> dict[str, object]:
    """What the target said before anything was restored."""
    control = world.environment.canary
    said: dict[str, object] = {"health": world.ask(world.estate.vault.health())}
    try:
        world.ask(
            world.estate.vault.decrypt(
                world.environment.vault.transit_mount, control.transit_key, control.control_ciphertext
            )
        )
    except (Undecryptable, LayerFailed) as error:
        said["control"] = error
    return said


@pytest.fixture(scope="module")
def fresh(world: World, before: dict[str, object]) -> tuple[ThrowAway, str | None]:
    """A throw-away cluster on the target, opened with its own keys; and its cluster id."""
    keys = world.ask(world.estate.vault.initialise(world.vault_permit("Initialise"), shares=5, threshold=3))
    world.unseal(*keys.keys[:3])
    health = world.until(world.estate.vault.health, lambda said: said.status == 200)
    return keys, health.cluster_id


@pytest.fixture(scope="module")
def restored(world: World, fresh: tuple[ThrowAway, str | None]) -> SealStatus:
    """The newest backup restored over it: sealed under production's shares."""
    permit, archive = world.vault_permit("Restore"), world.download()
    world.ask(
        world.estate.vault.restore(
            permit, archive, token=fresh[0].root_token, force=True, progress=lambda _done, _total: None
        )
    )
    world.until(world.estate.vault.seal_status, lambda status: status.sealed)
    return world.until(world.estate.vault.seal_status, lambda status: status.sealed)


@pytest.fixture(scope="module")
def opened(world: World, restored: SealStatus) -> World:
    """Unsealed with three custodians' shares, and signed in."""
    world.ask(world.estate.vault.reset_unseal(world.vault_permit("Unseal")))
    world.unseal(*world.three_shares())
    world.until(world.estate.vault.health, lambda said: said.status == 200)
    world.ask(
        world.estate.vault.login(
            world.vault_permit("Login"),
            role_id=world.credential("vault-role-id"),
            secret_id=world.credential("vault-secret-id"),
            mount=world.environment.vault.approle_mount,
        )
    )
    return world


@pytest.fixture(scope="module")
def copy(world: World) -> Instance:
    """A restored instance, available."""
    return world.restore(world.spec())


@pytest.fixture(scope="module")
def deployed(opened: World, copy: Instance) -> Mapping[str, Deployment]:
    """The newest release, pointed at the restored database and vault, rolled out: the active one of each service."""
    from tests.contract.deploying import deploy

    return deploy(opened, copy)


# -- the estate in memory, made anew for each test ----------------------------------------------------------------
@pytest.fixture
def made() -> MemoryEstate:
    return MemoryEstate(now=lambda: datetime.now(UTC))


@pytest.fixture
def memory(made: MemoryEstate, tmp_path: Path) -> World:
    return World(
        made.estate(), made.environment(), made.credentials().__getitem__, made.custodians(), made.bad_share(), tmp_path
    )


@pytest.fixture
def running(memory: World) -> World:
    """Restored, and the newest release deployed."""
    from tests.contract.deploying import deploy
    from tests.contract.memory import restore_database, restore_vault

    restore_vault(memory)
    memory.unseal(*memory.three_shares())
    deploy(memory, restore_database(memory))
    return memory
