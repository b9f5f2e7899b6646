"""RDS: against moto where its shape is true, and how often it is asked when it is busy."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import boto3
import pytest
from moto import mock_aws

from runbook.engine.errors import NoVerdict
from runbook.engine.ports import Secret
from runbook.estate.aws.client import ATTEMPTS
from runbook.estate.aws.database_changes import COPY, DELETE, FORGET, MODIFY
from runbook.estate.aws.databases import AwsDatabases
from runbook.estate.aws.restores import FROM_SNAPSHOT, TO_MOMENT
from runbook.estate.door import Door
from runbook.estate.ports import DatabaseService, FromSnapshot
from tests.estate_adapters.aws import REGION, access_to, permit
from tests.estate_adapters.aws_databases import SPEC, TO_A_MOMENT
from tests.estate_adapters.loopback_aws import Answer, Asked, Cloud, refusal

NONE_LISTED = (
    "<DescribeDBSnapshotsResponse><DescribeDBSnapshotsResult><DBSnapshots/></DescribeDBSnapshotsResult>"
    "</DescribeDBSnapshotsResponse>"
)


# -- when AWS is busy ---------------------------------------------------------------------------------------------
@pytest.mark.parametrize(("refused", "asked"), [(2, 3), (7, 8), (8, 8)])
async def test_a_busy_aws_is_asked_again_eight_times_at_most(
    cloud: Cloud, door: Door, refused: int, asked: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("time.sleep", lambda _: None)

    def busy(_: Asked) -> Answer:
        throttled = len(cloud.asked) <= refused
        return refusal("ThrottlingException", "Rate exceeded", 400) if throttled else (200, NONE_LISTED)

    cloud.answers["rds:DescribeDBSnapshots"] = busy
    access = access_to(door, cloud.address)
    if refused < ATTEMPTS["rds"]:
        assert await AwsDatabases(access).snapshots("clinic") == ()
    else:
        with pytest.raises(NoVerdict, match="fewer calls"):
            await AwsDatabases(access).snapshots("clinic")
    assert len(cloud.asked) == asked


# -- moto ---------------------------------------------------------------------------------------------------------
async def test_moto_and_the_adapter_agree_on_the_life_of_a_copy(door: Door) -> None:
    with mock_aws():
        databases: DatabaseService = AwsDatabases(access_to(door))
        _production()
        (snapshot,) = await databases.snapshots("clinic")
        assert (snapshot.kind, snapshot.status, snapshot.encrypted) == ("automated", "available", True)
        assert snapshot.created.tzinfo is UTC
        assert snapshot.arn.endswith(f":snapshot:{snapshot.id}")
        assert await databases.snapshot(snapshot.id) == snapshot
        assert await databases.instance("rt-1") is None
        spec = replace(SPEC, origin=FromSnapshot(snapshot.id))
        await databases.restore(permit(FROM_SNAPSHOT, "rt-1"), spec)
        assert await databases.restore(permit(FROM_SNAPSHOT, "rt-1"), spec) == await databases.instance("rt-1")
        (copy,) = await databases.tagged("runbook", "drill-1")
        assert (copy.id, copy.status, copy.tags["destroy-after"]) == ("rt-1", "available", "2027-01-16")
        assert (copy.subnet_group, copy.parameter_group, copy.master_user) == ("drill", "clinic-drill", "m")
        assert await databases.tagged("runbook", "drill-2") == ()
        await _changed_and_deleted(databases)


async def _changed_and_deleted(databases: DatabaseService) -> None:
    await databases.hide(permit(MODIFY, "rt-1"), "rt-1")
    await databases.set_password(permit(MODIFY, "rt-1"), "rt-1", Secret("practice-only-2"))
    there = await databases.instance("rt-1")
    assert there is not None
    assert there.public is False
    for _ in range(2):
        await databases.delete(permit(DELETE, "rt-1"), "rt-1")
    assert await databases.instance("rt-1") is None


async def test_moto_and_the_adapter_agree_on_a_moment(door: Door) -> None:
    with mock_aws():
        databases = AwsDatabases(access_to(door))
        _production()
        before = datetime.now(UTC)
        backup = await databases.backup("clinic")
        assert backup is not None
        assert backup.earliest is None, "moto has no RestoreWindow"
        assert backup.latest is not None
        assert abs((backup.latest - before).total_seconds()) < 600
        made = await databases.restore(permit(TO_MOMENT, "rt-1"), TO_A_MOMENT)
        assert (made.id, made.tags["runbook"], made.parameter_group) == ("rt-1", "drill-1", "clinic-drill")
        assert await databases.restore(permit(TO_MOMENT, "rt-1"), TO_A_MOMENT) == await databases.instance("rt-1")


async def test_moto_and_the_adapter_agree_on_the_life_of_a_kept_snapshot(door: Door) -> None:
    with mock_aws():
        databases = AwsDatabases(access_to(door))
        _production()
        (automated,) = await databases.snapshots("clinic")
        for _ in range(2):
            await databases.keep(permit(COPY, "kept"), automated.id, "kept")
        kept = await databases.snapshot("kept")
        assert kept is not None
        assert (kept.kind, kept.instance, kept.kms_key) == ("manual", "clinic", automated.kms_key)
        for _ in range(2):
            await databases.forget(permit(FORGET, "kept"), "kept")
        assert await databases.snapshot("kept") is None
        assert await databases.shared("444455556666", "clinic") == ()


def _production() -> None:
    ec2, rds = boto3.client("ec2", REGION), boto3.client("rds", REGION)
    subnets = [subnet["SubnetId"] for subnet in ec2.describe_subnets()["Subnets"]]
    rds.create_db_subnet_group(DBSubnetGroupName="drill", DBSubnetGroupDescription="d", SubnetIds=subnets)
    rds.create_db_parameter_group(
        DBParameterGroupName="clinic-drill", DBParameterGroupFamily="postgres16", Description="d"
    )
    rds.create_db_instance(
        DBInstanceIdentifier="clinic",
        Engine="postgres",
        DBInstanceClass="db.t4g.medium",
        AllocatedStorage=20,
        MasterUsername="m",
        MasterUserPassword="practice-only",
        StorageEncrypted=True,
        BackupRetentionPeriod=30,
    )
