"""moto's RDS, made to behave; the AWS server's process only.

A restore takes time: `creating` with a percentage while a real PostgreSQL is started from the physical backup
(asked of the estate's control server), then `backing-up`, then `available`.  A deletion takes a moment too.
"""

from __future__ import annotations

import json
import logging
import secrets
import time
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from threading import Thread
from typing import Any
from urllib.parse import quote

from moto.core.responses import ActionResult
from moto.core.utils import utcnow
from moto.rds.exceptions import (
    DBInstanceAlreadyExists,
    DBSnapshotNotFoundFault,
    InvalidDBInstanceStateFault,
    InvalidParameterCombination,
    KMSKeyNotAccessibleFault,
)
from moto.rds.models import DBInstance, DBInstanceAutomatedBackup, RDSBackend
from moto.rds.responses import RDSResponse

from runbook.training.servers.aws_names import host_name
from runbook.training.servers.aws_weather import Weather

_DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))
_ONES_OWN = {
    "multi_az": False,
    "deletion_protection": False,
    "publicly_accessible": False,
    "enable_iam_database_authentication": False,
    "auto_minor_version_upgrade": True,
    "copy_tags_to_snapshot": False,
}
"""What AWS does not take over from the source, with its defaults; moto copies them, and drops any False given."""


@dataclass
class Course:
    """How the restore of one instance goes: by the clock, once the server behind it answers."""

    ends_as: str
    seconds: float
    started: float = field(default_factory=time.monotonic)
    address: tuple[str, int] | None = None
    failed: bool = False
    deleting: bool = False

    @property
    def _done(self) -> float:
        return (time.monotonic() - self.started) / self.seconds if self.seconds else 1.0

    @property
    def status(self) -> str:
        """As DescribeDBInstances says it."""
        if self.deleting:
            return "deleting"
        if self.failed:
            return "restore-error"
        if self.address is None or self._done < 0.7:
            return "creating"
        if self.ends_as != "available":
            return self.ends_as
        return "backing-up" if self._done < 1.0 else "available"

    @property
    def percent(self) -> int | None:
        """PercentProgress while `creating`."""
        return min(99, int(self._done * 130)) if self.status == "creating" else None


class Restores:
    """The instances of this server that were restored, and what happens to them."""

    def __init__(self, control: str, weather: Weather) -> None:
        self._control = control.rstrip("/")
        self._weather = weather

    def begin(self, instance: Any, snapshot: str) -> None:
        """Give the instance its course, and have its server started."""
        weather = self._weather.now
        instance.course = Course(ends_as=weather.restore_ends_as, seconds=weather.restore_seconds)
        Thread(target=self._place, args=(instance, snapshot), daemon=True).start()

    def _place(self, instance: Any, snapshot: str) -> None:
        try:
            answer = self._ask("PUT", instance.db_instance_identifier, {"snapshot": snapshot})
            instance.port = int(answer["port"])
            instance.course.address = (str(answer["host"]), instance.port)
        except (OSError, ValueError, KeyError):
            logging.getLogger(__name__).exception("no server for %s", instance.db_instance_identifier)
            instance.course.failed = True

    def end(self, instance: Any, forget: Callable[[], None]) -> None:
        """Have its server stopped, then let `forget` take it out of the books."""
        instance.course.deleting = True
        Thread(target=self._remove, args=(instance.db_instance_identifier, forget), daemon=True).start()

    def _remove(self, instance: str, forget: Callable[[], None]) -> None:
        try:
            self._ask("DELETE", instance)
        except OSError:
            logging.getLogger(__name__).exception("the server of %s could not be stopped", instance)
        time.sleep(self._weather.now.delete_seconds)
        forget()

    def _ask(self, method: str, instance: str, body: Mapping[str, Any] | None = None) -> dict[str, Any]:
        request = urllib.request.Request(  # noqa: S310 - the control server's loopback address, given by the estate
            f"{self._control}/internal/databases/{quote(instance, safe='')}",
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Content-Type": "application/json"},
        )
        with _DIRECT.open(request, timeout=60) as answer:
            text = answer.read()
        document: dict[str, Any] = json.loads(text) if text else {}
        return document


def install(restores: Restores, weather: Weather) -> None:
    """Patch moto's classes in this process."""
    _patch_instances()
    _patch_backend(restores, weather)
    _patch_answers()


def _patch_instances() -> None:
    instances: Any = DBInstance  # moto's types do not foresee being patched, here and below
    backups: Any = DBInstanceAutomatedBackup
    instances.course = None

    def status(self: Any) -> str:
        told: str = self.course.status if self.course else self.__dict__.get("own_status", "available")
        return told

    def endpoint(self: Any) -> dict[str, Any] | None:
        """None while creating: AWS has no Endpoint element yet."""
        if self.course is None:
            return {"Address": self.address, "Port": self.port}
        found = self.course.address
        return {"Address": found[0], "Port": found[1]} if found and self.course.status != "creating" else None

    instances.status = property(status, lambda self, value: self.__dict__.__setitem__("own_status", value))
    instances.percent_progress = property(lambda self: self.course.percent if self.course else None)
    instances.address = property(lambda self: host_name(self.db_instance_identifier, self.region))
    instances.endpoint = property(endpoint)
    instances.latest_restorable_time = property(lambda _: utcnow() - timedelta(minutes=4))
    backups.restore_window = property(_restore_window)


def _restore_window(backup: Any) -> dict[str, Any]:
    return {
        "EarliestTime": min(one.created for one in backup.automated_snapshots),
        "LatestTime": utcnow() - timedelta(minutes=4),
    }


def _patch_backend(restores: Restores, weather: Weather) -> None:
    backend: Any = RDSBackend
    restore_by_moto = RDSBackend.restore_db_instance_from_db_snapshot
    delete_by_moto: Any = RDSBackend.delete_db_instance

    def restore(self: Any, from_snapshot_id: str, overrides: Any) -> Any:
        name = from_snapshot_id.removeprefix(f"arn:aws:rds:{self.region_name}:{self.account_id}:snapshot:")
        if overrides["db_instance_identifier"] in self.databases:
            raise DBInstanceAlreadyExists
        if name not in self.database_snapshots:
            raise DBSnapshotNotFoundFault(name)
        if weather.now.kms_denied:
            raise KMSKeyNotAccessibleFault(self.database_snapshots[name].kms_key_id)
        instance = restore_by_moto(self, name, overrides)
        _as_aws_would(self, instance, overrides)
        instance.deletion_protection |= weather.now.protect_restored
        restores.begin(instance, name)
        return instance

    def delete(self: Any, db_instance_identifier: str, **options: Any) -> Any:
        instance = self.databases.get(db_instance_identifier)
        if instance is None or instance.course is None:
            return delete_by_moto(self, db_instance_identifier, **options)
        _refuse_deletion(instance, options)
        restores.end(instance, lambda: delete_by_moto(self, db_instance_identifier, **options))
        return instance

    backend.restore_db_instance_from_db_snapshot = restore
    backend.delete_db_instance = delete


def _as_aws_would(backend: Any, instance: Any, given: Any) -> None:
    """Undo what moto copied from the source or dropped from the request."""
    for name, default in _ONES_OWN.items():
        setattr(instance, name, given[name] if given.get(name) is not None else default)
    instance.dbi_resource_id = f"db-{secrets.token_hex(13).upper()}"
    retention = given.get("backup_retention_period")
    if retention is not None:
        instance.backup_retention_period = retention
    for name, one in list(backend.database_snapshots.items()):
        if retention == 0 and one.db_instance_identifier == instance.db_instance_identifier:
            del backend.database_snapshots[name]


def _refuse_deletion(instance: Any, options: Mapping[str, Any]) -> None:
    name = instance.db_instance_identifier
    if instance.deletion_protection:
        raise InvalidParameterCombination(
            "Cannot delete protected DB Instance, please disable deletion protection and try again."
        )
    if instance.course.deleting:
        raise InvalidDBInstanceStateFault(f"Instance {name} is already being deleted.")
    if not options.get("skip_final_snapshot") and not options.get("final_db_snapshot_identifier"):
        raise InvalidParameterCombination(
            "FinalDBSnapshotIdentifier is required unless SkipFinalSnapshot is specified."
        )


def _patch_answers() -> None:
    """DescribeDBSnapshots in pages: moto answers all at once, so that a missing paginator would go unnoticed."""

    def describe_db_snapshots(self: Any) -> Any:
        given = self.params
        filters = {one["Name"]: one["Values"] for one in given.get("Filters", [])}
        found = self.backend.describe_db_snapshots(
            given.get("DBInstanceIdentifier"), given.get("DBSnapshotIdentifier"), given.get("SnapshotType"), filters
        )
        page, marker = _page(found, given.get("Marker"), int(given.get("MaxRecords") or 100))
        return ActionResult({"DBSnapshots": page, "Marker": marker})

    responses: Any = RDSResponse
    responses.describe_db_snapshots = describe_db_snapshots


def _page(found: list[Any], marker: str | None, size: int) -> tuple[list[Any], str | None]:
    """One page, and the marker of the next: the identifier that the page ends with."""
    names = [one.db_snapshot_identifier for one in found]
    start = names.index(marker) + 1 if marker in names else 0
    page = found[start : start + size]
    return page, names[start + size - 1] if len(found) > start + size else None
