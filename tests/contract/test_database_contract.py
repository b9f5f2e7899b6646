"""What every estate does with databases: found, copied, looked at from outside and from inside, and removed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from runbook.engine.errors import LayerFailed, NoVerdict, Refused
from runbook.engine.ports import Secret
from runbook.estate.memory.contents import LOOKS
from runbook.estate.ports import ContentAsk, FromSnapshot, Instance, Login, TableContent, ToMoment
from runbook.manifest import folded
from tests.contract.world import World

SOON = timedelta(minutes=10)
PITR = "rds:RestoreDBInstanceToPointInTime"
SNAPSHOT = "rds:RestoreDBInstanceFromDBSnapshot"


def silent(_done: int, _total: int, _table: str) -> None:
    """Nobody watches."""


def every(world: World, copy: Instance, **ask: object) -> dict[str, TableContent]:
    """The content of all tables, each asked for in the same way."""
    here = world.connect(copy)
    asks = tuple(ContentAsk(table, **ask) for table in world.ask(here.tables()))  # type: ignore[arg-type]  # by name
    found = world.ask(here.contents(asks, connections=2, progress=silent))
    assert [one.table for one in found] == [one.table for one in asks]
    return {one.table: one for one in found}


# -- backups ------------------------------------------------------------------------------------------------------
def test_snapshots_of_thirty_days_oldest_first(world: World):
    database = world.environment.database
    found = world.ask(world.estate.databases.snapshots(database.source_instance))
    assert len(found) >= 30
    assert [one.created for one in found] == sorted(one.created for one in found)
    assert datetime.now(UTC) - found[-1].created < timedelta(hours=26)
    assert all(one.encrypted and one.status == "available" for one in found)
    assert all(one.arn.endswith(one.id) for one in found)
    assert {one.target for one in found} <= {"region", ""}
    assert world.ask(world.estate.databases.snapshots("no-such-instance")) == ()


def test_a_snapshot_is_found_by_its_name_and_nobody_shares_any(world: World):
    databases, newest = world.estate.databases, world.newest_snapshot()
    assert world.ask(databases.snapshot(newest.id)) == newest
    assert world.ask(databases.snapshot("no-such-snapshot")) is None
    assert world.ask(databases.shared("999988887777", world.environment.database.source_instance)) == ()


def test_a_moment_can_be_restored_until_a_few_minutes_ago(world: World):
    databases, source = world.estate.databases, world.environment.database.source_instance
    window = world.ask(databases.backup(source))
    assert window is not None
    assert window.instance == source
    assert window.earliest is not None
    assert window.latest is not None
    assert window.earliest < window.latest <= datetime.now(UTC)
    assert datetime.now(UTC) - window.latest < SOON
    assert world.ask(databases.backup("no-such-instance")) is None


def test_a_snapshot_of_our_own_is_made_once_and_forgotten_twice(world: World):
    databases, newest = world.estate.databases, world.newest_snapshot()
    name = "the-contracts-own"  # behind `rds:…` in the alphabet
    for _ in range(2):
        world.ask(databases.keep(world.permit("rds:CopyDBSnapshot", name), newest.id, name))
    kept = world.until(lambda: databases.snapshot(name), lambda one: one is not None and one.status == "available")
    assert kept is not None
    assert (kept.kind, kept.created) == ("manual", newest.created), "a copy is as old as what it was copied from"
    listed = world.ask(databases.snapshots(world.environment.database.source_instance))
    assert [one.id for one in listed[-2:]] == [name, newest.id]
    for _ in range(2):  # the second time there is nothing left, which is no error
        world.ask(databases.forget(world.permit("rds:DeleteDBSnapshot", name), name))
    assert world.ask(databases.snapshot(name)) is None


# -- the copy from outside ----------------------------------------------------------------------------------------
def test_the_ground_is_there_and_shut(world: World):
    database, databases = world.environment.database, world.estate.databases
    wanted = ("max_logical_replication_workers", "shared_preload_libraries")
    ground = world.ask(
        databases.ground(
            subnet_group=database.subnet_group,
            security_groups=database.security_groups,
            parameter_group=database.parameter_group,
            parameters=wanted,
        )
    )
    assert ground.subnet_group == "Complete"
    assert ground.vpc
    assert [(one.id, one.vpc, one.egress) for one in ground.security_groups] == [
        (one, ground.vpc, ()) for one in database.security_groups
    ]
    assert (ground.parameter_family or "").startswith("postgres")
    assert ground.parameters["max_logical_replication_workers"] == "0"
    assert "pg_cron" not in ground.parameters.get("shared_preload_libraries", "")
    assert set(ground.parameters) <= set(wanted)
    assert all(quota is None or quota[0] < quota[1] for quota in (ground.instances, ground.storage_gib))


def test_ground_that_is_not_there_is_not_found(world: World):
    ground = world.ask(
        world.estate.databases.ground(
            subnet_group="nowhere", security_groups=("sg-00000000000000000",), parameter_group="none", parameters=("a",)
        )
    )
    assert (ground.subnet_group, ground.security_groups, ground.parameter_family) == ("", (), None)
    assert ground.parameters == {}


def test_a_copy_is_ours_private_and_made_once(world: World, copy: Instance):
    databases, spec = world.estate.databases, world.spec()
    assert copy.tags["runbook-run"] == world.run
    assert copy.public is False
    assert copy.host
    assert copy.port
    assert [one.id for one in world.ask(databases.tagged("runbook-run", world.run))] == [copy.id]
    assert [one.id for one in world.ask(databases.ours(copy.id[:3], "runbook-run"))] == [copy.id]
    assert world.ask(databases.ours(copy.id[:3], "another-key")) == ()
    assert world.ask(databases.ours("no-such-name", "runbook-run")) == ()
    assert world.ask(databases.instance("no-such-instance")) is None
    assert world.ask(databases.restore(world.permit(SNAPSHOT, spec.instance), spec)).id == copy.id
    theirs = replace(spec, tags={"runbook-run": "another run"})
    with pytest.raises(LayerFailed):
        world.ask(databases.restore(world.permit(SNAPSHOT, spec.instance), theirs))


def test_a_copy_is_described_as_it_was_asked_for(world: World, copy: Instance):
    spec, source = world.spec(), world.ask(world.estate.databases.instance(world.environment.database.source_instance))
    asked = (spec.instance_class, spec.subnet_group, spec.security_groups, spec.parameter_group, spec.retention_days)
    assert asked == (
        copy.instance_class,
        copy.subnet_group,
        copy.security_groups,
        copy.parameter_group,
        copy.retention_days,
    )
    switches = (copy.multi_az, copy.deletion_protection, copy.iam_auth, copy.auto_minor_upgrade)
    assert switches == (False, False, False, False)
    assert (copy.parameters, copy.encrypted, copy.pending) == ("in-sync", True, ())
    assert copy.master_user
    assert source is not None
    assert source.auto_minor_upgrade is True
    assert copy.resource_id != source.resource_id


def test_a_snapshot_that_nobody_has_cannot_be_restored(world: World):
    spec = world.spec("unknown", FromSnapshot("no-such-snapshot"))
    with pytest.raises(LayerFailed):
        world.ask(world.estate.databases.restore(world.permit(SNAPSHOT, spec.instance), spec))


# -- the copy from inside -----------------------------------------------------------------------------------------
def test_the_copy_is_another_place_than_production(world: World, copy: Instance):
    where = world.ask(world.connect(copy).whereabouts())
    assert where.tls
    assert not where.in_recovery
    assert copy.created is not None
    assert where.started >= copy.created - timedelta(seconds=5)


def test_a_database_that_is_not_there_gives_no_verdict(world: World, copy: Instance):
    with pytest.raises(NoVerdict):
        world.ask(world.connect(replace(copy, port=1)).ping())


def test_every_table_has_a_shape(world: World, copy: Instance):
    here = world.connect(copy)
    shapes = world.ask(here.shapes())
    assert tuple(one.name for one in shapes) == world.ask(here.tables())
    assert any(one.key == ("id",) for one in shapes)
    assert all(one.size >= 0 for one in shapes)
    assert sum(one.size for one in shapes) > 0


def test_buckets_add_up_to_their_table_at_every_grain(world: World, copy: Instance):
    whole, coarse, fine = (every(world, copy, buckets=buckets) for buckets in (1, 16, 256))
    for table, content in whole.items():
        assert content.buckets == {}
        for grained in (coarse[table], fine[table]):
            assert (grained.rows, grained.digest, grained.method) == (content.rows, content.digest, content.method)
            assert sum(one.rows for one in grained.buckets.values()) == content.rows
            assert str(sum(int(one.digest) for one in grained.buckets.values())) == content.digest
            assert all(one.rows for one in grained.buckets.values())
        assert folded(fine[table].buckets, 16) == coarse[table].buckets


def test_what_is_not_hashed_is_only_counted(world: World, copy: Instance):
    here = world.connect(copy)
    for table, content in every(world, copy, hashed=False).items():
        assert content.digest is None
        assert content.rows == world.ask(here.rows(table))


def test_the_other_method_gives_another_digest_and_progress_is_told(world: World, copy: Instance):
    here, told = world.connect(copy), list[tuple[int, int, str]]()
    table = world.environment.database.recency_table
    asks = (ContentAsk(table, method="record"), ContentAsk(table, method="text"))
    ask = here.contents(asks, connections=1, progress=lambda *said: told.append(said))
    by_record, by_text = world.ask(ask)
    assert (by_record.method, by_text.method) == ("record", "text")
    assert by_record.rows == by_text.rows
    assert by_record.digest != by_text.digest
    assert told
    assert all(0 <= done <= total for done, total, _ in told)
    assert table in {name for _, _, name in told}


def test_a_table_that_is_not_there_is_named(world: World, copy: Instance):
    here = world.connect(copy)
    with pytest.raises(LayerFailed):
        world.ask(here.rows("public.nothing"))
    with pytest.raises(LayerFailed):
        world.ask(here.contents((ContentAsk("public.nothing"),), connections=1, progress=silent))


def test_what_did_not_move_around_the_backup_is_the_same_in_the_copy(world: World, copy: Instance):
    before, after = world.manifests()
    assert before.made_at < after.made_at
    assert before.buckets == after.buckets
    found, compared = every(world, copy, buckets=before.buckets), 0
    assert set(before.tables) == set(after.tables) == set(found)
    for table, content in found.items():
        old, new = before.tables[table], after.tables[table]
        assert content.method == old.method
        assert min(old.rows, new.rows) <= content.rows <= max(old.rows, new.rows)
        still = {number for number, one in old.buckets.items() if new.buckets.get(number) == one}
        assert {number: content.buckets.get(number) for number in still} == {one: old.buckets[one] for one in still}
        compared += len(still)
    assert compared > 500


def test_the_copy_states_of_itself_what_is_found_in_it(world: World, copy: Instance):
    here = world.connect(copy)
    stated = world.ask(here.manifest(buckets=16, connections=2, progress=silent))
    found = every(world, copy, buckets=16)
    assert {name: (one.rows, one.digest, one.method) for name, one in stated.tables.items()} == {
        name: (one.rows, one.digest, one.method) for name, one in found.items()
    }
    assert all(stated.tables[name].buckets == one.buckets for name, one in found.items())
    assert stated.catalogue == world.ask(here.catalogue())
    assert stated.database == world.environment.database.name
    assert abs(datetime.now(UTC) - stated.made_at) < SOON


def test_the_catalogue_says_what_stands_beside_the_rows(world: World, copy: Instance):
    here = world.connect(copy)
    catalogue, tables = world.ask(here.catalogue()), set(world.ask(here.tables()))
    assert set(catalogue.columns) == tables
    assert catalogue.migration.startswith("alembic_version ")
    assert "plpgsql" in catalogue.extensions
    assert world.environment.database.user in catalogue.roles
    assert set(catalogue.row_security) <= tables
    assert any(value for value in catalogue.sequences.values())
    assert catalogue.settings["TimeZone"] == "UTC"
    before, _ = world.manifests()
    assert catalogue.columns == before.catalogue.columns
    assert catalogue.migration == before.catalogue.migration


def test_every_look_at_the_structure_is_named_and_finds_nothing(world: World, copy: Instance):
    told: list[str] = []
    readings = world.ask(world.connect(copy).structure(lambda _done, _total, name: told.append(name)))
    assert sorted(one.name for one in readings) == sorted(LOOKS)
    assert told
    assert {one.name: one.found for one in readings if one.found} == {}
    assert any(not one.not_run for one in readings)


def test_the_newest_row_is_from_before_the_snapshot(world: World, copy: Instance):
    database = world.environment.database
    newest = world.ask(world.connect(copy).newest(database.recency_table, database.recency_column))
    assert newest is not None
    assert newest <= world.newest_snapshot().created
    assert timedelta() < datetime.now(UTC) - newest < timedelta(hours=26)


def test_the_canary_is_found_by_its_key_only(world: World, copy: Instance):
    canary, here = world.environment.canary, world.connect(copy)
    place = (canary.table, canary.key_column)
    assert world.ask(here.text_value(*place, canary.key, canary.ciphertext_column))
    assert world.ask(here.text_value(*place, "nobody", canary.ciphertext_column)) is None


def test_the_versions_of_the_transit_key_are_read_from_the_ciphertexts(world: World, copy: Instance):
    here = world.connect(copy)
    assert world.environment.database.ciphertexts
    for one in world.environment.database.ciphertexts:
        seen = world.ask(here.key_versions(one.table, one.column))
        assert seen.versions == tuple(sorted(set(seen.versions)))
        assert seen.values == world.ask(here.rows(one.table))
        assert 1 in seen.versions
        assert seen.other == 0
    with pytest.raises(LayerFailed):
        world.ask(here.key_versions(world.environment.database.ciphertexts[0].table, "no_such_column"))


def test_checks_of_ones_own_hold_and_a_wrong_one_is_refused(world: World, copy: Instance):
    here, table = world.connect(copy), world.environment.database.recency_table
    assert world.environment.database.assertions
    for one in world.environment.database.assertions:
        assert world.ask(here.assertion(one.sql)) == one.expect
    counted = f"select count(*) from {table}"  # noqa: S608 - a name from the configuration
    assert world.ask(here.assertion(counted)) == str(world.ask(here.rows(table)))
    with pytest.raises(LayerFailed):
        world.ask(here.assertion("select nothing that is there"))


def test_statistics_came_with_the_copy(world: World, copy: Instance):
    assert world.ask(world.connect(copy).without_statistics()) == ()


# -- changes ------------------------------------------------------------------------------------------------------
@pytest.fixture(scope="module")
def owner(world: World, copy: Instance) -> Login:
    """The copy's master user, with a password that was made here."""
    login, databases = Login(copy.master_user, Secret("contract-Pa55word-of-its-own")), world.estate.databases
    world.ask(databases.set_password(world.permit("rds:ModifyDBInstance", copy.id), copy.id, login.password))
    world.until(
        lambda: databases.instance(copy.id),
        lambda one: one is not None and one.status == "available" and not one.pending,
    )
    return login


def test_the_master_user_has_our_password_and_the_reader_its_own(world: World, copy: Instance, owner: Login):
    world.ask(world.connect(copy, owner).ping())
    world.ask(world.connect(copy).ping())
    with pytest.raises(NoVerdict):
        world.ask(world.connect(copy, replace(owner, password=Secret("another"))).ping())


def test_what_acts_on_others_is_listed_and_ended_by_its_own_statement(world: World, copy: Instance, owner: Login):
    here, queues = world.connect(copy, owner), world.environment.database.outbound_queues
    effects = world.ask(here.side_effects(queues))
    assert all(one.kind and one.name for one in effects)
    for one in effects:
        if one.active and one.how:
            world.ask(here.silence(world.permit("postgres:Silence", one.name), one))
    assert not any(one.active and one.how for one in world.ask(here.side_effects(queues)))
    with pytest.raises(LayerFailed):
        world.ask(here.side_effects(("public.nothing",)))


def test_nothing_is_changed_in_a_copy_without_the_permit_for_it(world: World, copy: Instance, owner: Login):
    here, table = world.connect(copy, owner), world.environment.database.recency_table
    with pytest.raises(Refused):
        world.ask(here.analyze(world.permit("postgres:Analyze", "public.another"), table))
    world.ask(here.analyze(world.permit("postgres:Analyze", table), table))
    assert table not in world.ask(here.without_statistics())


# -- a moment -----------------------------------------------------------------------------------------------------
@pytest.fixture(scope="module")
def earlier(world: World, copy: Instance) -> Iterator[tuple[Instance, datetime]]:
    """A copy of the moment one second before the newest row of the other one, and that row's time."""
    database = world.environment.database
    newest = world.ask(world.connect(copy).newest(database.recency_table, database.recency_column))
    assert newest is not None
    at = newest.replace(microsecond=0) - timedelta(seconds=1)
    spec = world.spec("moment", ToMoment(database.source_instance, at))
    made = world.restore(replace(spec, auto_minor_upgrade=True))
    yield made, newest
    world.delete(made.id)


def test_a_moment_is_restored_to_the_second(world: World, copy: Instance, earlier: tuple[Instance, datetime]):
    database, (instance, later) = world.environment.database, earlier
    here = world.connect(instance)
    newest = world.ask(here.newest(database.recency_table, database.recency_column))
    assert newest is not None
    assert newest < later - timedelta(seconds=1)
    table = database.recency_table
    assert world.ask(here.rows(table)) < world.ask(world.connect(copy).rows(table))
    assert instance.resource_id != copy.resource_id
    assert instance.auto_minor_upgrade is True


@pytest.mark.parametrize("at", [datetime(2040, 1, 1, tzinfo=UTC), datetime(2001, 1, 1, tzinfo=UTC)])
def test_a_moment_outside_the_window_cannot_be_restored(world: World, at: datetime):
    spec = world.spec("outside", ToMoment(world.environment.database.source_instance, at))
    with pytest.raises(LayerFailed):
        world.ask(world.estate.databases.restore(world.permit(PITR, spec.instance), spec))
    assert world.ask(world.estate.databases.instance(spec.instance)) is None


def test_each_kind_of_restore_has_a_permit_of_its_own(world: World):
    spec = world.spec("other", ToMoment(world.environment.database.source_instance, datetime.now(UTC)))
    with pytest.raises(Refused):
        world.ask(world.estate.databases.restore(world.permit(SNAPSHOT, spec.instance), spec))


# -- cleanup ------------------------------------------------------------------------------------------------------
def test_a_copy_that_is_deleted_leaves_no_backups(world: World, copy: Instance, owner: Login):
    for _ in range(2):  # the second time there is nothing left, which is no error
        world.delete(copy.id)
    assert world.ask(world.estate.databases.automated_backups(copy.id)) == 0
