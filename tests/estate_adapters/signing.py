"""A whole sign-in over the loopback AWS."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from runbook.engine.ports import Secret
from runbook.estate.aws.account import AwsAccount
from runbook.estate.aws.client import AwsAccess
from runbook.estate.aws.objects import AwsObjects
from runbook.estate.aws.sign_in import AwsSignIn
from runbook.estate.door import Door
from runbook.safety import bounds
from runbook.safety.interlock import Interlock
from tests.estate_adapters.aws import settings_for
from tests.estate_adapters.loopback_aws import Cloud

T = TypeVar("T")
ROLE = "arn:aws:iam::111122223333:role/runbook-drill"
DEVICE = "arn:aws:iam::111122223333:mfa/cto"
MFA = {"way": "mfa", "role_arn": ROLE, "mfa_serial": DEVICE}
KEYS = (Secret("AKIALONGTERM"), Secret("long-term"))
NOW = 1_800_000_000.0  # 2027-01-15T08:00:00Z


@dataclass
class Signing:
    """The adapters of one environment that sign in as `sign_in` says."""

    account: AwsAccount
    objects: AwsObjects
    access: AwsAccess
    interlock: Interlock

    def list(self) -> None:
        """A call that needs a session."""
        ask(self.objects.list("bucket", ""))


@dataclass
class Bench:
    """Makes them, and ends what they hold."""

    cloud: Cloud
    door: Door

    def __call__(
        self, sign_in: dict[str, Any], keys: tuple[Secret, Secret] | None = None, *, real: bool = False
    ) -> Signing:
        """`real`: at AWS's own addresses, which the interlock refuses to call here."""
        settings = settings_for(None if real else self.cloud.address, sign_in=sign_in)
        interlock = Interlock(bounds.practice())
        signed_in = AwsSignIn(settings, keys, interlock, now=lambda: NOW)
        access = AwsAccess(settings, signed_in, interlock, self.door)
        return Signing(AwsAccount(access, signed_in), AwsObjects(access), access, interlock)


def ask(question: Coroutine[Any, Any, T]) -> T:
    return asyncio.run(question)


def config_of(home: Path, text: str) -> Path:
    """The operator's ~/.aws/config."""
    file = home / ".aws" / "config"
    file.write_text(text)
    return file
