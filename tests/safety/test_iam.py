"""Which IAM actions are asked about before the work begins: each call's own, and what AWS wants along with it."""

from __future__ import annotations

import pytest

from runbook.safety.iam import restoring_actions
from runbook.safety.operations import OPERATIONS

OTHER_NAMES = {
    *("s3:ListObjectsV2", "s3:HeadObject", "s3:HeadBucket"),
    *("s3:GetPublicAccessBlock", "s3:GetObjectLockConfiguration"),
}
RECORDS = {"s3:PutObject"}  # not every run has an evidence bucket


def test_every_aws_call_of_the_later_stages_has_its_action() -> None:
    calls = {each.name for each in OPERATIONS if each.name.startswith(("s3:", "kms:", "rds:", "ec2:"))}
    assert calls - OTHER_NAMES - RECORDS - set(restoring_actions()) == set()
    assert OTHER_NAMES.isdisjoint(restoring_actions()), "IAM knows these by another name"


@pytest.mark.parametrize(
    "action",
    [
        "rds:AddTagsToResource",  # a restore and a copy that bring tags
        "kms:CreateGrant",  # RDS's right to use the key of an encrypted one
        "kms:DescribeKey",
        "kms:Decrypt",  # objects in the bucket
        "s3:ListBucket",
        "s3:GetObjectVersion",
        "ec2:DescribeSecurityGroups",
    ],
)
def test_what_a_call_needs_besides_is_asked_about_too(action: str) -> None:
    assert action in restoring_actions()


def test_nothing_is_asked_about_twice_or_of_the_first_stage() -> None:
    actions = restoring_actions()
    assert list(actions) == sorted(set(actions))
    assert not [action for action in actions if action.startswith(("sts:", "sso", "iam:"))]
