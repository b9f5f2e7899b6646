"""moto's RDS, made to behave; the AWS server's process only.

A restore takes time: `creating` with a percentage while a real PostgreSQL is started from the physical backup
(asked of the estate's control server), then `backing-up`, then `available`.  A new master password takes a moment,
and so does a deletion.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping
from typing import Any

from moto.rds.exceptions import (
    DBInstanceAlreadyExists,
    DBSnapshotNotFoundFault,
    InvalidDBInstanceStateFault,
    InvalidParameterCombination,
    InvalidParameterValue,
    KMSKeyNotAccessibleFault,
    RDSClientError,
)
from moto.rds.models import DBInstance, RDSBackend

from runbook.training.servers import aws_rds_answers, aws_rds_moments
from runbook.training.servers.aws_names import host_name
from runbook.training.servers.aws_rds_restores import Restores
from runbook.training.servers.aws_weather import Weather

_ONES_OWN = {
    "multi_az": False,
    "deletion_protection": False,
    "publicly_accessible": False,
    "enable_iam_database_authentication": False,
    "auto_minor_version_upgrade": True,
    "copy_tags_to_snapshot": False,
}
"""What AWS does not take over from the source, with its defaults; moto copies them, and drops any False given."""
_PASSWORD = re.compile(r"[!#-.0-?A-~]{8,128}")


def install(restores: Restores, weather: Weather) -> None:
    """Patch moto's classes in this process."""
    _patch_instances()
    _patch_restores(restores, weather)
    _patch_changes(restores)
    aws_rds_answers.install()


def _patch_instances() -> None:
    instances: Any = DBInstance  # moto's types do not foresee being patched, here and below
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
    instances.pending_modified_values = property(lambda self: self.course.pending if self.course else {})
    instances.address = property(lambda self: host_name(self.db_instance_identifier, self.region))
    instances.endpoint = property(endpoint)
    instances.latest_restorable_time = property(
        lambda self: aws_rds_moments.latest() if self.backup_retention_period else None
    )


# -- restores -----------------------------------------------------------------------------------------------------
def _patch_restores(restores: Restores, weather: Weather) -> None:
    backend: Any = RDSBackend
    restore_by_moto = RDSBackend.restore_db_instance_from_db_snapshot
    go_back_by_moto = RDSBackend.restore_db_instance_to_point_in_time

    def restore(self: Any, from_snapshot_id: str, overrides: Any) -> Any:
        name = from_snapshot_id.removeprefix(f"arn:aws:rds:{self.region_name}:{self.account_id}:snapshot:")
        if overrides["db_instance_identifier"] in self.databases:
            raise DBInstanceAlreadyExists
        if name not in self.database_snapshots:
            raise DBSnapshotNotFoundFault(name)
        if weather.now.kms_denied:
            raise KMSKeyNotAccessibleFault(self.database_snapshots[name].kms_key_id)
        made = _as_aws_would(self, restore_by_moto(self, name, overrides), overrides)
        made.deletion_protection |= weather.now.protect_restored
        restores.begin(made, {"snapshot": name})
        return made

    def go_back(self: Any, source_db_identifier: str | None, target_db_identifier: str, overrides: Any) -> Any:
        source = aws_rds_moments.source(self, overrides)
        at = aws_rds_moments.moment(self, source, overrides)
        if weather.now.kms_denied:
            raise KMSKeyNotAccessibleFault(source.kms_key_id)
        del source_db_identifier  # may be left out, where the resource id is given
        made = go_back_by_moto(self, source.db_instance_identifier, target_db_identifier, overrides)
        _as_aws_would(self, made, overrides)
        made.deletion_protection |= weather.now.protect_restored
        restores.begin(made, {"moment": at.isoformat()})
        return made

    backend.restore_db_instance_from_db_snapshot = restore
    backend.restore_db_instance_to_point_in_time = go_back


def _as_aws_would(backend: Any, instance: Any, given: Any) -> Any:
    """The instance, without what moto copied from the source, and with what it dropped from the request."""
    for name, default in _ONES_OWN.items():
        setattr(instance, name, given[name] if given.get(name) is not None else default)
    instance.dbi_resource_id = f"db-{secrets.token_hex(13).upper()}"
    retention = given.get("backup_retention_period")
    if retention is not None:
        instance.backup_retention_period = retention
    for name, one in list(backend.database_snapshots.items()):
        if retention == 0 and one.db_instance_identifier == instance.db_instance_identifier:
            del backend.database_snapshots[name]
    instance.manage_master_user_password = False  # the password is the backup's, in nobody's keeping
    return instance


# -- changes ------------------------------------------------------------------------------------------------------
def _patch_changes(restores: Restores) -> None:
    backend: Any = RDSBackend
    modify_by_moto: Any = RDSBackend.modify_db_instance
    delete_by_moto: Any = RDSBackend.delete_db_instance

    def modify(self: Any, db_instance_identifier: str, db_kwargs: Any) -> Any:
        instance = self.databases.get(db_instance_identifier)
        password = db_kwargs.get("master_user_password")
        if instance is None or instance.course is None or password is None:
            return modify_by_moto(self, db_instance_identifier, db_kwargs)
        _refuse_password(instance, password)
        rest = {name: value for name, value in db_kwargs.items() if name != "master_user_password"}
        modify_by_moto(self, db_instance_identifier, rest)
        restores.reset(instance, password)
        return instance

    def delete(self: Any, db_instance_identifier: str, **options: Any) -> Any:
        instance = self.databases.get(db_instance_identifier)
        if instance is None or instance.course is None:
            return delete_by_moto(self, db_instance_identifier, **options)
        _refuse_deletion(instance, options)
        restores.end(instance, lambda: delete_by_moto(self, db_instance_identifier, **options))
        return instance

    backend.modify_db_instance = modify
    backend.delete_db_instance = delete


def _refuse_password(instance: Any, password: str) -> None:
    name, status = instance.db_instance_identifier, instance.status
    if status not in {"available", "resetting-master-credentials"}:
        raise RDSClientError(
            "InvalidDBInstanceState", f"Database instance is not in available state, it is {status}: {name}."
        )
    if not _PASSWORD.fullmatch(password):
        raise InvalidParameterValue(
            "The parameter MasterUserPassword is not a valid password. Only printable ASCII characters besides "
            "'/', '@', '\"', ' ' may be used, 8 to 128 of them."
        )


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
