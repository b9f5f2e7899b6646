"""What the AWS adapters' tests share: an access to moto in this process, and one to any loopback address."""

from __future__ import annotations

from typing import Any

from runbook.config import Aws
from runbook.engine.ports import Permit, Secret
from runbook.estate.aws.account import AwsAccount
from runbook.estate.aws.client import AwsAccess, ServiceName, Signed
from runbook.estate.aws.credentials import WithKeys, with_credentials
from runbook.estate.aws.sign_in import AwsSignIn
from runbook.estate.door import Door
from runbook.safety import bounds
from runbook.safety.interlock import Interlock

REGION = "eu-west-2"


def settings_for(endpoint: str | None = None, **more: object) -> Aws:
    return Aws.model_validate(
        {"account_id": "111122223333", "region": REGION, "endpoint": endpoint, "identity_patterns": ("*",), **more}
    )


class SignedInAlready:
    """Whoever asks has a session of fixed keys."""

    home_region = REGION

    def __init__(self, settings: Aws, interlock: Interlock) -> None:
        keys = WithKeys(Secret("AKIAPRACTICE"), Secret("secret"), Secret("token"))
        self._signed = Signed(0, with_credentials(keys.made(), settings, interlock))

    def current(self, service: ServiceName) -> Signed:
        return self._signed


def access_to(door: Door, endpoint: str | None = None, *, training: bool = False) -> AwsAccess:
    """Endpoint None: AWS's own addresses, which moto catches in this process."""
    settings = settings_for(endpoint)
    interlock = Interlock(bounds.Bounds("training", loopback_only=training or endpoint is not None))
    return AwsAccess(settings, SignedInAlready(settings, interlock), interlock, door)


def account_of(access: AwsAccess, **more: Any) -> AwsAccount:
    """Its own sign-in is not asked: the access has a session already."""
    return AwsAccount(access, AwsSignIn(access.settings, None, access.interlock), **more)


def permit(operation: str, target: str) -> Permit:
    return Permit("run", "step", operation, target)
