"""The cloud account, and how one signs in to it."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field

from runbook.config.base import Frozen


class SignIn(Frozen):
    """How the operator signs in to AWS.

    `mfa`: an IAM user's own long-term keys (of `profile`, or asked for where there is none), and a session taken with
    the device `mfa_serial` and a code: of `role_arn`, or of the user where there is no role.  `sso`: the profile of
    IAM Identity Center.  `ambient`: what botocore's chain finds (environment, container, instance).
    """

    way: Literal["mfa", "sso", "ambient"] = "ambient"
    profile: str | None = None
    role_arn: str | None = None
    mfa_serial: str | None = None
    session_hours: float = Field(default=4.0, ge=0.25, le=36.0)
    config_file: Path | None = None  # None: the operator's own (~/.aws/config)
    sso_cache: Path | None = None  # None: the operator's own (~/.aws/sso/cache)


class Aws(Frozen):
    """The account that the backups and the restored database live in; `endpoint` None = AWS's own."""

    sign_in: SignIn = SignIn()
    account_id: str = Field(pattern=r"^\d{12}$")
    region: str
    endpoint: str | None = None
    identity_patterns: tuple[str, ...]  # ARNs (with * and ?) the operator may be signed in as
