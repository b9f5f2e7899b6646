"""The restored vault carries production's cluster_id by design: when it may say so, and where it never counts."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Final

import pytest

from runbook.config.file import Configuration
from runbook.engine.errors import Refused
from runbook.engine.run import Intent, Run
from runbook.estate.door import Door
from runbook.safety.interlock import Interlock
from tests.safety import places
from tests.safety.cases import TRIES, Desk, Things, attempted, operation_of
from tests.safety.places import CLUSTER, RUN
from tests.safety.recording import World, in_place

VAULT: Final = [case for case in TRIES if case.startswith("vault:")]
ADDRESS: Final = "https://vault.staging.example:8200"


@pytest.fixture(scope="module")
def configuration(tmp_path_factory: pytest.TempPathFactory) -> Configuration:
    return places.configured(tmp_path_factory.mktemp("vault"))


@pytest.fixture
def desk(configuration: Configuration) -> Iterator[Desk]:
    """A drill's, and whoever answers says that it is production's cluster."""
    door = Door(2)
    with in_place(world := World(places.STAGING, cluster=CLUSTER)):
        yield Desk(world, Interlock(places.bounds_of(configuration, "drill")), door)
    door.close()


@pytest.mark.parametrize("case", VAULT)
async def test_before_the_restore_production_behind_stagings_address_is_not_changed(case, desk, configuration) -> None:
    with pytest.raises(Refused, match="answers as production's cluster, and was not restored here"):
        await attempted(case, desk, places.staging(configuration))
    assert desk.world.reached
    assert desk.world.changes == []


@pytest.mark.parametrize("case", VAULT)
async def test_after_a_restore_that_the_journal_announced_stagings_vault_is_changed(case, desk, configuration) -> None:
    desk.interlock.know_run(RUN, _restored_into(ADDRESS))
    assert await attempted(case, desk, places.staging(configuration))


@pytest.mark.parametrize("case", VAULT)
async def test_after_a_restore_of_this_process_stagings_vault_is_changed(case, desk, configuration) -> None:
    await _restore(desk, places.staging(configuration))
    assert await attempted(case, desk, places.staging(configuration))


@pytest.mark.parametrize("case", VAULT)
async def test_productions_address_is_refused_before_and_after(case, desk, configuration) -> None:
    theirs = places.production(configuration)
    await _refused(case, desk, theirs)
    await _restore(desk, places.staging(configuration))
    await _refused(case, desk, theirs)
    desk.interlock.know_run(RUN, _restored_into(theirs.environment.vault.address))
    await _refused(case, desk, theirs)


@pytest.mark.parametrize("case", VAULT)
async def test_a_restore_that_was_announced_for_another_address_counts_for_that_one_only(
    case, desk, configuration
) -> None:
    desk.interlock.know_run(RUN, _restored_into("https://vault.staging.example:8201"))
    await _refused(case, desk, places.staging(configuration))


async def test_a_restore_that_is_refused_has_restored_nothing(desk, configuration) -> None:
    ours = places.staging(configuration)
    await _refused("vault:Restore", desk, ours)
    await _refused("vault:Login", desk, ours)


@pytest.mark.parametrize("case", VAULT)
async def test_a_vault_is_asked_which_cluster_it_is_before_anything_in_it_is_changed(case, desk, configuration) -> None:
    desk.world.cluster = "another"
    assert await attempted(case, desk, places.staging(configuration))
    assert desk.world.reached.index("vault:SealStatus") < desk.world.reached.index(operation_of(case))


async def test_production_that_is_sealed_meanwhile_is_still_production(desk, configuration) -> None:
    """A sealed vault does not say which cluster it is; one without data is nobody's."""
    ours = places.staging(configuration)
    await desk.vault(ours).seal_status()
    desk.world.cluster, desk.world.status = "", {"sealed": True}
    await desk.vault(ours).seal_status()
    await _refused("vault:Unseal", desk, ours)
    desk.world.status = {"sealed": True, "initialized": False}
    await desk.vault(ours).seal_status()
    assert await attempted("vault:Initialise", desk, ours)


async def _restore(desk: Desk, things: Things) -> None:
    """While the target still is nobody's."""
    said, desk.world.cluster = desk.world.cluster, ""
    assert await attempted("vault:Restore", desk, things)
    desk.world.cluster = said
    desk.world.reached.clear()
    await desk.vault(things).seal_status()


async def _refused(case: str, desk: Desk, things: Things) -> None:
    before = desk.world.changes
    with pytest.raises(Refused):
        await attempted(case, desk, things)
    assert desk.world.changes == before


def _restored_into(address: str) -> Run:
    at = datetime(2027, 1, 15, 10, tzinfo=UTC)
    return Run(announced=(Intent("vault.restore", "vault:Restore", address, at),))
