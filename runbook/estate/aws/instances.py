"""RDS instances as AWS describes them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC
from typing import TYPE_CHECKING, Any, Final

from runbook.estate.aws.client import AwsAccess
from runbook.estate.aws.errors import asking, unless
from runbook.estate.ports import Instance
from runbook.safety.outside_text import outside_text

if TYPE_CHECKING:
    from mypy_boto3_rds.type_defs import DBInstanceTypeDef

NOT_THERE: Final = frozenset({"DBInstanceNotFound"})
_DESCRIBE: Final = "rds:DescribeDBInstances"


def instance(access: AwsAccess, name: str) -> Instance | None:
    """The instance of that identifier, or None."""
    raw = described(access, name)
    return None if raw is None else instance_of(raw)


def tagged(access: AwsAccess, key: str, value: str) -> tuple[Instance, ...]:
    """Every instance of the Region that carries that tag."""
    return tuple(each for each in carrying(access, key) if each.tags[key] == value)


def carrying(access: AwsAccess, key: str) -> tuple[Instance, ...]:
    """Every instance of the Region that carries a tag of that key."""
    with asking(_DESCRIBE):
        pages = access.client("rds").get_paginator("describe_db_instances").paginate()
        found = [instance_of(raw) for page in pages for raw in page["DBInstances"]]
    return tuple(each for each in found if key in each.tags)


def described(access: AwsAccess, name: str) -> DBInstanceTypeDef | None:
    """AWS's own words about it, or None."""
    answer = unless(NOT_THERE, _DESCRIBE, lambda: access.client("rds").describe_db_instances(DBInstanceIdentifier=name))
    return next(iter(answer["DBInstances"]), None) if answer else None


def instance_of(raw: DBInstanceTypeDef) -> Instance:
    """`raw` in the port's terms."""
    endpoint, created, percent = raw.get("Endpoint", {}), raw.get("InstanceCreateTime"), raw.get("PercentProgress")
    group = next(iter(raw.get("DBParameterGroups", [])), None) or {}
    return Instance(
        id=outside_text(raw.get("DBInstanceIdentifier")),
        status=outside_text(raw.get("DBInstanceStatus")),
        host=outside_text(endpoint.get("Address")),
        port=endpoint.get("Port", 0),
        percent=_whole(percent),
        created=created.astimezone(UTC) if created else None,
        tags={outside_text(t.get("Key")): outside_text(t.get("Value")) for t in raw.get("TagList", [])},
        public=raw.get("PubliclyAccessible"),
        instance_class=outside_text(raw.get("DBInstanceClass")),
        engine_version=outside_text(raw.get("EngineVersion")),
        multi_az=raw.get("MultiAZ"),
        deletion_protection=raw.get("DeletionProtection"),
        iam_auth=raw.get("IAMDatabaseAuthenticationEnabled"),
        auto_minor_upgrade=raw.get("AutoMinorVersionUpgrade"),
        retention_days=raw.get("BackupRetentionPeriod"),
        subnet_group=outside_text(raw.get("DBSubnetGroup", {}).get("DBSubnetGroupName")),
        security_groups=tuple(outside_text(g.get("VpcSecurityGroupId")) for g in raw.get("VpcSecurityGroups", [])),
        parameter_group=outside_text(group.get("DBParameterGroupName")),
        parameters=outside_text(group.get("ParameterApplyStatus")),
        encrypted=raw.get("StorageEncrypted"),
        kms_key=outside_text(raw.get("KmsKeyId")) or None,
        resource_id=outside_text(raw.get("DbiResourceId")),
        master_user=outside_text(raw.get("MasterUsername")),
        pending=_pending(raw.get("PendingModifiedValues", {})),
    )


def _pending(changes: Mapping[str, Any]) -> tuple[str, ...]:
    """Names only: among the values may be the new master password."""
    return tuple(sorted(outside_text(name) for name, value in changes.items() if value not in (None, "", [], {})))


def _whole(number: object) -> int | None:
    text = str(number)
    return int(text) if text.isascii() and text.isdigit() else None
