"""RDS instances: every field, also of one that is still being made, and no value of a pending change."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.stub import Stubber

from runbook.engine.errors import NoVerdict
from runbook.estate.aws.client import AwsAccess
from runbook.estate.aws.databases import AwsDatabases
from runbook.estate.ports import Instance
from tests.estate_adapters.aws_databases import NIGHT

DESCRIBE = "describe_db_instances"
COPY: dict[str, Any] = {
    "DBInstanceIdentifier": "rt-1",
    "DBInstanceStatus": "available",
    "Endpoint": {"Address": "rt-1.c1.eu-west-2.rds.amazonaws.com", "Port": 5432},
    "InstanceCreateTime": NIGHT,
    "TagList": [{"Key": "runbook", "Value": "drill-1"}],
    "PubliclyAccessible": False,
    "DBInstanceClass": "db.t4g.medium",
    "EngineVersion": "18.4",
    "MultiAZ": False,
    "DeletionProtection": False,
    "AutoMinorVersionUpgrade": False,
    "IAMDatabaseAuthenticationEnabled": False,
    "BackupRetentionPeriod": 0,
    "DBSubnetGroup": {"DBSubnetGroupName": "drill"},
    "VpcSecurityGroups": [
        {"VpcSecurityGroupId": "sg-2", "Status": "active"},
        {"VpcSecurityGroupId": "sg-1", "Status": "active"},
    ],
    "DBParameterGroups": [{"DBParameterGroupName": "clinic-drill", "ParameterApplyStatus": "pending-reboot"}],
    "StorageEncrypted": True,
    "KmsKeyId": "arn:aws:kms:eu-west-2:111122223333:key/k",
    "DbiResourceId": "db-ABC",
    "MasterUsername": "clinic_admin",
    "PendingModifiedValues": {},
}


async def _described(access: AwsAccess, rds: Stubber, raw: dict[str, Any]) -> Instance:
    rds.add_response(DESCRIBE, {"DBInstances": [raw]}, {"DBInstanceIdentifier": "rt-1"})
    found = await AwsDatabases(access).instance("rt-1")
    assert found is not None
    return found


async def test_every_field_is_read(access: AwsAccess, rds: Stubber) -> None:
    assert await _described(access, rds, COPY) == Instance(
        id="rt-1",
        status="available",
        host="rt-1.c1.eu-west-2.rds.amazonaws.com",
        port=5432,
        percent=None,
        created=NIGHT,
        tags={"runbook": "drill-1"},
        public=False,
        instance_class="db.t4g.medium",
        engine_version="18.4",
        multi_az=False,
        deletion_protection=False,
        iam_auth=False,
        retention_days=0,
        subnet_group="drill",
        security_groups=("sg-2", "sg-1"),
        parameter_group="clinic-drill",
        parameters="pending-reboot",
        encrypted=True,
        kms_key="arn:aws:kms:eu-west-2:111122223333:key/k",
        resource_id="db-ABC",
        master_user="clinic_admin",
        pending=(),
        auto_minor_upgrade=False,
    )


async def test_what_is_not_said_is_unknown_and_not_false(access: AwsAccess, rds: Stubber) -> None:
    raw = {"DBInstanceIdentifier": "rt-1", "DBInstanceStatus": "some-status-of-2031", "PercentProgress": "42"}
    assert await _described(access, rds, raw) == Instance("rt-1", "some-status-of-2031", "", 0, 42, None)


async def test_of_pending_changes_only_the_names_are_kept(access: AwsAccess, rds: Stubber) -> None:
    changes = {
        "MasterUserPassword": "practice-only-8931",
        "MultiAZ": False,
        "BackupRetentionPeriod": 0,
        "PendingCloudwatchLogsExports": {},
        "EngineVersion": "18.5",
    }
    found = await _described(access, rds, COPY | {"PendingModifiedValues": changes})
    assert found.pending == ("BackupRetentionPeriod", "EngineVersion", "MasterUserPassword", "MultiAZ")
    assert "practice-only-8931" not in repr(found)


async def test_outside_text_is_cleaned(access: AwsAccess, rds: Stubber) -> None:
    raw = COPY | {"MasterUsername": "clinic\u202eadmin", "TagList": [{"Key": "a\x1b[2J", "Value": "b\nc"}]}
    found = await _described(access, rds, raw)
    assert (found.master_user, found.tags) == ("clinic�admin", {"a�[2J": "b c"})


@pytest.mark.parametrize("answer", [{"DBInstances": []}, None])
async def test_one_that_is_not_there_is_none(access: AwsAccess, rds: Stubber, answer: dict[str, Any] | None) -> None:
    if answer is None:
        rds.add_client_error(DESCRIBE, "DBInstanceNotFound", http_status_code=404)
    else:
        rds.add_response(DESCRIBE, answer)
    assert await AwsDatabases(access).instance("rt-1") is None


async def test_one_that_may_not_be_seen_is_no_verdict(access: AwsAccess, rds: Stubber) -> None:
    rds.add_client_error(DESCRIBE, "AccessDenied", "not authorized", http_status_code=403)
    with pytest.raises(NoVerdict, match="does not allow") as said:
        await AwsDatabases(access).instance("rt-1")
    assert "service control policy" in said.value.fix


async def test_tagged_ones_are_found_over_all_pages(access: AwsAccess, rds: Stubber) -> None:
    def tagged(name: str, value: str) -> dict[str, Any]:
        return {"DBInstanceIdentifier": name, "TagList": [{"Key": "runbook", "Value": value}]}

    rds.add_response(DESCRIBE, {"DBInstances": [tagged("a", "1"), tagged("b", "2")], "Marker": "m"}, {})
    rds.add_response(DESCRIBE, {"DBInstances": [tagged("c", "1"), {}]}, {"Marker": "m"})
    assert [each.id for each in await AwsDatabases(access).tagged("runbook", "1")] == ["a", "c"]


async def test_ours_are_instances_and_manual_snapshots_with_our_tag_and_a_name_of_ours(
    access: AwsAccess, rds: Stubber
) -> None:
    def named(key: str, name: str, tag: str = "runbook") -> dict[str, Any]:
        return {key: name, "TagList": [{"Key": tag, "Value": "1"}]}

    instances = [named("DBInstanceIdentifier", name) for name in ("rt-a", "clinic")]
    snapshots = [named("DBSnapshotIdentifier", "rt-s"), named("DBSnapshotIdentifier", "rt-t", "other"), {}]
    manual = {"SnapshotType": "manual"}
    rds.add_response(DESCRIBE, {"DBInstances": [*instances, {}]}, {})
    rds.add_response("describe_db_snapshots", {"DBSnapshots": snapshots[:1], "Marker": "m"}, manual)
    rds.add_response("describe_db_snapshots", {"DBSnapshots": snapshots[1:]}, {**manual, "Marker": "m"})
    found = await AwsDatabases(access).ours("rt-", "runbook")
    assert [each.id for each in found] == ["rt-a", "rt-s"]
    assert found[1].tags == {"runbook": "1"}
