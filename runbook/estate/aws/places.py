"""Where AWS's services are called, and for which Region their calls are signed."""

from __future__ import annotations

from typing import Final

# IAM is one service for a whole partition: its calls are signed for the partition's first Region.
_IAM: Final = {
    "aws": ("us-east-1", "https://iam.amazonaws.com"),
    "aws-cn": ("cn-north-1", "https://iam.cn-north-1.amazonaws.com.cn"),
    "aws-us-gov": ("us-gov-west-1", "https://iam.us-gov.amazonaws.com"),
}


def partition(region: str) -> str:
    """The part of AWS that a Region belongs to, as ARNs write it."""
    return next(
        (part for start, part in (("cn-", "aws-cn"), ("us-gov-", "aws-us-gov")) if region.startswith(start)), "aws"
    )


def signing_region(service: str, region: str) -> str:
    """The Region that calls of that service are signed for, seen from `region`."""
    return _IAM[partition(region)][0] if service == "iam" else region


def endpoint(service: str, region: str) -> str:
    """AWS's own address of that service in `region`."""
    if service == "iam":
        return _IAM[partition(region)][1]
    host = "sso" if service == "sso-admin" else service
    return f"https://{host}.{region}.{'amazonaws.com.cn' if partition(region) == 'aws-cn' else 'amazonaws.com'}"
