"""What the tests of RDS share: a copy's specification, and AWS's answers in its own words."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Final

from botocore.stub import Stubber

from runbook.estate.ports import FromSnapshot, RestoreSpec, ToMoment

NIGHT: Final = datetime(2027, 1, 14, 3, tzinfo=UTC)
MOMENT: Final = datetime(2027, 1, 14, 9, 41, 7, 250_000, tzinfo=UTC)
SPEC: Final = RestoreSpec(
    instance="rt-1",
    origin=FromSnapshot("rds:clinic-1"),
    instance_class="db.t4g.medium",
    subnet_group="drill",
    security_groups=("sg-1",),
    parameter_group="clinic-drill",
    multi_az=False,
    deletion_protection=False,
    retention_days=0,
    tags={"runbook": "drill-1", "destroy-after": "2027-01-16"},
)
TO_A_MOMENT: Final = replace(SPEC, origin=ToMoment("clinic", MOMENT))
EXPLICIT: Final[dict[str, Any]] = {  # of SPEC, whatever it is restored from
    "DBInstanceClass": "db.t4g.medium",
    "DBSubnetGroupName": "drill",
    "VpcSecurityGroupIds": ["sg-1"],
    "DBParameterGroupName": "clinic-drill",
    "MultiAZ": False,
    "PubliclyAccessible": False,
    "DeletionProtection": False,
    "EnableIAMDatabaseAuthentication": False,
    "BackupRetentionPeriod": 0,
    "AutoMinorVersionUpgrade": False,
    "CopyTagsToSnapshot": True,
    "Tags": [{"Key": "runbook", "Value": "drill-1"}, {"Key": "destroy-after", "Value": "2027-01-16"}],
}
FROM_SNAPSHOT_CALL: Final = "restore_db_instance_from_db_snapshot"
TO_MOMENT_CALL: Final = "restore_db_instance_to_point_in_time"
BEING_MADE: Final = {
    "DBInstance": {"DBInstanceIdentifier": "rt-1", "DBInstanceStatus": "creating", "PercentProgress": "7"}
}


def describes_snapshot(rds: Stubber, **storage: object) -> None:
    """The snapshot of SPEC is asked for, as every restore from one does for its storage."""
    rds.add_response(
        "describe_db_snapshots",
        {"DBSnapshots": [{"DBSnapshotIdentifier": "rds:clinic-1", **storage}]},
        {"DBSnapshotIdentifier": "rds:clinic-1", "SnapshotType": "automated"},
    )


def describes_source(rds: Stubber, **said: object) -> None:
    """The instance of TO_A_MOMENT is asked for."""
    rds.add_response(
        "describe_db_instances",
        {"DBInstances": [{"DBInstanceIdentifier": "clinic", **said}]},
        {"DBInstanceIdentifier": "clinic"},
    )


def describes_copy(rds: Stubber, tags: dict[str, str]) -> None:
    """The instance of SPEC is there already, with these tags."""
    listed = [{"Key": key, "Value": value} for key, value in tags.items()]
    there = {"DBInstanceIdentifier": "rt-1", "DBInstanceStatus": "creating", "TagList": listed}
    rds.add_response("describe_db_instances", {"DBInstances": [there]}, {"DBInstanceIdentifier": "rt-1"})
