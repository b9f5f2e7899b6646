"""What a copy is to stand in: subnet group, security groups, parameter group, and room for one more."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from runbook.engine.errors import LayerFailed, NoVerdict, SignedOut
from runbook.estate.answers import listing, text
from runbook.estate.aws.client import AwsAccess
from runbook.estate.aws.errors import asking, unless
from runbook.estate.ports import Ground, SecurityGroup
from runbook.safety.outside_text import outside_text

_SUBNETS: Final = "rds:DescribeDBSubnetGroups"
_GROUPS: Final = "ec2:DescribeSecurityGroups"
_FAMILY: Final = "rds:DescribeDBParameterGroups"
_PARAMETERS: Final = "rds:DescribeDBParameters"
_QUOTAS: Final = "rds:DescribeAccountAttributes"
_NO_SUBNETS: Final = frozenset({"DBSubnetGroupNotFound"})
_NO_FAMILY: Final = frozenset({"DBParameterGroupNotFound"})
_ALL: Final = "-1"
_PLACES: Final = (
    ("IpRanges", "CidrIp"),
    ("Ipv6Ranges", "CidrIpv6"),
    ("UserIdGroupPairs", "GroupId"),
    ("PrefixListIds", "PrefixListId"),
)


def ground(
    access: AwsAccess, subnet_group: str, security_groups: tuple[str, ...], parameter_group: str, names: tuple[str, ...]
) -> Ground:
    """Each asked for by name; what is not there is left out."""
    status, vpc = _network(access, subnet_group)
    groups = _security_groups(access, security_groups)
    family = _parameter_family(access, parameter_group)
    values = _parameters(access, parameter_group, names) if family and names else {}
    quotas = _quotas(access)
    return Ground(
        subnet_group=status,
        vpc=vpc,
        security_groups=groups,
        parameter_family=family,
        parameters=values,
        instances=quotas.get("DBInstances"),
        storage_gib=quotas.get("AllocatedStorage"),
    )


# -- network ------------------------------------------------------------------------------------------------------
def _network(access: AwsAccess, name: str) -> tuple[str, str]:
    """The subnet group's status and its VPC."""
    answer = unless(
        _NO_SUBNETS, _SUBNETS, lambda: access.client("rds").describe_db_subnet_groups(DBSubnetGroupName=name)
    )
    found = next(iter(answer["DBSubnetGroups"]), None) if answer else None
    return (outside_text(found.get("SubnetGroupStatus")), outside_text(found.get("VpcId"))) if found else ("", "")


def _security_groups(access: AwsAccess, ids: tuple[str, ...]) -> tuple[SecurityGroup, ...]:
    """Asked for by a filter: by their names, a single missing one would be all that AWS says."""
    if not ids:
        return ()
    with asking(_GROUPS):
        pages = access.client("ec2").get_paginator("describe_security_groups")
        found = pages.paginate(Filters=[{"Name": "group-id", "Values": list(ids)}])
        groups = [_security_group(raw) for page in found for raw in page["SecurityGroups"]]
    return tuple(sorted(groups, key=lambda group: group.id))


def _security_group(raw: Mapping[str, Any]) -> SecurityGroup:
    ways_out = (way for rule in listing(raw.get("IpPermissionsEgress")) for way in _egress(rule))
    return SecurityGroup(id=text(raw.get("GroupId")), vpc=text(raw.get("VpcId")), egress=tuple(ways_out))


def _egress(rule: Mapping[str, Any]) -> Iterator[str]:
    """`tcp 443 to 0.0.0.0/0` for each place; a rule whose place is none that we know is a way out all the same."""
    places = [text(place.get(name)) for kind, name in _PLACES for place in listing(rule.get(kind))]
    yield from (f"{_traffic(rule)} to {place}" for place in places or ["a place that AWS does not name"])


def _traffic(rule: Mapping[str, Any]) -> str:
    protocol, first, last = text(rule.get("IpProtocol")), rule.get("FromPort"), rule.get("ToPort")
    if protocol == _ALL:
        return "all"
    if protocol not in {"tcp", "udp"} or first is None or (first, last) in {(-1, -1), (0, 65535)}:
        return protocol
    return f"{protocol} {first}" if first == last else f"{protocol} {first}-{last}"


# -- parameters ---------------------------------------------------------------------------------------------------
def _parameter_family(access: AwsAccess, name: str) -> str | None:
    answer = unless(
        _NO_FAMILY, _FAMILY, lambda: access.client("rds").describe_db_parameter_groups(DBParameterGroupName=name)
    )
    found = next(iter(answer["DBParameterGroups"]), None) if answer else None
    return outside_text(found.get("DBParameterGroupFamily")) if found else None


def _parameters(access: AwsAccess, group: str, names: tuple[str, ...]) -> dict[str, str]:
    with asking(_PARAMETERS):
        pages = access.client("rds").get_paginator("describe_db_parameters").paginate(DBParameterGroupName=group)
        return {
            outside_text(raw["ParameterName"]): outside_text(raw["ParameterValue"])
            for page in pages
            for raw in page["Parameters"]
            if raw.get("ParameterName") in names and "ParameterValue" in raw
        }


# -- quotas -------------------------------------------------------------------------------------------------------
def _quotas(access: AwsAccess) -> dict[str, tuple[int, int]]:
    """Used and allowed, by AWS's name of the quota; empty where they cannot be read.

    Not every role may ask, not every emulator answers; a restore that meets a quota is refused with that reason.
    """
    try:
        with asking(_QUOTAS):
            quotas = access.client("rds").describe_account_attributes()["AccountQuotas"]
    except SignedOut:
        raise
    except (NoVerdict, LayerFailed):
        return {}
    return {quota["AccountQuotaName"]: (quota["Used"], quota["Max"]) for quota in quotas}
