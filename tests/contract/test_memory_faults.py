"""The faults of the estate in memory show where a step would meet them."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from runbook.engine.errors import LayerFailed, NoVerdict
from runbook.estate.memory import MemoryEstate
from runbook.estate.memory.names import CUSTOM_PHASE, MANAGED_PHASE
from runbook.estate.ports import WrongShares
from tests.contract.deploying import deploy
from tests.contract.world import World


@pytest.fixture
def made() -> MemoryEstate:
    return MemoryEstate(now=lambda: datetime.now(UTC))


@pytest.fixture
def world(made, tmp_path) -> World:
    return World(
        made.estate(), made.environment(), made.credentials().__getitem__, made.custodians(), made.bad_share(), tmp_path
    )


def restore_database(world: World):
    return world.restore(world.spec())


def restore_vault(world: World, *, shares: int = 5, threshold: int = 3) -> None:
    permit = world.vault_permit
    fresh = world.ask(world.estate.vault.initialise(permit("Initialise"), shares=shares, threshold=threshold))
    world.unseal(*fresh.keys[:threshold])
    restoring = world.estate.vault.restore(
        permit("Restore"), world.download(), token=fresh.root_token, force=True, progress=lambda _d, _t: None
    )
    world.ask(restoring)


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


@pytest.fixture
def running(made: MemoryEstate, world: World) -> World:
    restore_vault(world)
    world.unseal(*world.three_shares())
    deploy(world, restore_database(world))
    return world


def health(world: World) -> tuple[int, dict[str, str]]:
    answer = world.ask(world.estate.web.get(world.environment.application.health_url))
    return answer.status, json.loads(answer.body)


def test_an_application_on_the_wrong_database_looks_well_and_has_no_session_on_the_copy(made, running):
    made.app_on_wrong_database = True
    assert health(running)[0] == 200
    copy = running.ask(running.estate.databases.instance("rt-contract"))
    assert running.ask(running.connect(copy).sessions("contract")) == ()


def test_a_sealed_vault_shows_in_the_health_document(made, running):
    made.seal()
    status, document = health(running)
    assert (status, document["database"], document["vault"]) == (503, "ok", "unreachable")


def test_a_swapped_digest_shows_in_document_and_deployments(made, running):
    before = health(running)[1]["digest"]
    made.swap_digest()
    settings = running.environment.application
    deployments = running.ask(running.estate.platform.deployments(settings.project, settings.service))
    assert health(running)[1]["digest"] == deployments[0].digest != before


def test_a_changed_canary_gives_another_proof(made, running):
    probe = running.environment.application.probe_url
    before = running.ask(running.estate.web.post(probe, {"nonce": "00"})).body
    made.change_canary()
    after = running.ask(running.estate.web.post(probe, {"nonce": "00"}))
    assert (after.status, after.body != before) == (200, True)


def test_without_waf_both_phases_are_bare(made, world):
    made.waf_off()
    edge = world.estate.edge
    zone = world.ask(edge.zone("clinic.test"))
    assert not any(rule.enabled for rule in world.ask(edge.rules(zone.id, MANAGED_PHASE)))
    assert world.ask(edge.rules(zone.id, CUSTOM_PHASE)) == ()


def test_a_moved_tag_leads_to_another_digest_than_the_list(made, world):
    made.moved_tag()
    image = world.environment.application.image
    versions = world.ask(world.estate.code.package_versions(image.organisation, image.package))
    listed = next(version for version in versions if "v1.8.2" in version.tags)
    proof = world.ask(world.estate.registry.image(image.repository, "v1.8.2"))
    assert proof.stated == proof.computed != listed.digest


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
