"""The account that production's backups live in, where it is another: signed in to by itself, and only ever read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from runbook.config import Aws
from runbook.estate.aws.account import AwsAccount, AwsKeys
from runbook.estate.aws.client import AwsAccess
from runbook.estate.aws.credentials import Held
from runbook.estate.aws.databases import AwsDatabases
from runbook.estate.aws.objects import AwsObjects
from runbook.estate.aws.sign_in import AwsSignIn
from runbook.estate.door import Door
from runbook.estate.ports import BackupSource, SignInState
from runbook.safety.interlock import Interlock
from runbook.safety.operations import OPERATIONS, Effect

READS: Final = frozenset(operation.name for operation in OPERATIONS if operation.effect is Effect.READ)
_SESSION: Final = "runbook-reads-backups"
_SECONDS: Final = 3600  # AWS gives no longer session to who works by a role already; it is renewed by itself


def backup_source(settings: Aws | None, first: AwsAccess, interlock: Interlock, door: Door) -> BackupSource | None:
    """Its adapters; None where backups live in the environment's own account.

    With a `role_arn` that role is assumed from the session of `first`, which had its second factor; else it is signed
    in to as configured (a profile of Identity Center, or botocore's chain).  Nothing is called yet.
    """
    if settings is None:
        return None
    role = settings.sign_in.role_arn
    way = AssumedFrom(first, role) if role else None
    sign_in = AwsSignIn(settings, None, interlock, way=way, only=READS)
    access = AwsAccess(settings, sign_in, interlock, door)
    return BackupSource(AwsAccount(access, sign_in), AwsObjects(access), AwsKeys(access), AwsDatabases(access))


@dataclass(frozen=True, slots=True)
class AssumedFrom:
    """`sign_in.LoadedWay`: a role, assumed from another account's session, and again whenever it is about to end."""

    first: AwsAccess
    role: str

    def state(self, held: Held | None) -> SignInState:
        """Without a call."""
        del held
        return SignInState("ambient", f"{self.role}, assumed from the session of {self.first.settings.account_id}")

    def take(self, code: object) -> Held:
        """Nobody's code is needed."""
        del code
        return self.load()

    def load(self) -> Held:
        """The first call assumes it."""
        from botocore.credentials import DeferredRefreshableCredentials

        credentials = DeferredRefreshableCredentials(self._assumed, method="assume-role")
        return Held(credentials, self.state(None).source)

    def _assumed(self) -> Mapping[str, Any]:
        """As botocore wants a renewal."""
        sts = self.first.client("sts")
        answer = sts.assume_role(RoleArn=self.role, RoleSessionName=_SESSION, DurationSeconds=_SECONDS)
        keys = answer["Credentials"]
        return {
            "access_key": keys["AccessKeyId"],
            "secret_key": keys["SecretAccessKey"],
            "token": keys["SessionToken"],
            "expiry_time": keys["Expiration"].isoformat(),
        }
