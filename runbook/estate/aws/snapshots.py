"""RDS snapshots as AWS describes them: this account's own, and those that another account shares with it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from runbook.estate.aws.client import AwsAccess
from runbook.estate.aws.errors import asking, unless
from runbook.estate.ports import Snapshot
from runbook.safety.outside_text import outside_text

if TYPE_CHECKING:
    from mypy_boto3_rds.type_defs import DBSnapshotTypeDef

GONE: Final = frozenset({"DBSnapshotNotFound"})
_DESCRIBE: Final = "rds:DescribeDBSnapshots"
_AUTOMATED: Final = "automated"
_MADE_BY_AWS: Final = {"rds": _AUTOMATED, "awsbackup": "awsbackup"}  # by what its name begins with
_UNTIMED: Final = datetime.fromtimestamp(0, UTC)  # of one that is being made: never the newest


def snapshots(access: AwsAccess, instance: str) -> tuple[Snapshot, ...]:
    """Automated and manual ones of that instance, oldest data first."""
    # Without SnapshotType AWS answers automated and manual ones, and leaves out shared and public ones.
    return _in_order(_listed(access, DBInstanceIdentifier=instance))


def shared(access: AwsAccess, account: str, instance: str) -> tuple[Snapshot, ...]:
    """Those of that account's instance, oldest data first, named by their ARN."""
    listed = _listed(access, SnapshotType="shared", IncludeShared=True)
    theirs = (raw for raw in listed if _is_of(raw, account, instance))
    return tuple(replace(snapshot, id=snapshot.arn) for snapshot in _in_order(theirs))


def snapshot(access: AwsAccess, name: str) -> Snapshot | None:
    """The one of that identifier, whatever its status, or None."""
    raw = described(access, name)
    return None if raw is None else snapshot_of(raw)


def carrying(access: AwsAccess, key: str) -> tuple[Snapshot, ...]:
    """Every manual one of this account and Region that carries a tag of that key, whatever its status."""
    found = (snapshot_of(raw) for raw in _listed(access, SnapshotType="manual"))
    return tuple(each for each in found if key in each.tags)


def described(access: AwsAccess, name: str) -> DBSnapshotTypeDef | None:
    """AWS's own words about it, or None.  One that AWS made is found by its name together with its type only."""
    given: Any = {"DBSnapshotIdentifier": name}
    start, colon, _ = name.partition(":")
    if colon and start in _MADE_BY_AWS:
        given["SnapshotType"] = _MADE_BY_AWS[start]
    answer = unless(GONE, _DESCRIBE, lambda: access.client("rds").describe_db_snapshots(**given))
    return next(iter(answer["DBSnapshots"]), None) if answer else None


def snapshot_of(raw: DBSnapshotTypeDef) -> Snapshot:
    """`raw` in the port's terms."""
    created = _taken(raw) or _UNTIMED
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
        arn=outside_text(raw.get("DBSnapshotArn")),
        target=outside_text(raw.get("SnapshotTarget")),
        tags={outside_text(t.get("Key")): outside_text(t.get("Value")) for t in raw.get("TagList", [])},
    )


def _listed(access: AwsAccess, **given: Any) -> list[DBSnapshotTypeDef]:
    with asking(_DESCRIBE):
        pages = access.client("rds").get_paginator("describe_db_snapshots").paginate(**given)
        return [raw for page in pages for raw in page["DBSnapshots"]]


def _in_order(found: Iterable[DBSnapshotTypeDef]) -> tuple[Snapshot, ...]:
    """By the time of what is in them; an automated one stands behind its copies, as the one to be taken."""
    # One that is being made, and is no copy, has no time yet: nothing can be restored from it.
    dated = (snapshot_of(raw) for raw in found if _taken(raw))
    return tuple(sorted(dated, key=lambda each: (each.created, each.kind == _AUTOMATED, each.id)))


def _taken(raw: DBSnapshotTypeDef) -> datetime | None:
    """When its data was taken: SnapshotCreateTime changes when it is copied, and makes an old one look new."""
    return raw.get("OriginalSnapshotCreateTime") or raw.get("SnapshotCreateTime")


def _is_of(raw: DBSnapshotTypeDef, account: str, instance: str) -> bool:
    """`arn:aws:rds:REGION:ACCOUNT:snapshot:NAME` says whose it is; identifiers are the same in either case."""
    owner = raw.get("DBSnapshotArn", "").split(":")[4:5]
    return owner == [account] and raw.get("DBInstanceIdentifier", "").lower() == instance.lower()
