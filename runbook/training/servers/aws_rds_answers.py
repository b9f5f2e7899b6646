"""What RDS describes and moto leaves out: pages, quotas, and what is known of automated backups."""

from __future__ import annotations

from typing import Any

from moto.core.responses import ActionResult
from moto.rds.models import DBInstanceAutomatedBackup
from moto.rds.responses import RDSResponse

from runbook.training.servers import aws_rds_moments

_QUOTAS = {"DBInstances": 40, "AllocatedStorage": 100_000, "ManualSnapshots": 100}
"""AWS's defaults; storage in GiB."""


def install() -> None:
    """Patch moto's classes in this process."""
    responses: Any = RDSResponse  # moto's types do not foresee being patched, here and below
    responses.describe_db_snapshots = _describe_db_snapshots
    responses.describe_account_attributes = _describe_account_attributes
    responses.describe_db_parameters = _paged(responses.describe_db_parameters, "Parameters", "ParameterName")
    backups: Any = DBInstanceAutomatedBackup
    backups.restore_window = property(_restore_window)
    for name in ("backup_retention_period", "dbi_resource_id", "allocated_storage", "storage_type", "engine", "region"):
        setattr(backups, name, _of_instance(name))
    backups.encrypted, backups.kms_key_id = _of_instance("storage_encrypted"), _of_instance("kms_key_id")
    backups.backup_target = "region"


def _of_instance(name: str) -> property:
    """What the backup has of its instance; None of a retained one, whose instance is gone."""

    def told(backup: Any) -> Any:
        return getattr(backup.backend.databases.get(backup.db_instance_identifier), name, None)

    return property(told)


def _restore_window(backup: Any) -> dict[str, Any] | None:
    bounds = aws_rds_moments.window(backup.backend, backup.db_instance_identifier)
    return {"EarliestTime": bounds[0], "LatestTime": bounds[1]} if bounds else None


def _describe_db_snapshots(self: Any) -> Any:
    """In pages: moto answers all at once, so that a missing paginator would go unnoticed."""
    given = self.params
    filters = {one["Name"]: one["Values"] for one in given.get("Filters", [])}
    found = self.backend.describe_db_snapshots(
        given.get("DBInstanceIdentifier"), given.get("DBSnapshotIdentifier"), given.get("SnapshotType"), filters
    )
    names = [one.db_snapshot_identifier for one in found]
    page, marker = _page(found, names, given.get("Marker"), int(given.get("MaxRecords") or 100))
    return ActionResult({"DBSnapshots": page, "Marker": marker})


def _describe_account_attributes(self: Any) -> Any:
    instances = self.backend.databases.values()
    snapshots = self.backend.database_snapshots.values()
    used = {
        "DBInstances": len(instances),
        "AllocatedStorage": sum(one.allocated_storage for one in instances),
        "ManualSnapshots": sum(one.snapshot_type == "manual" for one in snapshots),
    }
    quotas = [{"AccountQuotaName": name, "Used": used[name], "Max": most} for name, most in _QUOTAS.items()]
    return ActionResult({"AccountQuotas": quotas})


def _paged(describe: Any, part: str, named: str) -> Any:
    """An answer of moto's in pages of MaxRecords."""

    def described(self: Any) -> Any:
        given = self.params
        found = list(describe(self).result[part])
        names = [one[named] for one in found]
        page, marker = _page(found, names, given.get("Marker"), int(given.get("MaxRecords") or 100))
        return ActionResult({part: page, "Marker": marker})

    return described


def _page(found: list[Any], names: list[str], marker: str | None, size: int) -> tuple[list[Any], str | None]:
    """One page, and the marker of the next: the name that the page ends with."""
    start = names.index(marker) + 1 if marker in names else 0
    page = found[start : start + size]
    return page, names[start + size - 1] if len(found) > start + size else None
