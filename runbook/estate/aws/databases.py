"""RDS: snapshots, the copy made from one, and its removal.

A permit's target is the identifier of the instance or snapshot that is made or deleted.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from runbook.engine.ports import Permit
from runbook.estate.aws.client import AwsAccess
from runbook.estate.aws.errors import asking, code_of, translated
from runbook.estate.ports import Instance, RestoreSpec, Snapshot
from runbook.safety.outside_text import outside_text

if TYPE_CHECKING:
    from mypy_boto3_rds.type_defs import DBInstanceTypeDef, DBSnapshotTypeDef

RESTORE = "rds:RestoreDBInstanceFromDBSnapshot"
DELETE = "rds:DeleteDBInstance"
KEEP = "rds:CopyDBSnapshot"


class AwsDatabases:
    """`DatabaseService` on RDS."""

    def __init__(self, access: AwsAccess) -> None:
        self._access = access

    async def snapshots(self, instance: str) -> tuple[Snapshot, ...]:
        return await self._access.door(self._snapshots, instance)

    async def instance(self, instance: str) -> Instance | None:
        return await self._access.door(self._instance, instance)

    async def tagged(self, key: str, value: str) -> tuple[Instance, ...]:
        return await self._access.door(self._tagged, key, value)

    async def restore(self, permit: Permit, spec: RestoreSpec) -> Instance:
        """Answers the instance that carries exactly our tags if an earlier attempt of this call already made it."""
        with self._access.interlock.holding(permit, RESTORE, spec.instance):
            return await self._access.door(self._restore, spec)

    async def delete(self, permit: Permit, instance: str) -> None:
        with self._access.interlock.holding(permit, DELETE, instance):
            await self._access.door(self._delete, instance)

    async def keep(self, permit: Permit, snapshot: str, name: str) -> None:
        with self._access.interlock.holding(permit, KEEP, name):
            await self._access.door(self._keep, snapshot, name)

    async def automated_backups(self, instance: str) -> int:
        return await self._access.door(self._automated_backups, instance)

    def _snapshots(self, instance: str) -> tuple[Snapshot, ...]:
        # Without SnapshotType AWS answers automated and manual ones, and leaves out shared and public ones.
        with asking("rds:DescribeDBSnapshots"):
            pages = self._access.client("rds").get_paginator("describe_db_snapshots")
            found = [s for page in pages.paginate(DBInstanceIdentifier=instance) for s in page["DBSnapshots"]]
        # One that is still being made has no time yet, and nothing can be restored from it.
        dated = [_snapshot(raw, raw["SnapshotCreateTime"]) for raw in found if "SnapshotCreateTime" in raw]
        return tuple(sorted(dated, key=lambda snapshot: (snapshot.created, snapshot.id)))

    def _instance(self, instance: str) -> Instance | None:
        from botocore.exceptions import ClientError

        source = "rds:DescribeDBInstances"
        with asking(source):
            try:
                answer = self._access.client("rds").describe_db_instances(DBInstanceIdentifier=instance)
            except ClientError as error:
                if code_of(error) == "DBInstanceNotFound":
                    return None
                raise translated(error, source) from None
        return next((_known(raw) for raw in answer["DBInstances"]), None)

    def _tagged(self, key: str, value: str) -> tuple[Instance, ...]:
        with asking("rds:DescribeDBInstances"):
            pages = self._access.client("rds").get_paginator("describe_db_instances")
            found = [_known(raw) for page in pages.paginate() for raw in page["DBInstances"]]
        return tuple(instance for instance in found if instance.tags.get(key) == value)

    def _restore(self, spec: RestoreSpec) -> Instance:
        from botocore.exceptions import ClientError

        with asking(RESTORE):
            try:
                answer = self._access.client("rds").restore_db_instance_from_db_snapshot(**_parameters(spec))
            except ClientError as error:
                ours = self._made_by_an_earlier_attempt(error, spec)
                if ours is None:
                    raise translated(error, RESTORE) from None
                return ours
        return _known(answer["DBInstance"])

    def _made_by_an_earlier_attempt(self, error: Any, spec: RestoreSpec) -> Instance | None:
        """boto3 repeats a call whose answer was lost; the second one then meets what the first one made."""
        if code_of(error) != "DBInstanceAlreadyExists" or not spec.tags:
            return None
        there = self._instance(spec.instance)
        return there if there and spec.tags.items() <= dict(there.tags).items() else None

    def _keep(self, snapshot: str, name: str) -> None:
        from botocore.exceptions import ClientError

        with asking(KEEP):
            try:
                self._access.client("rds").copy_db_snapshot(
                    SourceDBSnapshotIdentifier=snapshot, TargetDBSnapshotIdentifier=name, CopyTags=True
                )
            except ClientError as error:
                if code_of(error) != "DBSnapshotAlreadyExists":
                    raise translated(error, KEEP) from None

    def _delete(self, instance: str) -> None:
        from botocore.exceptions import ClientError

        with asking(DELETE):
            try:
                self._access.client("rds").delete_db_instance(
                    DBInstanceIdentifier=instance, SkipFinalSnapshot=True, DeleteAutomatedBackups=True
                )
            except ClientError as error:
                if not _gone_or_going(error):
                    raise translated(error, DELETE) from None

    def _automated_backups(self, instance: str) -> int:
        from botocore.exceptions import ClientError

        source = "rds:DescribeDBInstanceAutomatedBackups"
        with asking(source):
            try:
                pages = self._access.client("rds").get_paginator("describe_db_instance_automated_backups")
                return sum(len(p["DBInstanceAutomatedBackups"]) for p in pages.paginate(DBInstanceIdentifier=instance))
            except ClientError as error:
                if code_of(error) in {"DBInstanceAutomatedBackupNotFound", "DBInstanceNotFound"}:
                    return 0
                raise translated(error, source) from None


def _parameters(spec: RestoreSpec) -> Any:
    """Every one explicit: left out, AWS takes default groups, a random zone and the source's retention."""
    return {
        "DBInstanceIdentifier": spec.instance,
        "DBSnapshotIdentifier": spec.snapshot,
        "DBInstanceClass": spec.instance_class,
        "DBSubnetGroupName": spec.subnet_group,
        "VpcSecurityGroupIds": list(spec.security_groups),
        "DBParameterGroupName": spec.parameter_group,
        "MultiAZ": spec.multi_az,
        "PubliclyAccessible": spec.public,
        "DeletionProtection": spec.deletion_protection,
        "EnableIAMDatabaseAuthentication": spec.iam_auth,
        "BackupRetentionPeriod": spec.retention_days,
        "AutoMinorVersionUpgrade": False,  # a copy is compared with its source: its version stays
        "CopyTagsToSnapshot": True,
        "Tags": [{"Key": key, "Value": value} for key, value in spec.tags.items()],
    }


def _gone_or_going(error: Any) -> bool:
    words = error.response.get("Error", {}).get("Message", "")
    return code_of(error) == "DBInstanceNotFound" or "already being deleted" in words


def _snapshot(raw: DBSnapshotTypeDef, created: datetime) -> Snapshot:
    until = raw.get("SnapshotDatabaseTime")
    return Snapshot(
        id=outside_text(raw.get("DBSnapshotIdentifier")),
        instance=outside_text(raw.get("DBInstanceIdentifier")),
        kind=outside_text(raw.get("SnapshotType")),
        status=outside_text(raw.get("Status")),
        created=created.astimezone(UTC),
        size_gib=raw.get("AllocatedStorage", 0),
        engine=outside_text(raw.get("Engine")),
        engine_version=outside_text(raw.get("EngineVersion")),
        encrypted=raw.get("Encrypted", False),
        kms_key=outside_text(raw.get("KmsKeyId")) or None,
        data_until=until.astimezone(UTC) if until else None,
    )


def _known(raw: DBInstanceTypeDef) -> Instance:
    endpoint = raw.get("Endpoint", {})
    created = raw.get("InstanceCreateTime")
    percent = str(raw.get("PercentProgress", ""))
    return Instance(
        id=outside_text(raw.get("DBInstanceIdentifier")),
        status=outside_text(raw.get("DBInstanceStatus")),
        host=outside_text(endpoint.get("Address")),
        port=endpoint.get("Port", 0),
        percent=int(percent) if percent.isascii() and percent.isdigit() else None,
        created=created.astimezone(UTC) if created else None,
        tags={outside_text(t.get("Key")): outside_text(t.get("Value")) for t in raw.get("TagList", [])},
        public=raw.get("PubliclyAccessible"),
    )
