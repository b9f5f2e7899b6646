"""`runbook iam drill|recovery`: the AWS policy for exactly the calls that are made, as JSON on standard output."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from runbook.commands.exits import ExitCode
from runbook.config import load as loading
from runbook.safety import iam_policy


def run(arguments: argparse.Namespace) -> int:
    """With a runbook.toml for its accounts and names, without one with placeholders in capitals."""
    path = loading.find(arguments.config)
    role = arguments.role
    place = _configured(role, path) if path else iam_policy.placeholders(role)
    print(json.dumps(iam_policy.policy(role, place, mfa=arguments.signin == "user"), indent=2))
    for line in _words(arguments.signin, place, found=path is not None):
        print(line, file=sys.stderr)
    return ExitCode.PASS


def _configured(role: str, path: Path) -> iam_policy.Place:
    configuration = loading.load(path).configuration
    return iam_policy.place_of(configuration.environment(role), configuration.records.bucket)


def _words(signin: str, place: iam_policy.Place, *, found: bool) -> list[str]:
    """What the policy cannot say itself."""
    said = [] if found else ["no runbook.toml was found: put your own values in the place of the words in capitals"]
    if signin == "user":
        said.append("for an IAM user: without the code of an MFA device nothing but sts:GetSessionToken is allowed")
    else:
        said.append(
            "for a role of IAM Identity Center: AWS has no condition that shows its second factor, so there is none"
            " here; the role's trust and Identity Center's own MFA setting are the limit"
        )
    if place.two_accounts:
        said.append(
            f"the backups are in account {place.source_account}: LookAtKeys, ListBackups…, LookAtTheBucket, ReadBackups"
            " and DecryptBackups are needed there, by the role or profile that reads them"
        )
    return said
