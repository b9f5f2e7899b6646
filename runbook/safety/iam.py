"""Which IAM actions the calls of `interlock.OPERATIONS` need: one table for the check and for a policy."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from runbook.safety.interlock import OPERATIONS

# What a restored or copied database brings along: its tags, and RDS's right to use the key in our name.
_TAGS_AND_KEY: Final = ("rds:AddTagsToResource", "kms:CreateGrant", "kms:DescribeKey")

_NEEDED: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {  # where it is more than the action of the operation's name (Service Authorization Reference)
        "s3:ListObjectsV2": ("s3:ListBucket",),
        "s3:HeadObject": ("s3:GetObject",),
        "s3:GetObject": ("s3:GetObject", "s3:GetObjectVersion", "kms:Decrypt"),
        "s3:GetPublicAccessBlock": ("s3:GetBucketPublicAccessBlock",),
        "s3:GetObjectLockConfiguration": ("s3:GetBucketObjectLockConfiguration",),
        "rds:RestoreDBInstanceFromDBSnapshot": ("rds:RestoreDBInstanceFromDBSnapshot", *_TAGS_AND_KEY),
        "rds:RestoreDBInstanceToPointInTime": ("rds:RestoreDBInstanceToPointInTime", *_TAGS_AND_KEY),
        "rds:CopyDBSnapshot": ("rds:CopyDBSnapshot", *_TAGS_AND_KEY),
    }
)
_RESTORING: Final = ("s3:", "kms:", "rds:", "ec2:")


def restoring_actions() -> tuple[str, ...]:
    """The actions that the stages after the first will need, each once, by name."""
    names = (operation.name for operation in OPERATIONS if operation.name.startswith(_RESTORING))
    return tuple(sorted({action for name in names for action in _NEEDED.get(name, (name,))}))
