"""RestoreDBInstanceToPointInTime, as AWS refuses and does it: moto takes any time, and any resource id."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from moto.core.utils import utcnow
from moto.rds.exceptions import (
    DBInstanceAlreadyExists,
    DBInstanceNotFoundError,
    InvalidParameterCombination,
    InvalidParameterValue,
    RDSClientError,
)

LAG = timedelta(seconds=3)
"""How far behind now the newest moment is; at AWS it may be five minutes."""


def window(backend: Any, instance: str) -> tuple[datetime, datetime] | None:
    """The moments (naive, UTC, as moto has them) that can be restored, or None where no backup is kept."""
    kept = [
        one.created
        for one in backend.database_snapshots.values()
        if one.db_instance_identifier == instance and one.snapshot_type == "automated"
    ]
    return (min(kept), latest()) if kept else None


def latest() -> datetime:
    """LatestRestorableTime, in whole seconds."""
    now: datetime = utcnow()
    return (now - LAG).replace(microsecond=0)


def source(backend: Any, given: Mapping[str, Any]) -> Any:
    """The instance that is named by its identifier or its resource id."""
    if name := given.get("source_db_instance_identifier"):
        if name not in backend.databases:
            raise DBInstanceNotFoundError(name)
        return backend.databases[name]
    resource = given.get("source_dbi_resource_id")
    found = next((one for one in backend.databases.values() if one.dbi_resource_id == resource), None)
    if found is None:
        raise RDSClientError("DBInstanceAutomatedBackupNotFound", f"No automated backup of {resource} was found.")
    return found


def moment(backend: Any, instance: Any, given: Mapping[str, Any]) -> datetime:
    """The moment that is asked for (aware, UTC), or AWS's refusal of it."""
    name, wanted = instance.db_instance_identifier, given.get("restore_time")
    if given["target_db_instance_identifier"] in backend.databases:
        raise DBInstanceAlreadyExists
    if bool(given.get("use_latest_restorable_time")) == (wanted is not None):
        raise InvalidParameterCombination("Either RestoreTime or UseLatestRestorableTime must be specified, not both.")
    bounds = window(backend, name) if instance.backup_retention_period else None
    if bounds is None:
        raise RDSClientError("PointInTimeRestoreNotEnabled", f"Point in time restore is not enabled for {name}.")
    at = bounds[1] if wanted is None else _naive(wanted)
    if at > bounds[1]:
        raise InvalidParameterValue(
            f"The specified instance cannot be restored to a time later than {_said(bounds[1])}."
        )
    if at < bounds[0]:
        raise InvalidParameterValue(
            f"The specified instance cannot be restored to a time earlier than {_said(bounds[0])}."
        )
    return at.replace(tzinfo=UTC)


def _naive(at: datetime | str) -> datetime:
    read = datetime.fromisoformat(at) if isinstance(at, str) else at
    return read.astimezone(UTC).replace(tzinfo=None) if read.tzinfo else read


def _said(at: datetime) -> str:
    return f"{at:%Y-%m-%dT%H:%M:%SZ}"
