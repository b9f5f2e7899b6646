"""RDS restores: what is sent, what is adopted, what is refused."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta, timezone
from typing import Any

import pytest
from botocore.stub import Stubber

from runbook.engine.errors import LayerFailed, NoVerdict, Refused, SignedOut
from runbook.estate.aws.client import AwsAccess
from runbook.estate.aws.database_changes import DELETE
from runbook.estate.aws.databases import AwsDatabases
from runbook.estate.aws.restores import FROM_SNAPSHOT, TO_MOMENT
from runbook.estate.door import Door
from runbook.estate.ports import FromSnapshot, RestoreSpec, ToMoment
from tests.estate_adapters.aws import access_to, permit
from tests.estate_adapters.aws_databases import (
    BEING_MADE,
    EXPLICIT,
    FROM_SNAPSHOT_CALL,
    MOMENT,
    SPEC,
    TO_A_MOMENT,
    TO_MOMENT_CALL,
    describes_copy,
    describes_snapshot,
    describes_source,
)
from tests.estate_adapters.loopback_aws import Cloud

IDENTIFIED = {"DBInstanceIdentifier": "rt-1", "DBSnapshotIdentifier": "rds:clinic-1"}
TARGETED = {"TargetDBInstanceIdentifier": "rt-1", "RestoreTime": MOMENT.replace(microsecond=0)}
IN_NEW_YORK = replace(SPEC, origin=ToMoment("clinic", MOMENT.astimezone(timezone(timedelta(hours=-5)))))
THERE = {"SourceDBInstanceIdentifier": "clinic"}


# -- what is sent -------------------------------------------------------------------------------------------------
async def test_every_parameter_of_a_restore_from_a_snapshot_is_sent(access: AwsAccess, rds: Stubber) -> None:
    describes_snapshot(rds)
    rds.add_response(FROM_SNAPSHOT_CALL, BEING_MADE, IDENTIFIED | EXPLICIT)
    made = await AwsDatabases(access).restore(permit(FROM_SNAPSHOT, "rt-1"), SPEC)
    assert (made.id, made.status, made.percent, made.host, made.port) == ("rt-1", "creating", 7, "", 0)


async def test_every_parameter_of_a_restore_to_a_moment_is_sent(access: AwsAccess, rds: Stubber) -> None:
    describes_source(rds)
    rds.add_response(TO_MOMENT_CALL, BEING_MADE, TARGETED | THERE | EXPLICIT)
    made = await AwsDatabases(access).restore(permit(TO_MOMENT, "rt-1"), TO_A_MOMENT)
    assert (made.id, made.status) == ("rt-1", "creating")


async def test_what_production_wants_is_sent_as_true(access: AwsAccess, rds: Stubber) -> None:
    lasting = replace(
        SPEC, multi_az=True, deletion_protection=True, iam_auth=True, retention_days=30, auto_minor_upgrade=True
    )
    wanted = EXPLICIT | {
        "MultiAZ": True,
        "DeletionProtection": True,
        "EnableIAMDatabaseAuthentication": True,
        "BackupRetentionPeriod": 30,
        "AutoMinorVersionUpgrade": True,
    }
    databases, to_a_moment = AwsDatabases(access), replace(lasting, origin=TO_A_MOMENT.origin)
    describes_snapshot(rds)
    rds.add_response(FROM_SNAPSHOT_CALL, BEING_MADE, IDENTIFIED | wanted)
    await databases.restore(permit(FROM_SNAPSHOT, "rt-1"), lasting)
    describes_source(rds)
    rds.add_response(TO_MOMENT_CALL, BEING_MADE, TARGETED | THERE | wanted)
    await databases.restore(permit(TO_MOMENT, "rt-1"), to_a_moment)


@pytest.mark.parametrize(("spec", "operation"), [(SPEC, FROM_SNAPSHOT), (IN_NEW_YORK, TO_MOMENT)])
async def test_false_zero_and_the_moment_are_on_the_wire(
    cloud: Cloud, door: Door, spec: RestoreSpec, operation: str
) -> None:
    name = operation.removeprefix("rds:")
    cloud.answers |= {
        "rds:DescribeDBSnapshots": (200, _answer("DescribeDBSnapshots", "<DBSnapshots/>")),
        "rds:DescribeDBInstances": (200, _answer("DescribeDBInstances", _LISTED)),
        operation: (200, _answer(name, "<DBInstance><DBInstanceIdentifier>rt-1</DBInstanceIdentifier></DBInstance>")),
    }
    await AwsDatabases(access_to(door, cloud.address)).restore(permit(operation, "rt-1"), spec)
    sent = cloud.asked[-1].form
    no = ("MultiAZ", "PubliclyAccessible", "DeletionProtection", "EnableIAMDatabaseAuthentication")
    assert [sent[name] for name in no] == ["false"] * 4
    assert (sent["BackupRetentionPeriod"], sent["AutoMinorVersionUpgrade"]) == ("0", "false")
    assert sent.get("RestoreTime") == (None if spec is SPEC else "2027-01-14T09:41:07Z")
    assert "UseLatestRestorableTime" not in sent, "AWS's model forbids it beside RestoreTime"


# -- storage ------------------------------------------------------------------------------------------------------
GP2 = {"StorageType": "gp2", "AllocatedStorage": 500, "Iops": 1500}
SMALL_GP3 = {"StorageType": "gp3", "AllocatedStorage": 399, "Iops": 3000, "StorageThroughput": 125}
LARGE_GP3 = {"StorageType": "gp3", "AllocatedStorage": 400, "Iops": 12000, "StorageThroughput": 500}
IO1 = {"StorageType": "io1", "AllocatedStorage": 100, "Iops": 1000}
STORAGE = [
    ({}, {}),
    (GP2, {"StorageType": "gp2"}),
    (SMALL_GP3, {"StorageType": "gp3"}),  # AWS refuses its own figures below 400 GiB
    (LARGE_GP3, {"StorageType": "gp3", "Iops": 12000, "StorageThroughput": 500}),
    (IO1, {"StorageType": "io1", "Iops": 1000}),
]


@pytest.mark.parametrize(("storage", "sent"), STORAGE)
async def test_the_copy_stands_on_the_storage_of_its_source(
    access: AwsAccess, rds: Stubber, storage: dict[str, Any], sent: dict[str, Any]
) -> None:
    databases = AwsDatabases(access)
    describes_snapshot(rds, **storage)
    rds.add_response(FROM_SNAPSHOT_CALL, BEING_MADE, IDENTIFIED | EXPLICIT | sent)
    await databases.restore(permit(FROM_SNAPSHOT, "rt-1"), SPEC)
    describes_source(rds, **storage)
    rds.add_response(TO_MOMENT_CALL, BEING_MADE, TARGETED | THERE | EXPLICIT | sent)
    await databases.restore(permit(TO_MOMENT, "rt-1"), TO_A_MOMENT)


# -- the source of a moment ---------------------------------------------------------------------------------------
async def test_a_deleted_instance_is_restored_from_the_backups_retained_of_it(access: AwsAccess, rds: Stubber) -> None:
    rds.add_client_error("describe_db_instances", "DBInstanceNotFound", http_status_code=404)
    retained = [
        {"Status": "retained", "DbiResourceId": f"db-{n}", "StorageType": "gp3", "RestoreWindow": {"LatestTime": at}}
        for n, at in enumerate((MOMENT - timedelta(days=9), MOMENT + timedelta(hours=1)))
    ]
    rds.add_response("describe_db_instance_automated_backups", {"DBInstanceAutomatedBackups": retained})
    sent = {"SourceDbiResourceId": "db-1", "StorageType": "gp3"}
    rds.add_response(TO_MOMENT_CALL, BEING_MADE, TARGETED | EXPLICIT | sent)
    await AwsDatabases(access).restore(permit(TO_MOMENT, "rt-1"), TO_A_MOMENT)


async def test_without_any_backup_it_is_aws_that_says_why_not(access: AwsAccess, rds: Stubber) -> None:
    rds.add_client_error("describe_db_instances", "DBInstanceNotFound", http_status_code=404)
    rds.add_client_error("describe_db_instance_automated_backups", "DBInstanceAutomatedBackupNotFound")
    rds.add_client_error(TO_MOMENT_CALL, "DBInstanceNotFound", expected_params=TARGETED | THERE | EXPLICIT)
    with pytest.raises(LayerFailed, match="no such instance") as said:
        await AwsDatabases(access).restore(permit(TO_MOMENT, "rt-1"), TO_A_MOMENT)
    assert "snapshots may remain" in said.value.fix


# -- adoption -----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("spec", "operation", "call"), [(SPEC, FROM_SNAPSHOT, FROM_SNAPSHOT_CALL), (TO_A_MOMENT, TO_MOMENT, TO_MOMENT_CALL)]
)
async def test_a_repeated_call_finds_what_the_first_one_made_and_takes_no_others(
    access: AwsAccess, rds: Stubber, spec: RestoreSpec, operation: str, call: str
) -> None:
    databases = AwsDatabases(access)
    for tags in ({**SPEC.tags, "aws:x": "y"}, {**SPEC.tags, "runbook": "drill-0"}):
        describes_source(rds) if spec is TO_A_MOMENT else describes_snapshot(rds)
        rds.add_client_error(call, "DBInstanceAlreadyExists", http_status_code=400)
        describes_copy(rds, tags)
    assert (await databases.restore(permit(operation, "rt-1"), spec)).id == "rt-1"
    with pytest.raises(LayerFailed, match="not this run's"):
        await databases.restore(permit(operation, "rt-1"), spec)


async def test_an_instance_is_never_adopted_without_tags_to_know_it_by(access: AwsAccess, rds: Stubber) -> None:
    describes_snapshot(rds)
    rds.add_client_error(FROM_SNAPSHOT_CALL, "DBInstanceAlreadyExists", http_status_code=400)
    with pytest.raises(LayerFailed, match="not this run's"):
        await AwsDatabases(access).restore(permit(FROM_SNAPSHOT, "rt-1"), replace(SPEC, tags={}))


@pytest.mark.parametrize(
    ("given", "spec"),
    [
        (permit(FROM_SNAPSHOT, "rt-2"), SPEC),
        (permit(DELETE, "rt-1"), SPEC),
        (permit(TO_MOMENT, "rt-1"), SPEC),
        (permit(FROM_SNAPSHOT, "rt-1"), TO_A_MOMENT),
    ],
)
async def test_a_permit_is_for_one_instance_and_one_operation(access: AwsAccess, given: Any, spec: RestoreSpec) -> None:
    with pytest.raises(Refused, match="the permit is for"):
        await AwsDatabases(access).restore(given, spec)


# -- refusals -----------------------------------------------------------------------------------------------------
REFUSALS = [
    ("DBSnapshotNotFound", 404, LayerFailed, "snapshot does not exist"),
    ("DBSnapshotNotFoundFault", 404, LayerFailed, "snapshot does not exist"),
    ("InvalidDBSnapshotState", 400, NoVerdict, "not available yet"),
    ("DBInstanceNotFound", 404, LayerFailed, "no such instance"),
    ("InvalidDBInstanceState", 400, NoVerdict, "busy"),
    ("DBSubnetGroupNotFoundFault", 404, LayerFailed, "network .* does not exist"),
    ("InvalidSubnet", 400, LayerFailed, "network .* does not exist"),
    ("DBSubnetGroupDoesNotCoverEnoughAZs", 400, LayerFailed, "enough availability zones"),
    ("InvalidVPCNetworkStateFault", 400, LayerFailed, "enough availability zones"),
    ("DBSecurityGroupNotFound", 404, LayerFailed, "security group does not exist"),
    ("DBParameterGroupNotFound", 404, LayerFailed, "parameter group"),
    ("OptionGroupNotFoundFault", 404, LayerFailed, "option group"),
    ("InvalidRestoreFault", 400, LayerFailed, "cannot be restored into this network"),
    ("InstanceQuotaExceeded", 400, NoVerdict, "quota of instances"),
    ("StorageQuotaExceeded", 400, NoVerdict, "quota of database storage"),
    ("InsufficientDBInstanceCapacity", 400, NoVerdict, "capacity"),
    ("StorageTypeNotSupported", 400, LayerFailed, "storage type"),
    ("ProvisionedIopsNotAvailableInAZFault", 400, LayerFailed, "storage type"),
    ("KMSKeyNotAccessibleFault", 400, LayerFailed, "KMS key"),
    ("PointInTimeRestoreNotEnabled", 400, LayerFailed, r"no automated backups \(retention 0\)"),
    ("DBInstanceAutomatedBackupNotFound", 404, LayerFailed, "deleted with it"),
    ("InvalidParameterValue", 400, LayerFailed, "does not accept a value"),
    ("InvalidParameterCombination", 400, LayerFailed, "combination"),
    ("SomethingNew", 400, LayerFailed, "AWS refused it"),
    ("AccessDenied", 403, NoVerdict, "does not allow"),
    ("AccessDeniedSomehow", 403, NoVerdict, "does not allow"),
    ("ExpiredToken", 403, SignedOut, "no longer accepts this session"),
    ("ExpiredTokenException", 400, SignedOut, "no longer accepts this session"),
    ("RequestExpired", 400, SignedOut, "no longer accepts this session"),
    ("InvalidClientTokenId", 403, NoVerdict, "access key"),
    ("Throttling", 400, NoVerdict, "fewer calls"),
    ("ThrottlingException", 400, NoVerdict, "fewer calls"),
    ("RequestLimitExceeded", 503, NoVerdict, "fewer calls"),
    ("InternalFailure", 500, NoVerdict, "failed to answer"),
    ("Unheard", 503, NoVerdict, "failed to answer"),
]


@pytest.mark.parametrize(
    ("spec", "operation", "call"), [(SPEC, FROM_SNAPSHOT, FROM_SNAPSHOT_CALL), (TO_A_MOMENT, TO_MOMENT, TO_MOMENT_CALL)]
)
@pytest.mark.parametrize(("code", "status", "error", "says"), REFUSALS)
async def test_refusals_are_told_in_the_operators_words(  # noqa: PLR0917 - a table
    access: AwsAccess,
    rds: Stubber,
    spec: RestoreSpec,
    operation: str,
    call: str,
    code: str,
    status: int,
    error: type[NoVerdict | LayerFailed],
    says: str,
) -> None:
    describes_source(rds) if spec is TO_A_MOMENT else describes_snapshot(rds)
    rds.add_client_error(call, code, "told\x1b[31m by AWS\nin its words", http_status_code=status)
    with pytest.raises(error, match=says) as said:
        await AwsDatabases(access).restore(permit(operation, "rt-1"), spec)
    assert type(said.value) is error
    assert said.value.fix
    assert said.value.source == operation
    assert said.value.provider_text == f"{code.removesuffix('Fault')}: told�[31m by AWS in its words"


async def test_nothing_is_restored_when_the_source_cannot_be_read(access: AwsAccess, rds: Stubber) -> None:
    rds.add_client_error("describe_db_snapshots", "ThrottlingException", "Rate exceeded", http_status_code=400)
    with pytest.raises(NoVerdict, match="fewer calls") as said:
        await AwsDatabases(access).restore(permit(FROM_SNAPSHOT, "rt-1"), SPEC)
    assert said.value.source == "rds:DescribeDBSnapshots"


async def test_a_copied_snapshot_of_our_own_is_asked_for_by_name_alone(access: AwsAccess, rds: Stubber) -> None:
    copied = {"DBSnapshotIdentifier": "rt-1-source"}
    rds.add_response("describe_db_snapshots", {"DBSnapshots": []}, copied)
    rds.add_response(FROM_SNAPSHOT_CALL, BEING_MADE, IDENTIFIED | EXPLICIT | copied)
    spec = replace(SPEC, origin=FromSnapshot("rt-1-source"))
    await AwsDatabases(access).restore(permit(FROM_SNAPSHOT, "rt-1"), spec)


_LISTED = "<DBInstances><DBInstance><DBInstanceIdentifier>clinic</DBInstanceIdentifier></DBInstance></DBInstances>"


def _answer(name: str, result: str) -> str:
    return f"<{name}Response><{name}Result>{result}</{name}Result></{name}Response>"
