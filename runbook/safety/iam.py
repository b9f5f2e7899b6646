"""Which IAM actions the calls of `operations.OPERATIONS` need: one table for the check and for a policy.

`iam_policy` puts resources and conditions around them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from runbook.safety.operations import OPERATIONS, Effect

DELETES_A_DATABASE: Final = "rds:DeleteDBInstance"

# What a restored or copied database brings along: its tags, and RDS's right to use the key in our name.
_TAGS_AND_KEY: Final = ("rds:AddTagsToResource", "kms:CreateGrant", "kms:DescribeKey")

_NEEDED: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {  # where it is more than the action of the operation's name, or another (Service Authorization Reference)
        "s3:ListObjectsV2": ("s3:ListBucket",),
        "s3:HeadObject": ("s3:GetObject",),
        "s3:HeadBucket": ("s3:ListBucket",),
        "s3:GetObject": ("s3:GetObject", "s3:GetObjectVersion", "kms:Decrypt"),
        "s3:PutObject": ("s3:PutObject", "s3:PutObjectRetention"),  # the latter for heads that are locked
        "s3:GetPublicAccessBlock": ("s3:GetBucketPublicAccessBlock",),
        "s3:GetObjectLockConfiguration": ("s3:GetBucketObjectLockConfiguration",),
        "sso-admin:ListInstances": ("sso:ListInstances",),
        "rds:RestoreDBInstanceFromDBSnapshot": ("rds:RestoreDBInstanceFromDBSnapshot", *_TAGS_AND_KEY),
        "rds:RestoreDBInstanceToPointInTime": ("rds:RestoreDBInstanceToPointInTime", *_TAGS_AND_KEY),
        "rds:CopyDBSnapshot": ("rds:CopyDBSnapshot", *_TAGS_AND_KEY),
        "sts:GetCallerIdentity": (),  # needs no right, and none can take it away
        "sts:GetSessionToken": (),  # needs none: the code of the device is asked for
        "sts:AssumeRoleWithWebIdentity": (),  # not signed: the role's trust decides
        "sso:GetRoleCredentials": (),  # not signed: IAM Identity Center's assignments decide
        "sso-oidc:CreateToken": (),  # not signed
    }
)
AWS: Final = ("sts:", "sso:", "sso-oidc:", "sso-admin:", "iam:", "s3:", "kms:", "rds:", "ec2:")
_RESTORING: Final = ("s3:", "kms:", "rds:", "ec2:")


@dataclass(frozen=True, slots=True)
class Sample:
    """One case of what a policy allows: a resource, and what a real call would carry along."""

    resource: str
    context: tuple[tuple[str, str], ...] = ()


def needed(operation: str) -> tuple[str, ...]:
    """The actions that one call needs."""
    return _NEEDED.get(operation, (operation,))


def called(role: str) -> tuple[str, ...]:
    """The AWS calls of that role, `drill` or `recovery`, by the names of the table."""
    names = (operation.name for operation in OPERATIONS if operation.name.startswith(AWS))
    return tuple(name for name in names if role != "recovery" or name != DELETES_A_DATABASE)


def restoring_actions(role: str = "drill") -> tuple[str, ...]:
    """The actions that the stages after the first will need, each once, by name; writing records is none of them."""
    recording = {operation.name for operation in OPERATIONS if operation.effect is Effect.RECORDING}
    names = (name for name in called(role) if name.startswith(_RESTORING) and name not in recording)
    return tuple(sorted({action for name in names for action in needed(name)}))
