"""The cloud account, and how one signs in to it."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from runbook.config.base import AccountId, ExistingFile, Folder, Frozen


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
    config_file: ExistingFile | None = None  # None: the operator's own (~/.aws/config)
    sso_cache: Folder | None = None  # None: the operator's own (~/.aws/sso/cache)


class AwsAccount(Frozen):
    """One account, and who works in it."""

    sign_in: SignIn = SignIn()
    account_id: AccountId
    region: str
    identity_patterns: tuple[str, ...]  # ARNs (with * and ?) the operator may be signed in as


class SourceAccount(AwsAccount):
    """The account of production's backups: how a run that works in another one signs in here, only to read them.

    `reader_role` is assumed from that run's own session; else `reader_profile` of IAM Identity Center is used; without
    either, `sign_in`.
    """

    reader_role: str | None = None
    reader_profile: str | None = None

    @property
    def reader(self) -> SignIn:
        """How backups are read from another account."""
        if self.reader_role:
            return self.sign_in.model_copy(update={"way": "ambient", "role_arn": self.reader_role})
        if self.reader_profile:
            return self.sign_in.model_copy(update={"way": "sso", "role_arn": None, "profile": self.reader_profile})
        return self.sign_in


class Aws(AwsAccount):
    """The account that the backups and the restored database live in; `endpoint` None = AWS's own."""

    endpoint: str | None = None
