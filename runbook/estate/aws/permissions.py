"""What the role that we are may not do, by IAM's own simulator; nothing is called but that.

It judges policies of the identity only: what an organisation's policy forbids it may not see, and so it can be wrong
in the hopeful direction.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from runbook.engine.errors import NoVerdict
from runbook.estate.aws.client import AwsAccess
from runbook.estate.aws.errors import asking, code_of, translated
from runbook.estate.ports import SignInState
from runbook.safety.iam import Sample
from runbook.safety.outside_text import outside_text

ANYTHING: Final = Sample("*")
_SOURCE: Final = "iam:SimulatePrincipalPolicy"
_ASSUMED: Final = re.compile(r"arn:(?P<part>[^:]+):sts::(?P<account>\d+):assumed-role/(?P<role>[^/]+)/.+")
_OF_IDENTITY_CENTER: Final = "AWSReservedSSO_"
_NOT_THERE: Final = ("NoSuchEntity", "InvalidInput")
_MANUAL: Final = (
    "Look in the IAM console at the role's permissions, or use its policy simulator, "
    "for the actions that `runbook iam` prints."
)


@dataclass(frozen=True, slots=True)
class Asked:
    """Actions, what each would be done to (any resource where it has no sample), and how we are signed in."""

    actions: tuple[str, ...]
    samples: Mapping[str, Sample]
    state: SignInState

    def groups(self) -> dict[Sample, list[str]]:
        """The simulator judges all actions of one call on the same resource, with the same context."""
        found: dict[Sample, list[str]] = {}
        for action in self.actions:
            found.setdefault(self.samples.get(action, ANYTHING), []).append(action)
        return found


def denied(access: AwsAccess, arn: str, asked: Asked) -> tuple[str, ...]:
    """The actions that are not allowed, in the order asked; NoVerdict when the simulator may not be asked."""
    for candidate in _entities(access, arn):
        with asking(_SOURCE):
            if (answers := _simulate(access, candidate, asked)) is not None:
                return _not_allowed(answers, asked.actions)
    raise NoVerdict(f"{_SOURCE}: IAM does not know the role behind {outside_text(arn)}", fix=_MANUAL, source=_SOURCE)


def _not_allowed(answers: dict[str, str], actions: tuple[str, ...]) -> tuple[str, ...]:
    silent = [action for action in actions if action not in answers]
    if silent:
        raise NoVerdict(f"{_SOURCE}: no answer for {', '.join(silent)}", fix=_MANUAL, source=_SOURCE)
    return tuple(action for action in actions if answers[action] != "allowed")


def _simulate(access: AwsAccess, entity: str, asked: Asked) -> dict[str, str] | None:
    """Decision for each action; None when IAM does not know that entity."""
    from botocore.exceptions import ClientError

    try:
        return {
            found["EvalActionName"]: found["EvalDecision"]
            for sample, actions in asked.groups().items()
            for page in _pages(access, entity, actions, sample, asked.state)
            for found in page["EvaluationResults"]
        }
    except ClientError as error:
        if code_of(error) in _NOT_THERE:
            return None
        refused = translated(error, _SOURCE)
        raise (_may_not_ask(refused) if code_of(error).startswith("AccessDenied") else refused) from None


def _pages(access: AwsAccess, entity: str, actions: list[str], sample: Sample, state: SignInState) -> Iterable[Any]:
    on = {} if sample == ANYTHING else {"ResourceArns": [sample.resource]}
    context = _context(access, sample, state)
    paginator = access.client("iam").get_paginator("simulate_principal_policy")
    pages: Iterable[Any] = paginator.paginate(PolicySourceArn=entity, ActionNames=actions, ContextEntries=context, **on)
    return pages


def _may_not_ask(refused: Any) -> NoVerdict:
    return NoVerdict(
        f"{_SOURCE}: this session may not ask the policy simulator",
        fix=_MANUAL,
        provider_text=refused.provider_text,
        source=_SOURCE,
    )


def _context(access: AwsAccess, sample: Sample, state: SignInState) -> list[dict[str, Any]]:
    """What a real call would carry along; the simulator takes a missing key for an absent one."""
    entries = {
        "aws:RequestedRegion": (access.settings.region, "string"),
        "aws:SecureTransport": ("true", "boolean"),
        "kms:GrantIsForAWSResource": ("true", "boolean"),  # RDS asks for a grant in our name; roles often demand this
    }
    entries |= {key: (value, "string") for key, value in sample.context if key not in entries}
    if state.mfa == "PROVEN":
        entries["aws:MultiFactorAuthPresent"] = ("true", "boolean")
    return [
        {"ContextKeyName": name, "ContextKeyValues": [value], "ContextKeyType": kind}
        for name, (value, kind) in entries.items()
    ]


def _entities(access: AwsAccess, arn: str) -> Iterator[str]:
    """The ARNs that the simulator may know `arn` by: a session's ARN does not say which path its role has."""
    session = _ASSUMED.fullmatch(arn)
    if session is None:
        yield arn
        return
    role, start = session["role"], f"arn:{session['part']}:iam::{session['account']}:role/"
    configured = access.settings.sign_in.role_arn or ""
    if configured.rpartition("/")[2] == role:
        yield configured
    if role.startswith(_OF_IDENTITY_CENTER):
        yield f"{start}aws-reserved/sso.amazonaws.com/{access.region('sso-admin')}/{role}"
        yield f"{start}aws-reserved/sso.amazonaws.com/{role}"  # a home in us-east-1 is not named
    if configured != start + role:
        yield start + role
