"""RDS: against moto where its shape is true, against stubbed answers where moto is too kind."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import boto3
import pytest
from botocore.stub import ANY, Stubber
from moto import mock_aws

from runbook.engine.errors import LayerFailed, NoVerdict, Refused
from runbook.estate.aws.client import AwsAccess
from runbook.estate.aws.databases import DELETE, RESTORE, AwsDatabases
from runbook.estate.ports import RestoreSpec
from tests.estate_adapters.aws import REGION, access_to, permit

NIGHT = datetime(2027, 1, 14, 3, tzinfo=UTC)
SPEC = RestoreSpec(
    instance="rt-1",
    snapshot="rds:clinic-1",
    instance_class="db.t4g.medium",
    subnet_group="drill",
    security_groups=("sg-1",),
    parameter_group="clinic-drill",
    multi_az=False,
    deletion_protection=False,
    retention_days=0,
    tags={"runbook": "drill-1", "destroy-after": "2027-01-16"},
)


@pytest.fixture
def access(door) -> AwsAccess:
    return access_to(door)


@pytest.fixture
def rds(access) -> Iterator[Stubber]:
    with Stubber(access.client("rds")) as stubber:
        yield stubber
        stubber.assert_no_pending_responses()


async def test_snapshots_come_oldest_first_over_all_pages(access, rds):
    def page(*names: str, marker: str | None = None) -> dict[str, object]:
        found = [
            {"DBSnapshotIdentifier": n, "SnapshotCreateTime": NIGHT.replace(day=int(n)), "Status": "available"}
            for n in names
        ]
        return {"DBSnapshots": found} | ({"Marker": marker} if marker else {})

    rds.add_response("describe_db_snapshots", page("14", "12", marker="m"), {"DBInstanceIdentifier": "clinic"})
    rds.add_response(
        "describe_db_snapshots",
        page("13") | {"DBSnapshots": [*page("13")["DBSnapshots"], {"DBSnapshotIdentifier": "9", "Status": "creating"}]},  # type: ignore[misc]
        {"DBInstanceIdentifier": "clinic", "Marker": "m"},
    )
    assert [s.id for s in await AwsDatabases(access).snapshots("clinic")] == ["12", "13", "14"]


async def test_every_parameter_of_a_restore_is_sent(access, rds):
    rds.add_response(
        "restore_db_instance_from_db_snapshot",
        {"DBInstance": {"DBInstanceIdentifier": "rt-1", "DBInstanceStatus": "creating", "PercentProgress": "7"}},
        {
            "DBInstanceIdentifier": "rt-1",
            "DBSnapshotIdentifier": "rds:clinic-1",
            "DBInstanceClass": "db.t4g.medium",
            "DBSubnetGroupName": "drill",
            "VpcSecurityGroupIds": ["sg-1"],
            "DBParameterGroupName": "clinic-drill",
            "MultiAZ": False,
            "PubliclyAccessible": False,
            "DeletionProtection": False,
            "EnableIAMDatabaseAuthentication": False,
            "BackupRetentionPeriod": 0,
            "AutoMinorVersionUpgrade": False,
            "CopyTagsToSnapshot": True,
            "Tags": [{"Key": "runbook", "Value": "drill-1"}, {"Key": "destroy-after", "Value": "2027-01-16"}],
        },
    )
    made = await AwsDatabases(access).restore(permit(RESTORE, "rt-1"), SPEC)
    assert (made.id, made.status, made.percent, made.host, made.port) == ("rt-1", "creating", 7, "", 0)


def _there(tags: dict[str, str]) -> dict[str, object]:
    listed = [{"Key": key, "Value": value} for key, value in tags.items()]
    return {"DBInstances": [{"DBInstanceIdentifier": "rt-1", "DBInstanceStatus": "creating", "TagList": listed}]}


async def test_a_repeated_call_finds_what_the_first_one_made(access, rds):
    rds.add_client_error("restore_db_instance_from_db_snapshot", "DBInstanceAlreadyExists", http_status_code=400)
    rds.add_response("describe_db_instances", _there({**SPEC.tags, "aws:x": "y"}), {"DBInstanceIdentifier": "rt-1"})
    assert (await AwsDatabases(access).restore(permit(RESTORE, "rt-1"), SPEC)).id == "rt-1"


async def test_another_runs_instance_is_not_taken_for_ours(access, rds):
    rds.add_client_error("restore_db_instance_from_db_snapshot", "DBInstanceAlreadyExists", http_status_code=400)
    rds.add_response(
        "describe_db_instances", _there({**SPEC.tags, "runbook": "drill-0"}), {"DBInstanceIdentifier": ANY}
    )
    with pytest.raises(LayerFailed, match="not this run's"):
        await AwsDatabases(access).restore(permit(RESTORE, "rt-1"), SPEC)


async def test_a_permit_is_for_one_instance_and_one_operation(access):
    for given in (permit(RESTORE, "rt-2"), permit(DELETE, "rt-1")):
        with pytest.raises(Refused, match="the permit is for"):
            await AwsDatabases(access).restore(given, SPEC)


@pytest.mark.parametrize(
    ("code", "status", "error", "says"),
    [
        ("DBSnapshotNotFound", 404, LayerFailed, "snapshot does not exist"),
        ("DBSnapshotNotFoundFault", 404, LayerFailed, "snapshot does not exist"),
        ("InvalidDBSnapshotState", 400, LayerFailed, "not available yet"),
        ("DBSubnetGroupNotFoundFault", 404, LayerFailed, "network"),
        ("DBParameterGroupNotFound", 404, LayerFailed, "parameter group"),
        ("InstanceQuotaExceeded", 400, LayerFailed, "quota"),
        ("InsufficientDBInstanceCapacity", 400, LayerFailed, "capacity"),
        ("KMSKeyNotAccessibleFault", 400, LayerFailed, "KMS key"),
        ("SomethingNew", 400, LayerFailed, "AWS refused it"),
        ("AccessDenied", 403, NoVerdict, "does not allow"),
        ("AccessDeniedSomehow", 403, NoVerdict, "does not allow"),
        ("ExpiredToken", 403, NoVerdict, "no longer accepts this session"),
        ("ExpiredTokenException", 400, NoVerdict, "no longer accepts this session"),
        ("InvalidClientTokenId", 403, NoVerdict, "access key"),
        ("ThrottlingException", 400, NoVerdict, "fewer calls"),
        ("InternalFailure", 500, NoVerdict, "failed to answer"),
        ("Unheard", 503, NoVerdict, "failed to answer"),
    ],
)
async def test_refusals_are_told_in_the_operators_words(access, rds, code, status, error, says):  # noqa: PLR0917 - a table
    words = "told\x1b[31m by AWS\nin its words"
    rds.add_client_error("restore_db_instance_from_db_snapshot", code, words, http_status_code=status)
    with pytest.raises(error, match=says) as said:
        await AwsDatabases(access).restore(permit(RESTORE, "rt-1"), SPEC)
    assert said.value.fix
    assert said.value.source == RESTORE
    assert said.value.provider_text == f"{code.removesuffix('Fault')}: told�[31m by AWS in its words"


async def test_what_is_gone_or_going_is_deleted(access, rds):
    databases = AwsDatabases(access)
    given = {"DBInstanceIdentifier": "rt-1", "SkipFinalSnapshot": True, "DeleteAutomatedBackups": True}
    rds.add_response("delete_db_instance", {"DBInstance": {}}, given)
    rds.add_client_error("delete_db_instance", "DBInstanceNotFound", http_status_code=404)
    busy = "Instance rt-1 is already being deleted."
    rds.add_client_error("delete_db_instance", "InvalidDBInstanceState", busy, http_status_code=400)
    for _ in range(3):
        await databases.delete(permit(DELETE, "rt-1"), "rt-1")
    rds.add_client_error("delete_db_instance", "InvalidParameterCombination", "protected", http_status_code=400)
    with pytest.raises(LayerFailed, match="combination") as said:
        await databases.delete(permit(DELETE, "rt-1"), "rt-1")
    assert "protection" in said.value.fix


async def test_automated_backups_are_counted(access, rds):
    name = "describe_db_instance_automated_backups"
    given = {"DBInstanceIdentifier": "rt-1"}
    rds.add_response(name, {"DBInstanceAutomatedBackups": [{}, {}], "Marker": "m"}, given)
    rds.add_response(name, {"DBInstanceAutomatedBackups": [{}]}, given | {"Marker": "m"})
    assert await AwsDatabases(access).automated_backups("rt-1") == 3
    rds.add_client_error(name, "DBInstanceAutomatedBackupNotFound", http_status_code=404)
    assert await AwsDatabases(access).automated_backups("rt-1") == 0


async def test_moto_and_the_adapter_agree_on_the_life_of_a_copy(door):
    with mock_aws():
        databases = AwsDatabases(access_to(door))
        _production()
        (snapshot,) = await databases.snapshots("clinic")
        assert (snapshot.kind, snapshot.status, snapshot.encrypted) == ("automated", "available", True)
        assert snapshot.created.tzinfo is UTC
        assert await databases.instance("rt-1") is None
        spec = RestoreSpec(**{name: getattr(SPEC, name) for name in SPEC.__slots__} | {"snapshot": snapshot.id})
        await databases.restore(permit(RESTORE, "rt-1"), spec)
        assert await databases.restore(permit(RESTORE, "rt-1"), spec) == await databases.instance("rt-1")
        (copy,) = await databases.tagged("runbook", "drill-1")
        assert (copy.id, copy.status, copy.tags["destroy-after"]) == ("rt-1", "available", "2027-01-16")
        assert await databases.tagged("runbook", "drill-2") == ()
        await databases.delete(permit(DELETE, "rt-1"), "rt-1")
        await databases.delete(permit(DELETE, "rt-1"), "rt-1")
        assert await databases.instance("rt-1") is None


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
