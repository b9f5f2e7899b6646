"""Which IAM actions the calls of `interlock.OPERATIONS` need: one table for the check and for a policy."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from runbook.safety.interlock import OPERATIONS

_OWN_NAMES: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {  # where the action is not called like the operation (Service Authorization Reference)
        "s3:ListObjectsV2": ("s3:ListBucket",),
        "s3:HeadObject": ("s3:GetObject",),
        "s3:GetObject": ("s3:GetObject", "s3:GetObjectVersion", "kms:Decrypt"),
        "s3:GetPublicAccessBlock": ("s3:GetBucketPublicAccessBlock",),
        "s3:GetObjectLockConfiguration": ("s3:GetBucketObjectLockConfiguration",),
    }
)
_RESTORING: Final = ("s3:", "kms:", "rds:")


def restoring_actions() -> tuple[str, ...]:
    """The actions that the stages after the first will need, each once, by name."""
    names = (operation.name for operation in OPERATIONS if operation.name.startswith(_RESTORING))
    return tuple(sorted({action for name in names for action in _OWN_NAMES.get(name, (name,))}))
