"""Accounts: each environment's own, what its ARNs say, and how one signs in."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

from runbook.config.checks.plain import Plain, place
from runbook.toml_file import Mistake

_SIDES: Final = ("production", "staging")
_ARN: Final = re.compile(r"arn:aws[a-z-]*:([a-z0-9-]+):([a-z0-9-]*):(\d{12}|\*?):.+")
_REGION: Final = re.compile(r"[a-z]{2}(?:-[a-z]+)+-\d")
ROLE_HOURS: Final = 12  # AWS: the longest session of a role


def _one_or_two(file: Plain) -> Iterator[Mistake]:
    """The same account is shared on purpose only, and two accounts need a copy."""
    production, staging = (file.text(f"{side}.aws.account_id") for side in _SIDES)
    source = file.text("staging.database.source", "same-account")
    at = place("staging.database.source")
    if not production or not staging:
        return
    if production == staging and source == "shared-copy":
        yield Mistake(at, 'shared-copy is for two accounts, and both environments are in one: say "same-account"')
    if production != staging and source == "same-account":
        what = 'the environments are in two accounts: say "shared-copy" and copy_kms_key, or put the account id right'
        yield Mistake(at, what)


def _copies(file: Plain) -> Iterator[Mistake]:
    """A shared copy needs a key of staging's own, in staging's account and Region."""
    at = place("staging.database.copy_kms_key")
    shared, key = file.text("staging.database.source") == "shared-copy", file.text("staging.database.copy_kms_key")
    if shared and not key:
        yield Mistake(at, "is missing: a shared snapshot is copied under a key of staging's own")
    if key and not shared:
        yield Mistake(at, 'is used with source = "shared-copy" only: remove it, or say that')
    if key:
        yield from _arn(file, at, key, "staging", service="kms")


def _reader(file: Plain) -> Iterator[Mistake]:
    """Backups in another account are read with a session of their own, which no second code is asked for."""
    production, staging = (file.text(f"{side}.aws.account_id") for side in _SIDES)
    signs_in = file.text("production.aws.sign_in.way") == "mfa" and not file.text("production.aws.sign_in.profile")
    ways = ("production.aws.reader_role", "production.aws.reader_profile")
    if production and staging and production != staging and signs_in and not any(file.text(way) for way in ways):
        what = "is needed with two accounts: the role that a drill reads production's backups by (or reader_profile)"
        yield Mistake(place("production.aws.reader_role"), what)


def _regions(file: Plain) -> Iterator[Mistake]:
    """A snapshot is restored in the Region in which it is."""
    for loc, region in file.texts("*.aws.region", "records.bucket.region"):
        if not _REGION.fullmatch(region):
            yield Mistake(loc, "is no Region: eu-west-2 is one")
    production, staging = (file.text(f"{side}.aws.region") for side in _SIDES)
    if production and staging and production != staging:
        what = "must be production's Region: a snapshot is restored in the Region in which it is"
        yield Mistake(place("staging.aws.region"), what)


def _identities(file: Plain) -> Iterator[Mistake]:
    """Whoever may be signed in is of this account."""
    for side in _SIDES:
        for loc, pattern in file.texts(f"{side}.aws.identity_patterns.*"):
            yield from _arn(file, loc, pattern, side, service="")
    for loc, key in file.texts("production.vault.backup.kms_key"):
        if not (found := _ARN.fullmatch(key)) or found.group(1) != "kms":
            yield Mistake(loc, "must be the ARN of a KMS key")


def _sign_in(file: Plain) -> Iterator[Mistake]:
    """Each way has what it needs, in the right account."""
    for side in _SIDES:
        for loc, sign_in in file.tables(f"{side}.aws.sign_in"):
            way, serial, role = (_text(sign_in.get(key)) for key in ("way", "mfa_serial", "role_arn"))
            if way == "mfa" and not serial:
                yield Mistake((*loc, "mfa_serial"), 'is missing: way = "mfa" needs the ARN of the operator\'s device')
            if way == "sso" and not sign_in.get("profile"):
                yield Mistake((*loc, "profile"), 'is missing: way = "sso" needs the name of a profile of ~/.aws/config')
            if role:
                yield from _arn(file, (*loc, "role_arn"), role, side, service="iam")
            elif serial.startswith("arn:"):  # with a role, the user and the device may be another account's
                yield from _arn(file, (*loc, "mfa_serial"), serial, side, service="iam")
            if role and way == "mfa" and _number(sign_in.get("session_hours")) > ROLE_HOURS:
                yield Mistake((*loc, "session_hours"), f"a role's session lasts {ROLE_HOURS} hours at most")


def _arn(file: Plain, loc: tuple[int | str, ...], arn: str, side: str, *, service: str) -> Iterator[Mistake]:
    found = _ARN.fullmatch(arn)
    if not found or (service and found.group(1) != service):
        yield Mistake(loc, f"must be an ARN: arn:aws:{service or 'iam'}:…")
        return
    account, region = file.text(f"{side}.aws.account_id"), file.text(f"{side}.aws.region")
    if account and found.group(3) != account:
        yield Mistake(loc, f"names another account than {side}.aws.account_id")
    if region and found.group(2) and found.group(2) != region:
        yield Mistake(loc, f"names another Region than {side}.aws.region")


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _number(value: Any) -> float:
    return value if isinstance(value, int | float) else 0.0


CHECKS: Final = (_one_or_two, _copies, _reader, _regions, _identities, _sign_in)
