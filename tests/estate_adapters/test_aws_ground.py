"""What a copy is to stand in, as RDS and EC2 describe it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber
from moto import mock_aws

from runbook.engine.errors import NoVerdict, SignedOut
from runbook.estate.aws import ground
from runbook.estate.aws.client import AwsAccess
from runbook.estate.aws.databases import AwsDatabases
from runbook.estate.door import Door
from runbook.estate.ports import Ground, SecurityGroup
from tests.estate_adapters.aws import REGION, access_to
from tests.estate_adapters.loopback_aws import Cloud, refusal

NAMES = ("shared_preload_libraries", "max_logical_replication_workers")
SUBNETS = {"DBSubnetGroups": [{"SubnetGroupStatus": "Complete", "VpcId": "vpc-1"}]}
FAMILY = {"DBParameterGroups": [{"DBParameterGroupFamily": "postgres18"}]}
FILTER = {"Filters": [{"Name": "group-id", "Values": ["sg-1", "sg-2"]}]}
QUOTAS = {
    "AccountQuotas": [
        {"AccountQuotaName": "DBInstances", "Used": 39, "Max": 40},
        {"AccountQuotaName": "AllocatedStorage", "Used": 900, "Max": 100_000},
        {"AccountQuotaName": "ManualSnapshots", "Used": 3, "Max": 100},
    ]
}


@pytest.fixture
def ec2(access: AwsAccess) -> Iterator[Stubber]:
    with Stubber(access.client("ec2")) as stubber:
        yield stubber
        stubber.assert_no_pending_responses()


async def _ground(access: AwsAccess, names: tuple[str, ...] = NAMES) -> Ground:
    return await AwsDatabases(access).ground(
        subnet_group="drill", security_groups=("sg-1", "sg-2"), parameter_group="clinic-drill", parameters=names
    )


def _parameter(name: str, value: str | None) -> dict[str, str]:
    return {"ParameterName": name} | ({} if value is None else {"ParameterValue": value})


# -- all of it ----------------------------------------------------------------------------------------------------
async def test_all_of_it_is_read_over_all_pages(access: AwsAccess, rds: Stubber, ec2: Stubber) -> None:
    rds.add_response("describe_db_subnet_groups", SUBNETS, {"DBSubnetGroupName": "drill"})
    ec2.add_response(
        "describe_security_groups",
        {"SecurityGroups": [{"GroupId": "sg-2", "VpcId": "vpc-1", "IpPermissionsEgress": []}], "NextToken": "n"},
        FILTER,
    )
    one = {"GroupId": "sg-1", "VpcId": "vpc-1", "IpPermissionsEgress": [ANYWHERE]}
    ec2.add_response("describe_security_groups", {"SecurityGroups": [one]}, FILTER | {"NextToken": "n"})
    group = {"DBParameterGroupName": "clinic-drill"}
    rds.add_response("describe_db_parameter_groups", FAMILY, group)
    first = [_parameter("max_logical_replication_workers", None), _parameter("work_mem", "64")]
    rds.add_response("describe_db_parameters", {"Parameters": first, "Marker": "m"}, group)
    last = [_parameter("shared_preload_libraries", "pg_stat_statements,pg_cron"), {"ParameterValue": "nameless"}]
    rds.add_response("describe_db_parameters", {"Parameters": last}, group | {"Marker": "m"})
    rds.add_response("describe_account_attributes", QUOTAS, {})
    assert await _ground(access) == Ground(
        subnet_group="Complete",
        vpc="vpc-1",
        security_groups=(SecurityGroup("sg-1", "vpc-1", ("all to 0.0.0.0/0",)), SecurityGroup("sg-2", "vpc-1", ())),
        parameter_family="postgres18",
        parameters={"shared_preload_libraries": "pg_stat_statements,pg_cron"},
        instances=(39, 40),
        storage_gib=(900, 100_000),
    )


@pytest.mark.parametrize("suffix", ["", "Fault"])
async def test_what_is_not_there_is_said_and_no_error(
    access: AwsAccess, rds: Stubber, ec2: Stubber, suffix: str
) -> None:
    rds.add_client_error("describe_db_subnet_groups", "DBSubnetGroupNotFound" + suffix, http_status_code=404)
    ec2.add_response("describe_security_groups", {"SecurityGroups": []}, FILTER)
    rds.add_client_error("describe_db_parameter_groups", "DBParameterGroupNotFound" + suffix, http_status_code=404)
    rds.add_response("describe_account_attributes", {"AccountQuotas": []}, {})
    assert await _ground(access) == Ground("", "", (), None)


async def test_without_security_groups_none_are_asked_for(access: AwsAccess, ec2: Stubber) -> None:
    assert ground._security_groups(access, ()) == ()


async def test_parameters_are_not_read_when_none_matter(access: AwsAccess, rds: Stubber, ec2: Stubber) -> None:
    rds.add_response("describe_db_subnet_groups", SUBNETS)
    ec2.add_response("describe_security_groups", {"SecurityGroups": []})
    rds.add_response("describe_db_parameter_groups", FAMILY)
    rds.add_response("describe_account_attributes", QUOTAS)
    assert (await _ground(access, ())).parameters == {}


async def test_a_refusal_of_anything_but_the_quotas_is_no_verdict(
    access: AwsAccess, rds: Stubber, ec2: Stubber
) -> None:
    rds.add_response("describe_db_subnet_groups", SUBNETS)
    ec2.add_client_error("describe_security_groups", "UnauthorizedOperation", http_status_code=403)
    with pytest.raises(NoVerdict, match="ec2:DescribeSecurityGroups: AWS does not allow"):
        await _ground(access)


# -- quotas -------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "answer",
    [
        refusal("AccessDenied", "not authorized"),
        refusal("InvalidAction", "Could not find operation", 400),
        (404, "<html>not found"),
        (501, ""),
        (500, "<!doctype html>\n<html lang=en>"),  # as an emulator says that it does not know the call
    ],
)
async def test_quotas_that_cannot_be_read_are_unknown_at_once(
    cloud: Cloud, door: Door, answer: tuple[int, str]
) -> None:
    cloud.answers["rds:DescribeAccountAttributes"] = answer
    assert ground._quotas(access_to(door, cloud.address)) == {}
    assert len(cloud.asked) == 1


async def test_a_session_that_ran_out_is_not_taken_for_unknown_quotas(access: AwsAccess, rds: Stubber) -> None:
    rds.add_client_error("describe_account_attributes", "ExpiredToken", http_status_code=403)
    with pytest.raises(SignedOut):
        ground._quotas(access)


# -- ways out -----------------------------------------------------------------------------------------------------
ANYWHERE: dict[str, Any] = {"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}


@pytest.mark.parametrize(
    ("rule", "says"),
    [
        (ANYWHERE, ["all to 0.0.0.0/0"]),
        (
            {
                "IpProtocol": "tcp",
                "FromPort": 443,
                "ToPort": 443,
                "IpRanges": [{"CidrIp": "10.0.0.0/8", "Description": "s3"}],
                "Ipv6Ranges": [{"CidrIpv6": "::/0"}],
            },
            ["tcp 443 to 10.0.0.0/8", "tcp 443 to ::/0"],
        ),
        (
            {"IpProtocol": "udp", "FromPort": 1024, "ToPort": 2048, "UserIdGroupPairs": [{"GroupId": "sg-9"}]},
            ["udp 1024-2048 to sg-9"],
        ),
        (
            {"IpProtocol": "tcp", "FromPort": 0, "ToPort": 65535, "PrefixListIds": [{"PrefixListId": "pl-1"}]},
            ["tcp to pl-1"],
        ),
        (
            {"IpProtocol": "icmp", "FromPort": -1, "ToPort": -1, "IpRanges": [{"CidrIp": "10.0.0.1/32"}]},
            ["icmp to 10.0.0.1/32"],
        ),
        ({"IpProtocol": "58", "IpRanges": [{"CidrIp": "10.0.0.1/32"}]}, ["58 to 10.0.0.1/32"]),
        ({"IpProtocol": "-1", "SomethingOf2031": [{"Id": "x"}]}, ["all to a place that AWS does not name"]),
    ],
)
def test_every_way_out_is_said(rule: dict[str, Any], says: list[str]) -> None:
    assert list(ground._egress(rule)) == says


# -- moto ---------------------------------------------------------------------------------------------------------
def test_moto_agrees_on_network_and_parameters(door: Door) -> None:
    with mock_aws():
        ec2, rds = boto3.client("ec2", REGION), boto3.client("rds", REGION)
        subnets = ec2.describe_subnets()["Subnets"]
        vpc = subnets[0]["VpcId"]
        made = ec2.create_security_group(GroupName="drill", Description="d", VpcId=vpc)["GroupId"]
        names = [subnet["SubnetId"] for subnet in subnets]
        rds.create_db_subnet_group(DBSubnetGroupName="drill", DBSubnetGroupDescription="d", SubnetIds=names)
        rds.create_db_parameter_group(
            DBParameterGroupName="clinic-drill", DBParameterGroupFamily="postgres16", Description="d"
        )
        rds.modify_db_parameter_group(
            DBParameterGroupName="clinic-drill",
            Parameters=[{"ParameterName": NAMES[1], "ParameterValue": "0", "ApplyMethod": "pending-reboot"}],
        )
        access = access_to(door)
        assert ground._network(access, "drill") == ("Complete", vpc)
        assert ground._network(access, "none") == ("", "")
        groups = ground._security_groups(access, (made, "sg-0000000000000000f"))
        assert groups == (SecurityGroup(made, vpc, ("all to 0.0.0.0/0",)),)
        assert ground._parameter_family(access, "clinic-drill") == "postgres16"
        assert ground._parameter_family(access, "none") is None
        assert ground._parameters(access, "clinic-drill", NAMES) == {NAMES[1]: "0"}
