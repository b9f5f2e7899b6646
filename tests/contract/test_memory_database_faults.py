"""The faults of the database in memory show where a step would meet them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from runbook.engine.errors import LayerFailed, NoVerdict
from runbook.engine.ports import Secret
from runbook.estate.memory import MemoryEstate, names
from runbook.estate.memory.contents import BOOKINGS, LOOKS, NOTES
from runbook.estate.memory.database_faults import TUNNEL
from runbook.estate.ports import ContentAsk, Database, Endpoint, FromSnapshot, Login, SideEffect, TableContent, ToMoment
from steps.database.structure import _BESIDE
from tests.contract.world import World

NOW = datetime(2027, 1, 15, 10, tzinfo=UTC)
SOURCE = names.PRODUCTION_DATABASE


@pytest.fixture
def made() -> MemoryEstate:
    return MemoryEstate(now=lambda: NOW)


@pytest.fixture
def world(made: MemoryEstate, tmp_path: Path) -> World:
    return World(
        made.estate(), made.environment(), made.credentials().__getitem__, made.custodians(), made.bad_share(), tmp_path
    )


def copied(world: World) -> Database:
    return world.connect(world.restore(world.spec()))


def content(world: World, here: Database, table: str, buckets: int = 256) -> TableContent:
    (found,) = world.ask(here.contents((ContentAsk(table, buckets),), connections=1, progress=lambda *_: None))
    return found


def owned(world: World) -> Database:
    copy, databases = world.restore(world.spec()), world.estate.databases
    permit, login = world.permit("rds:ModifyDBInstance", copy.id), Login(names.MASTER_USER, Secret("its own"))
    world.ask(databases.set_password(permit, copy.id, login.password))
    world.until(lambda: databases.instance(copy.id), lambda one: one is not None and not one.pending)
    return world.connect(copy, login)


# -- content ------------------------------------------------------------------------------------------------------
def test_a_lost_table_is_empty_in_running_and_later_copies(made, world):
    made.lose_table(BOOKINGS)
    here = copied(world)
    assert content(world, here, BOOKINGS).rows == 0
    made.lose_table("public.patients")
    assert content(world, here, "public.patients").digest == "0"
    assert content(world, here, "public.settings").rows == 4


def test_a_dropped_table_is_not_there(made, world):
    made.drop_table(NOTES)
    with pytest.raises(LayerFailed, match="is not there"):
        world.ask(copied(world).rows(NOTES))


@pytest.mark.parametrize("table", [BOOKINGS, NOTES, "public.patients"])
def test_one_changed_row_shows_in_one_bucket_that_production_left_alone(made, world, table):
    bucket = made.change_row(table)
    before, after = (one.tables[table] for one in world.manifests())
    assert before.buckets[bucket] == after.buckets[bucket]
    found = content(world, copied(world), table).buckets
    still = [number for number, one in before.buckets.items() if after.buckets.get(number) == one]
    assert [number for number in still if found.get(number) != before.buckets[number]] == [bucket]
    assert found[bucket].rows == before.buckets[bucket].rows


def test_hidden_rows_are_refused_to_the_reader_and_never_counted_as_none(made, world):
    made.hide_rows(NOTES)
    here = copied(world)
    with pytest.raises(NoVerdict, match="may not see all rows"):
        content(world, here, NOTES)
    with pytest.raises(NoVerdict, match="may not see all rows"):
        world.ask(here.rows(NOTES))
    assert world.ask(owned(world).rows(NOTES)) == 4000
    said = world.ask(here.catalogue()).row_security
    assert (said[NOTES], said[BOOKINGS]) == ("enabled, 1 policy", "off")
    assert world.manifests()[0].catalogue.row_security == said


def test_only_what_production_writes_moves_around_a_backup(world):
    before, after = world.manifests()
    moved = {
        table: sum(stated.buckets.get(n) != after.tables[table].buckets.get(n) for n in range(256))
        for table, stated in before.tables.items()
    }
    assert {table for table, number in moved.items() if number} == {BOOKINGS, NOTES}
    assert all(number <= 5 for number in moved.values())


def test_production_that_shrank_says_so_in_its_own_manifests(made, world):
    full = world.manifests()[0].tables[BOOKINGS].rows
    made.shrunk_production()
    before, after = world.manifests()
    copy = content(world, copied(world), BOOKINGS)
    assert before.tables[BOOKINGS].rows <= copy.rows <= after.tables[BOOKINGS].rows < full / 10
    older = world.ask(world.estate.databases.snapshots(SOURCE))[-4]
    earlier = world.connect(world.restore(world.spec("older", FromSnapshot(older.id))))
    assert world.ask(earlier.rows(BOOKINGS)) > 0.9 * full


def test_manifests_can_be_missing_altogether_or_after_the_backup(made, world):
    made.only_manifests_before()
    found = world.ask(world.estate.objects.list(names.BACKUPS, names.MANIFEST_PREFIX))
    assert len(found) == 13
    assert found[-1].modified < world.newest_snapshot().created
    made.no_manifests()
    assert world.ask(world.estate.objects.list(names.BACKUPS, names.MANIFEST_PREFIX)) == ()


def test_a_moment_holds_what_was_written_until_then_and_production_goes_on(made, world):
    newest = {}
    for minutes in (76, 75, 56, 55):
        spec = world.spec(f"m{minutes}", ToMoment(SOURCE, NOW - timedelta(minutes=minutes)))
        newest[minutes] = world.ask(world.connect(world.restore(spec)).newest(BOOKINGS, "booked_at"))
    assert {minutes: (NOW - at) / timedelta(minutes=1) for minutes, at in newest.items() if at} == {
        76: 95,
        75: 75,
        56: 75,
        55: 55,
    }
    before = made.databases.source.tables[BOOKINGS]
    made.write()
    assert len(made.databases.source.tables[BOOKINGS].rows) == len(before.rows) + 1


# -- the rest of what is inside -----------------------------------------------------------------------------------
def test_structure_trouble_is_under_its_name(made, world):
    made.break_structure(LOOKS[0], "public.appointments_booked_at")
    made.break_structure(LOOKS[1], not_run="amcheck is not installed")
    readings = world.ask(copied(world).structure(lambda *_: None))
    assert tuple(one.name for one in readings) == LOOKS
    assert (readings[0].found, readings[1].not_run) == (
        ("public.appointments_booked_at",),
        "amcheck is not installed",
    )
    assert not any(one.found or one.not_run for one in readings[2:])


def test_what_steps_only_tell_of_the_structure_is_looked_at_under_that_name():
    assert set(_BESIDE) <= set(LOOKS)


def test_what_acts_on_others_is_ended_by_the_master_user_only(made, world):
    made.act_on_others()
    (effect,) = world.ask(copied(world).side_effects(()))
    permit = world.permit("postgres:Silence", effect.name)
    with pytest.raises(NoVerdict, match="may not change"):
        world.ask(copied(world).silence(permit, effect))
    world.ask(owned(world).silence(permit, effect))
    assert [one.active for one in world.ask(copied(world).side_effects(()))] == [False]


def test_a_queue_acts_while_it_holds_rows(made, world):
    made.lose_table("public.patients")
    found = world.ask(copied(world).side_effects(("public.settings", "public.patients")))
    assert found == (
        SideEffect("queue", "public.settings", active=True),
        SideEffect("queue", "public.patients", active=False),
    )


def test_missing_statistics_are_gathered_by_the_master_user_only(made, world):
    made.forget_statistics(BOOKINGS, NOTES)
    permit = world.permit("postgres:Analyze", NOTES)
    world.ask(copied(world).analyze(permit, NOTES))
    assert world.ask(copied(world).without_statistics()) == (BOOKINGS, NOTES)
    world.ask(owned(world).analyze(permit, NOTES))
    assert world.ask(copied(world).without_statistics()) == (BOOKINGS,)


def test_rows_need_a_version_that_only_the_newest_vault_backup_lacks(made, world):
    made.key_skew()
    assert world.ask(copied(world).key_versions(NOTES, "ciphertext")).versions == (1, 2)
    backup = world.environment.vault.backup
    found = world.ask(world.estate.objects.list(backup.bucket, backup.prefix))
    known = made.objects.archives()
    heads = [world.ask(world.estate.objects.head(backup.bucket, one.key)).sha256 for one in found]
    assert [known[one or ""].versions for one in heads] == [(1, 2)] * 13 + [(1,)]


def test_an_archive_with_two_versions_says_so_to_whoever_holds_the_shares(made, world, tmp_path):
    made.key_skew()
    backup = world.environment.vault.backup
    older = world.ask(world.estate.objects.list(backup.bucket, backup.prefix))[-2]
    got = world.ask(world.estate.objects.download(older, tmp_path / "older.snap", lambda *_: None))
    proof = world.ask(world.estate.archives.prove(got.path, world.three_shares(), transit_mount="transit"))
    assert proof.transit_keys == {names.TRANSIT_KEY: (1, 2)}


# -- where it is --------------------------------------------------------------------------------------------------
def test_an_endpoint_that_is_really_the_source_answers_as_the_source(made, world):
    made.endpoint_is_the_source()
    where = world.ask(copied(world).whereabouts())
    there = world.ask(world.estate.sql.at(Endpoint(names.DATABASE_HOST, 5432, "127.0.0.1")).whereabouts())
    assert where == there
    assert where.started < NOW - timedelta(days=1)


def test_private_copies_answer_through_a_tunnel_only(made, world):
    made.private_copies()
    copy = world.restore(world.spec())
    tunnel = world.estate.sql.at(Endpoint(copy.host, TUNNEL, "127.0.0.1"))
    with pytest.raises(NoVerdict):
        world.ask(world.connect(copy).ping())
    with pytest.raises(NoVerdict):
        world.ask(tunnel.ping())
    made.hands("open-tunnel")
    world.ask(tunnel.ping())


def test_hands_may_fail_to_open_a_tunnel(made, world):
    made.hands_open_tunnel = False
    made.hands("open-tunnel")
    copy = world.restore(world.spec())
    with pytest.raises(NoVerdict):
        world.ask(world.estate.sql.at(Endpoint(copy.host, TUNNEL, "127.0.0.1")).ping())


def test_a_password_works_a_question_after_it_was_set(world):
    copy, databases = world.restore(world.spec()), world.estate.databases
    here = world.connect(copy, Login(names.MASTER_USER, Secret("its own")))
    world.ask(databases.set_password(world.permit("rds:ModifyDBInstance", copy.id), copy.id, Secret("its own")))
    with pytest.raises(NoVerdict):
        world.ask(here.ping())
    pending = world.ask(databases.instance(copy.id))
    assert pending is not None
    assert (pending.status, pending.pending) == ("resetting-master-credentials", ("MasterUserPassword",))
    world.ask(here.ping())
    settled = world.ask(databases.instance(copy.id))
    assert settled is not None
    assert (settled.status, settled.pending) == ("available", ())


# -- the provider -------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("fault", "refusal"), [(MemoryEstate.no_subnet_group, LayerFailed), (MemoryEstate.quota_full, NoVerdict)]
)
def test_without_ground_nothing_is_restored(made, world, fault, refusal):
    fault(made)
    with pytest.raises(refusal):
        world.restore(world.spec())
    assert made.databases.copies == {}


def test_an_open_way_out_and_pg_cron_are_seen_in_the_ground(made, world):
    made.egress_open()
    made.cron_in_parameters()
    database = world.environment.database
    ground = world.ask(
        world.estate.databases.ground(
            subnet_group=database.subnet_group,
            security_groups=database.security_groups,
            parameter_group=database.parameter_group,
            parameters=("shared_preload_libraries", "max_logical_replication_workers"),
        )
    )
    assert ground.security_groups[0].egress == ("all to 0.0.0.0/0",)
    assert "pg_cron" in ground.parameters["shared_preload_libraries"]
    assert ground.parameters["max_logical_replication_workers"] != "0"


def test_without_a_log_there_is_no_moment_to_restore(made, world):
    made.no_point_in_time()
    assert world.ask(world.estate.databases.backup(SOURCE)) is None
    with pytest.raises(LayerFailed):
        world.restore(world.spec("moment", ToMoment(SOURCE, NOW - timedelta(hours=1))))


def test_a_copy_may_come_up_public_and_be_hidden(made, world):
    made.come_up_otherwise(public=True, instance_class="db.t3.micro")
    copy = world.restore(world.spec())
    assert (copy.public, copy.instance_class) == (True, "db.t3.micro")
    world.ask(world.estate.databases.hide(world.permit("rds:ModifyDBInstance", copy.id), copy.id))
    hidden = world.ask(world.estate.databases.instance(copy.id))
    assert hidden is not None
    assert (hidden.public, hidden.instance_class) == (False, "db.t3.micro")


def test_a_slow_restore_shows_a_status_that_nobody_knows(made, world):
    made.slow_restore(5)
    spec = world.spec()
    seen: list[str] = []
    databases = world.estate.databases
    world.ask(databases.restore(world.permit("rds:RestoreDBInstanceFromDBSnapshot", spec.instance), spec))
    while not seen or seen[-1] != "available":
        found = world.ask(databases.instance(spec.instance))
        assert found is not None
        seen.append(found.status)
    assert seen.count("storage-initialization") == 5


def test_a_shared_snapshot_is_copied_under_our_key_before_it_is_restored(made, world):
    made.share_snapshots("999988887777")
    databases, newest = world.estate.databases, world.newest_snapshot()
    shared = world.ask(databases.shared("999988887777", SOURCE))[-1]
    assert shared.id == shared.arn
    assert (shared.kind, shared.created) == ("shared", newest.created)
    with pytest.raises(LayerFailed):
        world.restore(world.spec("straight", FromSnapshot(shared.id)))
    permit = world.permit("rds:CopyDBSnapshot", "ours")
    world.ask(databases.copy(permit, shared.id, "ours", kms_key=names.KMS_KEY, tags={"run": "this"}))
    statuses = [one.status for one in (world.ask(databases.snapshot("ours")) for _ in range(4)) if one]
    assert statuses == ["creating", "creating", "available", "available"]
    here = world.connect(world.restore(world.spec("copied", FromSnapshot("ours"))))
    assert world.ask(here.rows(BOOKINGS)) == 9000


def test_a_copied_snapshot_cannot_be_restored_before_it_is_there(made, world):
    made.share_snapshots("999988887777")
    databases = world.estate.databases
    shared = world.ask(databases.shared("999988887777", SOURCE))[-1]
    permit = world.permit("rds:CopyDBSnapshot", "ours")
    world.ask(databases.copy(permit, shared.id, "ours", kms_key=names.KMS_KEY, tags={}))
    with pytest.raises(NoVerdict, match="creating"):
        world.restore(world.spec("copied", FromSnapshot("ours")))


def test_copies_of_older_snapshots_are_not_the_newest(made, world):
    made.share_snapshots("999988887777")
    databases, automated = world.estate.databases, world.ask(world.estate.databases.snapshots(SOURCE))
    shared = world.ask(databases.shared("999988887777", SOURCE))[-1]
    for name, of in (("kept-last-week", automated[-8].id), ("rt-kept", automated[-1].id)):
        world.ask(databases.keep(world.permit("rds:CopyDBSnapshot", name), of, name))
    permit = world.permit("rds:CopyDBSnapshot", "rt-source")
    world.ask(databases.copy(permit, shared.id, "rt-source", kms_key=names.KMS_KEY, tags={}))
    found = [one.id for one in world.ask(databases.snapshots(SOURCE))]
    assert found[-3:] == ["rt-kept", "rt-source", automated[-1].id]
    assert found.index("kept-last-week") == found.index(automated[-8].id) - 1


def test_an_instance_that_is_not_there_yet_takes_no_password_and_that_is_no_verdict(world):
    spec, databases = world.spec(), world.estate.databases
    world.ask(databases.restore(world.permit("rds:RestoreDBInstanceFromDBSnapshot", spec.instance), spec))
    permit = world.permit("rds:ModifyDBInstance", spec.instance)
    with pytest.raises(NoVerdict, match="is creating"):
        world.ask(databases.set_password(permit, spec.instance, Secret("its own")))


def test_an_automated_snapshot_is_not_ours_to_delete(world):
    newest = world.newest_snapshot().id
    with pytest.raises(NoVerdict):
        world.ask(world.estate.databases.forget(world.permit("rds:DeleteDBSnapshot", newest), newest))
