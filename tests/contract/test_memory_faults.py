"""The faults of the vault, the database and providers in memory show where a step would meet them."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from runbook.engine.errors import LayerFailed, NoVerdict
from runbook.estate.ports import WrongShares
from tests.contract.memory import restore_database, restore_vault
from tests.contract.world import World


@pytest.fixture
def world(memory: World) -> World:
    return memory


def test_a_mutating_call_is_counted_and_a_read_is_not(made, world):
    restore_database(world)
    assert made.calls == [("rds:RestoreDBInstanceFromDBSnapshot", "rt-contract")]


def test_a_stopped_database_gives_no_verdict_until_it_is_started(made, world):
    here = world.connect(restore_database(world))
    made.stop_database()
    with pytest.raises(NoVerdict):
        world.ask(here.ping())
    made.start_database()
    world.ask(here.ping())


def test_a_damaged_archive_stops_at_the_inspection(made, world):
    made.damaged_snapshot()
    with pytest.raises(LayerFailed, match=r"state\.bin"):
        world.ask(world.estate.archives.inspect(world.download()))


def test_a_foreign_archive_is_whole_and_productions_shares_do_not_open_it(made, world):
    made.foreign_snapshot()
    assert world.ask(world.estate.archives.inspect(world.download())).shares == 5
    restore_vault(world)
    with pytest.raises(WrongShares):
        world.unseal(*world.three_shares())


def test_another_threshold_than_the_snapshots_needs_a_restart(made, world):
    restore_vault(world, shares=1, threshold=1)
    with pytest.raises(WrongShares, match="key size 33"):
        world.unseal(world.three_shares()[0])
    made.restart_vault()
    world.unseal(*world.three_shares())
    assert world.ask(world.estate.vault.health()).status == 200


def test_a_provider_that_is_down_gives_no_verdict(made, world):
    made.take_down("northflank")
    with pytest.raises(NoVerdict, match="northflank"):
        world.ask(world.estate.platform.token())
    made.bring_back("northflank")
    assert world.ask(world.estate.platform.token()).active


def test_the_rest_of_the_faults_are_where_a_step_looks(made, world):
    made.stale_backup(30)
    assert (datetime.now(UTC) - world.newest_backup().modified).total_seconds() > 26 * 3600
    made.no_snapshot_today(2)
    newest = world.ask(world.estate.databases.snapshots("clinic-production"))[-1]
    assert (datetime.now(UTC) - newest.created).total_seconds() > 26 * 3600
    made.incompatible_restore()
    assert restore_database(world).status == "incompatible-restore"
    made.cleanup_refused()
    with pytest.raises(LayerFailed):
        world.ask(world.estate.databases.delete(world.permit("rds:DeleteDBInstance", "rt-contract"), "rt-contract"))
