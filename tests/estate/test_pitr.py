"""Point-in-time recovery in the practice estate: real WAL, replayed to exactly the second that was asked for."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from runbook.training import production
from tests.estate.data_lab import Practice, estate
from tests.support.waiting import eventually

pytestmark = pytest.mark.estate


@pytest.fixture(scope="module")
def practice() -> Iterator[Practice]:
    with estate() as practice:
        yield practice


def backup_of(practice: Practice) -> dict[str, Any]:
    rds = practice.client("rds")
    (found,) = rds.describe_db_instance_automated_backups(DBInstanceIdentifier=practice.database.source_instance)[
        "DBInstanceAutomatedBackups"
    ]
    backup: dict[str, Any] = found
    return backup


def go_back(practice: Practice, instance: str, to: datetime | None, **given: Any) -> dict[str, Any]:
    when: dict[str, Any] = {"UseLatestRestorableTime": True} if to is None else {"RestoreTime": to}
    source = {} if "SourceDbiResourceId" in given else {"SourceDBInstanceIdentifier": practice.database.source_instance}
    answer = practice.client("rds").restore_db_instance_to_point_in_time(
        TargetDBInstanceIdentifier=instance,
        DBInstanceClass=practice.database.instance_class,
        DBSubnetGroupName=practice.database.subnet_group,
        VpcSecurityGroupIds=list(practice.database.security_groups),
        DBParameterGroupName=practice.database.parameter_group,
        MultiAZ=False,
        DeletionProtection=False,
        BackupRetentionPeriod=0,
        **(when | source | given),
    )
    made: dict[str, Any] = answer["DBInstance"]
    return made


def booked(practice: Practice, instance: str, since: datetime) -> list[datetime]:
    """When the bookings since then were made, as the copy has them."""
    endpoint = practice.until_status(instance, "available")["Endpoint"]
    with practice.connect(endpoint) as connection:
        query = "select booked_at from public.appointments where booked_at > %s order by 1"
        return [row[0] for row in connection.execute(query, (since,)).fetchall()]


def book(practice: Practice) -> datetime:
    """Commit a booking in production; when its server says that it was made."""
    with practice.layers._source.connect(practice.database.name) as connection:
        row = connection.execute("select clock_timestamp()").fetchone()
        assert row is not None
        production.book(connection, row[0])
    at: datetime = row[0]
    return at


def next_second(after: datetime) -> datetime:
    """The first whole second after that moment, once it has passed."""
    whole = after.replace(microsecond=0) + timedelta(seconds=1)
    eventually(lambda: datetime.now(UTC), lambda now: now > whole)
    return whole


def restorable(practice: Practice, moment: datetime) -> None:
    """Wait until the provider says that this moment can be restored."""
    eventually(lambda: backup_of(practice)["RestoreWindow"]["LatestTime"], lambda latest: latest >= moment)


def test_a_moment_between_two_commits_is_restored_to_the_second(practice: Practice) -> None:
    started = datetime.now(UTC)
    first = book(practice)
    between = next_second(first)
    second = book(practice)
    after = next_second(second)
    restorable(practice, after)
    assert go_back(practice, "rt-between", between)["DBInstanceStatus"] == "creating"
    go_back(practice, "rt-after", after)
    assert booked(practice, "rt-between", started) == [first]
    assert booked(practice, "rt-after", started) == [first, second]
    practice.drop("rt-after")


def test_what_replay_made_is_promoted_and_cut_off_from_production(practice: Practice) -> None:
    endpoint = practice.until_status("rt-between", "available")["Endpoint"]
    with practice.connect(endpoint) as connection:
        settings = ("archive_mode", "archive_command", "restore_command", "primary_conninfo")
        told = {name: connection.execute("select current_setting(%s)", (name,)).fetchone() for name in settings}
        where = connection.execute("select pg_is_in_recovery(), timeline_id from pg_control_checkpoint()").fetchone()
    assert told.pop("archive_mode") == ("off",)
    assert set(told.values()) <= {("",), ("(disabled)",)}
    assert where == (False, 2)
    practice.drop("rt-between")


def test_the_latest_moment_is_a_few_seconds_ago(practice: Practice) -> None:
    started = datetime.now(UTC)
    made = book(practice)
    restorable(practice, next_second(made))
    go_back(practice, "rt-latest", None, SourceDbiResourceId=practice_resource(practice))
    assert made in booked(practice, "rt-latest", started)
    practice.drop("rt-latest")
    assert timedelta(0) < datetime.now(UTC) - backup_of(practice)["RestoreWindow"]["LatestTime"] < timedelta(seconds=10)


def practice_resource(practice: Practice) -> str:
    rds = practice.client("rds")
    found = rds.describe_db_instances(DBInstanceIdentifier=practice.database.source_instance)["DBInstances"][0]
    resource: str = found["DbiResourceId"]
    return resource


def test_a_moment_before_the_physical_backup_holds_what_was_written_until_then(practice: Practice) -> None:
    moment = practice.snapshots()[-2]["SnapshotCreateTime"] + timedelta(minutes=2)
    go_back(practice, "rt-yesterday", moment)
    assert booked(practice, "rt-yesterday", moment) == []
    assert len(booked(practice, "rt-yesterday", moment - timedelta(minutes=4))) == 2
    practice.drop("rt-yesterday")


def test_the_backup_says_what_it_is(practice: Practice) -> None:
    found, oldest = backup_of(practice), practice.snapshots()[0]["SnapshotCreateTime"]
    assert found["Status"] == "active"
    assert (found["BackupRetentionPeriod"], found["Encrypted"], found["BackupTarget"]) == (30, True, "region")
    assert found["RestoreWindow"]["EarliestTime"] == oldest


@pytest.mark.parametrize(
    ("to", "given", "code"),
    [
        (timedelta(hours=1), {}, "InvalidParameterValue"),
        (timedelta(days=-40), {}, "InvalidParameterValue"),
        (timedelta(hours=-1), {"UseLatestRestorableTime": True}, "InvalidParameterCombination"),
        (timedelta(hours=-1), {"SourceDBInstanceIdentifier": "elsewhere"}, "DBInstanceNotFound"),
        (timedelta(hours=-1), {"SourceDbiResourceId": "db-NONE"}, "DBInstanceAutomatedBackupNotFound"),
        (timedelta(hours=-1), {"TargetDBInstanceIdentifier": "clinic-production"}, "DBInstanceAlreadyExists"),
    ],
)
def test_what_cannot_be_restored_is_refused_in_the_providers_words(
    practice: Practice, to: timedelta, given: dict[str, Any], code: str
) -> None:
    target = str(given.pop("TargetDBInstanceIdentifier", "rt-refused"))
    with pytest.raises(ClientError) as refused:
        go_back(practice, target, datetime.now(UTC) + to, **given)
    assert refused.value.response["Error"]["Code"] == code
    assert not practice.exists("rt-refused")


def test_without_kept_backups_there_is_no_way_back(practice: Practice) -> None:
    practice.restore("rt-unkept", BackupRetentionPeriod=0)
    practice.until_status("rt-unkept", "available")
    with pytest.raises(ClientError) as refused:
        go_back(practice, "rt-refused", None, SourceDBInstanceIdentifier="rt-unkept")
    assert refused.value.response["Error"]["Code"] == "PointInTimeRestoreNotEnabled"
    practice.drop("rt-unkept")


def test_a_copy_of_a_moment_refuses_what_is_no_name(practice: Practice) -> None:
    with pytest.raises(ValueError, match="identifier"):
        practice.layers.start_copy_at("../rt", datetime.now(UTC))
