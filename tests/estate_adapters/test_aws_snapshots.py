"""RDS snapshots and automated backups: what is asked for, over all pages, and what is made of the answers."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from botocore.stub import Stubber

from runbook.engine.errors import LayerFailed, NoVerdict
from runbook.estate.aws.client import AwsAccess
from runbook.estate.aws.databases import AwsDatabases
from runbook.estate.ports import AutomatedBackup, Snapshot
from tests.estate_adapters.aws_databases import NIGHT

LIST = "describe_db_snapshots"
BACKUPS = "describe_db_instance_automated_backups"
CLINIC = {"DBInstanceIdentifier": "clinic"}
THEIRS = "arn:aws:rds:eu-west-2:444455556666:snapshot:"


def raw(name: str, hours_old: int = 0, **more: Any) -> dict[str, Any]:
    made = NIGHT - timedelta(hours=hours_old)
    return {"DBSnapshotIdentifier": name, "SnapshotCreateTime": made, "Status": "available", **more}


# -- our own ------------------------------------------------------------------------------------------------------
async def test_150_snapshots_come_oldest_first_over_both_pages(access: AwsAccess, rds: Stubber) -> None:
    rows = [raw(f"rds:clinic-{n:03}", hours_old=n) for n in range(150)]
    rds.add_response(LIST, {"DBSnapshots": rows[:100], "Marker": "m"}, CLINIC)
    rds.add_response(LIST, {"DBSnapshots": rows[100:]}, CLINIC | {"Marker": "m"})
    found = await AwsDatabases(access).snapshots("clinic")
    assert [each.id for each in found] == [f"rds:clinic-{n:03}" for n in reversed(range(150))]


async def test_one_that_is_being_made_is_not_listed_but_can_be_asked_for(access: AwsAccess, rds: Stubber) -> None:
    being_made = {"DBSnapshotIdentifier": "rt-1-source", "Status": "creating"}
    rds.add_response(LIST, {"DBSnapshots": [being_made, raw("b")]}, CLINIC)
    assert [each.id for each in await AwsDatabases(access).snapshots("clinic")] == ["b"]
    rds.add_response(LIST, {"DBSnapshots": [being_made]}, {"DBSnapshotIdentifier": "rt-1-source"})
    found = await AwsDatabases(access).snapshot("rt-1-source")
    assert found is not None
    assert (found.status, found.created.year) == ("creating", 1970)


async def test_every_field_is_read_and_cleaned(access: AwsAccess, rds: Stubber) -> None:
    said = raw(
        "rds:clinic-1",
        DBInstanceIdentifier="clinic",
        DBSnapshotArn="arn:aws:rds:eu-west-2:111122223333:snapshot:rds:clinic-1",
        SnapshotType="automated",
        SnapshotTarget="region",
        SnapshotDatabaseTime=datetime(2027, 1, 14, 4, 59, tzinfo=timezone(timedelta(hours=2))),
        AllocatedStorage=100,
        Engine="postgres",
        EngineVersion="18.4\x1b[2J",
        Encrypted=True,
        KmsKeyId="arn:aws:kms:eu-west-2:111122223333:key/k",
    )
    rds.add_response(LIST, {"DBSnapshots": [said]}, CLINIC)
    (found,) = await AwsDatabases(access).snapshots("clinic")
    assert found == Snapshot(
        id="rds:clinic-1",
        instance="clinic",
        kind="automated",
        status="available",
        created=NIGHT,
        size_gib=100,
        engine="postgres",
        engine_version="18.4�[2J",
        encrypted=True,
        kms_key="arn:aws:kms:eu-west-2:111122223333:key/k",
        data_until=datetime(2027, 1, 14, 2, 59, tzinfo=UTC),
        arn="arn:aws:rds:eu-west-2:111122223333:snapshot:rds:clinic-1",
        target="region",
    )


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("rds:clinic-2027-01-14-03-00", {"SnapshotType": "automated"}),
        ("awsbackup:job-1", {"SnapshotType": "awsbackup"}),
        ("rt-1-source", {}),
        ("rds", {}),
        (THEIRS + "shared", {}),
    ],
)
async def test_one_that_aws_made_is_asked_for_with_its_type(
    access: AwsAccess, rds: Stubber, name: str, kind: dict[str, str]
) -> None:
    rds.add_response(LIST, {"DBSnapshots": [raw(name)]}, {"DBSnapshotIdentifier": name} | kind)
    found = await AwsDatabases(access).snapshot(name)
    assert found is not None
    assert found.id == name


@pytest.mark.parametrize("code", ["DBSnapshotNotFound", "DBSnapshotNotFoundFault"])
async def test_one_that_is_gone_is_none(access: AwsAccess, rds: Stubber, code: str) -> None:
    rds.add_client_error(LIST, code, http_status_code=404)
    assert await AwsDatabases(access).snapshot("rt-1-source") is None


async def test_throttled_is_no_verdict_and_not_an_empty_list(access: AwsAccess, rds: Stubber) -> None:
    rds.add_response(LIST, {"DBSnapshots": [raw("a")], "Marker": "m"}, CLINIC)
    rds.add_client_error(LIST, "ThrottlingException", "Rate exceeded", http_status_code=400)
    with pytest.raises(NoVerdict, match="fewer calls") as said:
        await AwsDatabases(access).snapshots("clinic")
    assert (said.value.source, said.value.provider_text) == (
        "rds:DescribeDBSnapshots",
        "ThrottlingException: Rate exceeded",
    )


# -- the time of a copy -------------------------------------------------------------------------------------------
def copied(name: str, of_hours_old: int, **more: Any) -> dict[str, Any]:
    """A manual copy, made this night, of a snapshot that is that old."""
    was = NIGHT - timedelta(hours=of_hours_old)
    return raw(name, SnapshotType="manual", OriginalSnapshotCreateTime=was, SnapshotDatabaseTime=was, **more)


def original(name: str, hours_old: int) -> dict[str, Any]:
    made = NIGHT - timedelta(hours=hours_old)
    return raw(name, hours_old, SnapshotType="automated", OriginalSnapshotCreateTime=made)


async def test_a_copy_made_today_of_an_old_snapshot_is_old(access: AwsAccess, rds: Stubber) -> None:
    rows = [copied("kept", of_hours_old=120), original("rds:clinic-24", 24), original("rds:clinic-120", 120)]
    rds.add_response(LIST, {"DBSnapshots": rows}, CLINIC)
    found = await AwsDatabases(access).snapshots("clinic")
    assert [(each.id, (NIGHT - each.created) / timedelta(hours=1)) for each in found] == [
        ("kept", 120),
        ("rds:clinic-120", 120),
        ("rds:clinic-24", 24),
    ]
    assert all(each.data_until in {None, each.created} for each in found)


@pytest.mark.parametrize("name", ["kept", "rt-1-source", "zz"])
async def test_of_a_snapshot_and_its_copies_the_automated_one_is_the_newest(
    access: AwsAccess, rds: Stubber, name: str
) -> None:
    rows = [original("rds:clinic-1", 1), copied(name, of_hours_old=1), copied(f"{name}-2", of_hours_old=1)]
    rds.add_response(LIST, {"DBSnapshots": rows}, CLINIC)
    found = await AwsDatabases(access).snapshots("clinic")
    assert [each.id for each in found] == [name, f"{name}-2", "rds:clinic-1"]


async def test_a_copy_asked_for_by_name_has_its_originals_time(access: AwsAccess, rds: Stubber) -> None:
    rds.add_response(LIST, {"DBSnapshots": [copied("kept", of_hours_old=120)]}, {"DBSnapshotIdentifier": "kept"})
    found = await AwsDatabases(access).snapshot("kept")
    assert found is not None
    assert found.created == NIGHT - timedelta(hours=120)


async def test_a_copy_that_is_still_being_made_is_listed_with_its_originals_time(
    access: AwsAccess, rds: Stubber
) -> None:
    being_made = copied("kept", of_hours_old=5, Status="creating")
    del being_made["SnapshotCreateTime"]
    rds.add_response(LIST, {"DBSnapshots": [original("rds:clinic-1", 1), being_made]}, CLINIC)
    found = await AwsDatabases(access).snapshots("clinic")
    assert [(each.id, each.status) for each in found] == [("kept", "creating"), ("rds:clinic-1", "available")]


# -- another account's --------------------------------------------------------------------------------------------
async def test_shared_ones_are_those_of_that_account_and_instance_named_by_their_arn(
    access: AwsAccess, rds: Stubber
) -> None:
    def theirs(name: str, hours_old: int, instance: str = "clinic", arn: str = THEIRS) -> dict[str, Any]:
        said = {"DBInstanceIdentifier": instance, "DBSnapshotArn": arn + name, "SnapshotType": "manual"}
        return raw(name, hours_old, **said)

    asked = {"SnapshotType": "shared", "IncludeShared": True}
    first = [theirs("newer", 1), theirs("other-instance", 1, instance="wiki")]
    stranger = theirs("stranger", 1, arn="arn:aws:rds:eu-west-2:777788889999:snapshot:")
    nameless = raw("nameless", DBInstanceIdentifier="clinic")
    last = [stranger, nameless, theirs("older", 30, instance="Clinic")]
    rds.add_response(LIST, {"DBSnapshots": first, "Marker": "m"}, asked)
    rds.add_response(LIST, {"DBSnapshots": last}, asked | {"Marker": "m"})
    found = await AwsDatabases(access).shared("444455556666", "clinic")
    assert [(each.id, each.arn, each.kind) for each in found] == [
        (THEIRS + "older", THEIRS + "older", "manual"),
        (THEIRS + "newer", THEIRS + "newer", "manual"),
    ]


async def test_shared_copies_made_tonight_are_in_the_order_of_their_data(access: AwsAccess, rds: Stubber) -> None:
    rows = [
        copied(name, hours_old, DBInstanceIdentifier="clinic", DBSnapshotArn=THEIRS + name)
        for name, hours_old in (("a-yesterday", 25), ("b-last-week", 170))
    ]
    rds.add_response(LIST, {"DBSnapshots": rows}, {"SnapshotType": "shared", "IncludeShared": True})
    found = await AwsDatabases(access).shared("444455556666", "clinic")
    assert [each.id for each in found] == [THEIRS + "b-last-week", THEIRS + "a-yesterday"]


# -- automated backups --------------------------------------------------------------------------------------------
async def test_automated_backups_are_counted_over_all_pages(access: AwsAccess, rds: Stubber) -> None:
    rds.add_response(BACKUPS, {"DBInstanceAutomatedBackups": [{}, {}], "Marker": "m"}, CLINIC)
    rds.add_response(BACKUPS, {"DBInstanceAutomatedBackups": [{}]}, CLINIC | {"Marker": "m"})
    assert await AwsDatabases(access).automated_backups("clinic") == 3


@pytest.mark.parametrize("code", ["DBInstanceAutomatedBackupNotFound", "DBInstanceNotFound"])
async def test_without_automated_backups_there_is_none(access: AwsAccess, rds: Stubber, code: str) -> None:
    rds.add_client_error(BACKUPS, code, http_status_code=404)
    assert await AwsDatabases(access).automated_backups("clinic") == 0
    rds.add_client_error(BACKUPS, code, http_status_code=404)
    assert await AwsDatabases(access).backup("clinic") is None


def kept(status: str, latest: datetime | None, **more: Any) -> dict[str, Any]:
    window = {"RestoreWindow": {"EarliestTime": latest - timedelta(days=30), "LatestTime": latest}} if latest else {}
    return {"DBInstanceIdentifier": "clinic", "Status": status, **window, **more}


async def test_the_active_backup_says_the_bounds_though_a_deleted_instances_ended_later(
    access: AwsAccess, rds: Stubber
) -> None:
    active = kept("active", NIGHT, BackupRetentionPeriod=30, Encrypted=True, BackupTarget="region")
    retained = kept("retained", NIGHT + timedelta(days=1))
    rds.add_response(BACKUPS, {"DBInstanceAutomatedBackups": [active], "Marker": "m"}, CLINIC)
    rds.add_response(BACKUPS, {"DBInstanceAutomatedBackups": [retained]}, CLINIC | {"Marker": "m"})
    assert await AwsDatabases(access).backup("clinic") == AutomatedBackup(
        instance="clinic",
        status="active",
        earliest=NIGHT - timedelta(days=30),
        latest=NIGHT,
        retention_days=30,
        encrypted=True,
        target="region",
    )


async def test_of_deleted_instances_the_one_that_ended_last_is_taken(access: AwsAccess, rds: Stubber) -> None:
    rows = [kept("retained", NIGHT - timedelta(days=n)) for n in (5, 2, 9)]
    rds.add_response(BACKUPS, {"DBInstanceAutomatedBackups": rows}, CLINIC)
    found = await AwsDatabases(access).backup("clinic")
    assert found is not None
    assert (found.status, found.latest) == ("retained", NIGHT - timedelta(days=2))


async def test_an_instance_that_is_there_comes_before_a_deleted_one(access: AwsAccess, rds: Stubber) -> None:
    """A restore would be one of the instance that is there, of which nothing is known yet."""
    rows = [kept("retained", NIGHT), kept("creating", None)]
    rds.add_response(BACKUPS, {"DBInstanceAutomatedBackups": rows}, CLINIC)
    rds.add_response("describe_db_instances", {"DBInstances": [{}]}, CLINIC)
    found = await AwsDatabases(access).backup("clinic")
    assert found is not None
    assert (found.status, found.earliest, found.latest) == ("creating", None, None)


@pytest.mark.parametrize(
    ("instances", "latest"), [([{"LatestRestorableTime": NIGHT}], NIGHT), ([{}], None), ([], None)]
)
async def test_without_a_window_the_instance_says_the_latest_moment(
    access: AwsAccess, rds: Stubber, instances: list[dict[str, Any]], latest: datetime | None
) -> None:
    rds.add_response(BACKUPS, {"DBInstanceAutomatedBackups": [kept("active", None)]}, CLINIC)
    rds.add_response("describe_db_instances", {"DBInstances": instances}, CLINIC)
    found = await AwsDatabases(access).backup("clinic")
    assert found is not None
    assert (found.earliest, found.latest, found.retention_days, found.encrypted) == (None, latest, None, None)


async def test_a_refusal_is_not_taken_for_no_backups(access: AwsAccess, rds: Stubber) -> None:
    rds.add_client_error(BACKUPS, "InvalidParameterValue", "bad name", http_status_code=400)
    with pytest.raises(LayerFailed, match="does not accept a value"):
        await AwsDatabases(access).backup("clinic")
