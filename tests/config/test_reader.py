"""How a drill in another account signs in to production's, only to read backups."""

from __future__ import annotations

import pytest

from runbook.config.aws import SignIn, SourceAccount

ROLE = "arn:aws:iam::111111111111:role/runbook-reads-backups"
RECOVERY = SignIn(way="mfa", role_arn="arn:aws:iam::111111111111:role/runbook-recovery", mfa_serial="arn:x")


def account(**reader: str) -> SourceAccount:
    return SourceAccount.model_validate(
        {
            "account_id": "111111111111",
            "region": "eu-west-2",
            "identity_patterns": ("*",),
            "sign_in": RECOVERY,
            **reader,
        }
    )


@pytest.mark.parametrize(
    ("reader", "way", "role", "profile"),
    [
        ({"reader_role": ROLE}, "ambient", ROLE, None),
        ({"reader_profile": "clinic-backups"}, "sso", None, "clinic-backups"),
        ({}, "mfa", RECOVERY.role_arn, None),
    ],
)
def test_a_role_comes_first_then_a_profile_then_the_operators_own_sign_in(
    reader: dict[str, str], way: str, role: str | None, profile: str | None
) -> None:
    found = account(**reader).reader
    assert (found.way, found.role_arn, found.profile) == (way, role, profile)
