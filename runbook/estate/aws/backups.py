"""RDS's automated backups: what point-in-time recovery rests on."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from runbook.estate.aws.client import AwsAccess
from runbook.estate.aws.errors import unless
from runbook.estate.aws.instances import described as described_instance
from runbook.estate.ports import AutomatedBackup
from runbook.safety.outside_text import outside_text

if TYPE_CHECKING:
    from mypy_boto3_rds.type_defs import DBInstanceAutomatedBackupTypeDef

_DESCRIBE: Final = "rds:DescribeDBInstanceAutomatedBackups"
_NONE: Final = frozenset({"DBInstanceAutomatedBackupNotFound", "DBInstanceNotFound"})
# Ascending: an instance that is there comes before deleted ones of its name.
_PREFERRED: Final = ("retained", "creating", "active")
_NEVER: Final = datetime.fromtimestamp(0, UTC)


def backup(access: AwsAccess, instance: str) -> AutomatedBackup | None:
    """The one that a restore of that instance to a point in time would use, or None."""
    raw = described(access, instance)
    if raw is None:
        return None
    window = raw.get("RestoreWindow", {})
    earliest, latest = window.get("EarliestTime"), window.get("LatestTime")
    if latest is None and raw.get("Status") != "retained":  # where the provider says it of the instance only
        latest = (described_instance(access, instance) or {}).get("LatestRestorableTime")
    return AutomatedBackup(
        instance=outside_text(raw.get("DBInstanceIdentifier")) or instance,
        status=outside_text(raw.get("Status")),
        earliest=earliest.astimezone(UTC) if earliest else None,
        latest=latest.astimezone(UTC) if latest else None,
        retention_days=raw.get("BackupRetentionPeriod"),
        encrypted=raw.get("Encrypted"),
        target=outside_text(raw.get("BackupTarget")),
    )


def count(access: AwsAccess, instance: str) -> int:
    """How many are kept, active and retained."""
    return len(_listed(access, instance))


def described(access: AwsAccess, instance: str) -> DBInstanceAutomatedBackupTypeDef | None:
    """AWS's own words about the one in use; of deleted instances of that name, the one that ended last."""
    return max(_listed(access, instance), key=_preference, default=None)


def _preference(raw: DBInstanceAutomatedBackupTypeDef) -> tuple[int, datetime]:
    status = raw.get("Status", "")
    rank = _PREFERRED.index(status) if status in _PREFERRED else -1
    return rank, raw.get("RestoreWindow", {}).get("LatestTime", _NEVER)


def _listed(access: AwsAccess, instance: str) -> list[DBInstanceAutomatedBackupTypeDef]:
    def over_all_pages() -> list[DBInstanceAutomatedBackupTypeDef]:
        pages = access.client("rds").get_paginator("describe_db_instance_automated_backups")
        return [
            raw for page in pages.paginate(DBInstanceIdentifier=instance) for raw in page["DBInstanceAutomatedBackups"]
        ]

    return unless(_NONE, _DESCRIBE, over_all_pages) or []
