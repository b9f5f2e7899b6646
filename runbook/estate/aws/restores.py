"""RDS restores: from a snapshot, and to a point in time."""

from __future__ import annotations

from datetime import UTC
from typing import TYPE_CHECKING, Any, Final

from runbook.estate.aws import backups, instances, snapshots
from runbook.estate.aws.client import AwsAccess
from runbook.estate.aws.errors import asking, code_of, translated
from runbook.estate.ports import FromSnapshot, Instance, RestoreSpec, ToMoment

if TYPE_CHECKING:
    from botocore.exceptions import ClientError
    from mypy_boto3_rds.type_defs import DBInstanceTypeDef

FROM_SNAPSHOT: Final = "rds:RestoreDBInstanceFromDBSnapshot"
TO_MOMENT: Final = "rds:RestoreDBInstanceToPointInTime"
_PROVISIONED: Final = ("io1", "io2")
_GP3_PROVISIONED_FROM_GIB: Final = 400  # below it AWS refuses Iops and StorageThroughput for PostgreSQL, even its own


def operation(spec: RestoreSpec) -> str:
    """The call that makes this copy, as permits name it."""
    return TO_MOMENT if isinstance(spec.origin, ToMoment) else FROM_SNAPSHOT


def restore(access: AwsAccess, spec: RestoreSpec) -> Instance:
    """Answers the instance that carries exactly our tags if an earlier attempt of this call already made it."""
    from botocore.exceptions import ClientError

    given = _origin(access, spec) | _wanted(spec)
    with asking(operation(spec)):
        try:
            made = _called(access, spec, given)
        except ClientError as error:
            ours = _made_by_an_earlier_attempt(access, error, spec)
            if ours is None:
                raise translated(error, operation(spec)) from None
            return ours
    return instances.instance_of(made)


def _called(access: AwsAccess, spec: RestoreSpec, given: Any) -> DBInstanceTypeDef:
    client = access.client("rds")
    if isinstance(spec.origin, ToMoment):
        return client.restore_db_instance_to_point_in_time(**given)["DBInstance"]
    return client.restore_db_instance_from_db_snapshot(**given)["DBInstance"]


def _made_by_an_earlier_attempt(access: AwsAccess, error: ClientError, spec: RestoreSpec) -> Instance | None:
    """boto3 repeats a call whose answer was lost; the second one then meets what the first one made."""
    if code_of(error) != "DBInstanceAlreadyExists" or not spec.tags:
        return None
    there = instances.instance(access, spec.instance)
    return there if there and spec.tags.items() <= dict(there.tags).items() else None


# -- parameters ---------------------------------------------------------------------------------------------------
def _wanted(spec: RestoreSpec) -> dict[str, Any]:
    """Every one explicit: left out, AWS takes default groups, a random zone and the source's retention."""
    return {
        "DBInstanceClass": spec.instance_class,
        "DBSubnetGroupName": spec.subnet_group,
        "VpcSecurityGroupIds": list(spec.security_groups),
        "DBParameterGroupName": spec.parameter_group,
        "MultiAZ": spec.multi_az,
        "PubliclyAccessible": spec.public,
        "DeletionProtection": spec.deletion_protection,
        "EnableIAMDatabaseAuthentication": spec.iam_auth,
        "BackupRetentionPeriod": spec.retention_days,
        "AutoMinorVersionUpgrade": spec.auto_minor_upgrade,
        "CopyTagsToSnapshot": True,
        "Tags": [{"Key": key, "Value": value} for key, value in spec.tags.items()],
    }


def _origin(access: AwsAccess, spec: RestoreSpec) -> dict[str, Any]:
    """What is restored and under which name, on the kind of storage that it had."""
    if isinstance(spec.origin, FromSnapshot):
        named = {"DBInstanceIdentifier": spec.instance, "DBSnapshotIdentifier": spec.origin.snapshot}
        return named | _storage(snapshots.described(access, spec.origin.snapshot) or {})
    source, raw = _source(access, spec.origin.instance)
    # UseLatestRestorableTime is left out, which means False: AWS's model forbids it beside RestoreTime.
    moment = spec.origin.at.astimezone(UTC).replace(microsecond=0)
    return {"TargetDBInstanceIdentifier": spec.instance, "RestoreTime": moment} | source | _storage(raw)


def _source(access: AwsAccess, instance: str) -> tuple[dict[str, Any], Any]:
    """The instance, or where it was deleted the backups that were retained of it; and AWS's words about it."""
    if there := instances.described(access, instance):
        return {"SourceDBInstanceIdentifier": instance}, there
    retained = backups.described(access, instance) or {}
    if resource := retained.get("DbiResourceId"):
        return {"SourceDbiResourceId": resource}, retained
    return {"SourceDBInstanceIdentifier": instance}, {}  # AWS says why not


def _storage(raw: Any) -> dict[str, Any]:
    """Left out, AWS takes gp3: another kind than the source's makes a restore slower, and the copy no likeness."""
    kind = raw.get("StorageType")
    if not kind:
        return {}
    provisioned = kind in _PROVISIONED or (
        kind == "gp3" and raw.get("AllocatedStorage", 0) >= _GP3_PROVISIONED_FROM_GIB
    )
    names = ("Iops", "StorageThroughput") if provisioned else ()
    return {"StorageType": kind} | {name: raw[name] for name in names if raw.get(name)}
