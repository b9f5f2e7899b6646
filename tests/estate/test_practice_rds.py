"""What the practice estate's RDS says and does around a restore: the ground, quotas, and a master password."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from botocore.exceptions import ClientError

from tests.estate.data_lab import Practice, estate
from tests.support.waiting import eventually

pytestmark = pytest.mark.estate

OURS = "a-password-of-the-drill"


@pytest.fixture(scope="module")
def practice() -> Iterator[Practice]:
    with estate() as practice:
        yield practice


def code_of(error: pytest.ExceptionInfo[ClientError]) -> str:
    code: str = error.value.response["Error"]["Code"]
    return code


def described(practice: Practice, instance: str) -> dict[str, Any]:
    found: dict[str, Any] = practice.client("rds").describe_db_instances(DBInstanceIdentifier=instance)["DBInstances"][
        0
    ]
    return found


def owner(practice: Practice, endpoint: dict[str, Any], password: str) -> psycopg.Connection[Any]:
    return practice.connect(endpoint, user="clinic_admin", password=password, options="")


def test_the_drills_ground_lets_nothing_out(practice: Practice) -> None:
    rds, ec2, database = practice.client("rds"), practice.client("ec2"), practice.database
    subnets = rds.describe_db_subnet_groups(DBSubnetGroupName=database.subnet_group)["DBSubnetGroups"][0]
    groups = ec2.describe_security_groups(GroupIds=list(database.security_groups))["SecurityGroups"]
    assert subnets["SubnetGroupStatus"] == "Complete"
    assert [(group["VpcId"], group["IpPermissionsEgress"]) for group in groups] == [(subnets["VpcId"], [])]
    production = described(practice, database.source_instance)["VpcSecurityGroups"][0]["VpcSecurityGroupId"]
    assert ec2.describe_security_groups(GroupIds=[production])["SecurityGroups"][0]["IpPermissionsEgress"]


def test_the_drills_parameters_start_no_job_and_no_subscription(practice: Practice) -> None:
    rds, group = practice.client("rds"), practice.database.parameter_group
    first = rds.describe_db_parameters(DBParameterGroupName=group, MaxRecords=2)
    assert first["Marker"]
    pages = rds.get_paginator("describe_db_parameters").paginate(
        DBParameterGroupName=group, PaginationConfig={"PageSize": 2}
    )
    values = {one["ParameterName"]: one["ParameterValue"] for page in pages for one in page["Parameters"]}
    assert "pg_cron" not in values["shared_preload_libraries"]
    assert values["max_logical_replication_workers"] == "0"
    family = rds.describe_db_parameter_groups(DBParameterGroupName=group)["DBParameterGroups"][0]
    assert family["DBParameterGroupFamily"] == "postgres18"
    assert described(practice, practice.database.source_instance)["DBParameterGroups"][0][
        "DBParameterGroupName"
    ] not in {group, "default.postgres18"}


def test_quotas_count_what_is_there(practice: Practice) -> None:
    quotas = practice.client("rds").describe_account_attributes()["AccountQuotas"]
    told = {one["AccountQuotaName"]: (one["Used"], one["Max"]) for one in quotas}
    assert told["DBInstances"] == (1, 40)
    assert told["AllocatedStorage"] == (100, 100_000)


def test_a_new_master_password_works_a_little_later_and_the_old_one_no_more(practice: Practice) -> None:
    practice.restore("rt-password")
    with pytest.raises(ClientError) as early:
        practice.client("rds").modify_db_instance(DBInstanceIdentifier="rt-password", MasterUserPassword=OURS)
    assert code_of(early) == "InvalidDBInstanceState"
    made = practice.until_status("rt-password", "available")
    assert made["MasterUsername"] == "clinic_admin"
    old = practice.layers._passwords.master
    owner(practice, made["Endpoint"], old).close()
    answer = practice.client("rds").modify_db_instance(
        DBInstanceIdentifier="rt-password", MasterUserPassword=OURS, ApplyImmediately=True
    )["DBInstance"]
    assert answer["PendingModifiedValues"] == {"MasterUserPassword": "****"}
    statuses: set[str] = {answer["DBInstanceStatus"]}
    eventually(
        lambda: described(practice, "rt-password"),
        lambda seen: not statuses.add(seen["DBInstanceStatus"]) and not seen["PendingModifiedValues"],  # type: ignore[func-returns-value] # add answers None
    )
    assert statuses == {"available", "resetting-master-credentials"}
    with owner(practice, made["Endpoint"], OURS) as connection:
        assert connection.execute(
            "select current_user, rolsuper from pg_roles where rolname = current_user"
        ).fetchone() == (
            "clinic_admin",
            False,
        )
        connection.execute("analyze public.appointments")
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        owner(practice, made["Endpoint"], old)
    practice.drop("rt-password")


@pytest.mark.parametrize("password", ["short", "with a space in it", "with/slash/in-it", 'quote"quote"', "x" * 129])
def test_a_password_that_rds_does_not_take_is_refused(practice: Practice, password: str) -> None:
    if not practice.exists("rt-taken"):
        practice.restore("rt-taken")
    practice.until_status("rt-taken", "available")
    with pytest.raises(ClientError) as refused:
        practice.client("rds").modify_db_instance(DBInstanceIdentifier="rt-taken", MasterUserPassword=password)
    assert code_of(refused) == "InvalidParameterValue"
    assert password not in refused.value.response["Error"]["Message"]


def test_other_changes_are_there_at_once(practice: Practice) -> None:
    practice.restore("rt-changed", PubliclyAccessible=True, DeletionProtection=True)
    practice.client("rds").modify_db_instance(
        DBInstanceIdentifier="rt-changed",
        PubliclyAccessible=False,
        DeletionProtection=False,
        BackupRetentionPeriod=7,
        ApplyImmediately=True,
    )
    seen = described(practice, "rt-changed")
    assert (seen["PubliclyAccessible"], seen["DeletionProtection"], seen["BackupRetentionPeriod"]) == (False, False, 7)
    practice.drop("rt-changed")


def test_a_password_of_nothing_is_refused(practice: Practice) -> None:
    practice.layers.start_copy("rt-roles", practice.snapshots()[-1]["DBSnapshotIdentifier"])
    with pytest.raises(ValueError, match="no restored database"):
        practice.layers.set_copy_password("rt-nowhere", "clinic_admin", OURS)
    with pytest.raises(ValueError, match="no role"):
        practice.layers.set_copy_password("rt-roles", "nobody", OURS)
    practice.layers.remove_copy("rt-roles")
