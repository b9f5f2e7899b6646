"""What the AWS adapters' tests share: an access to moto in this process, and one to any loopback address."""

from __future__ import annotations

from runbook.config import Aws
from runbook.engine.ports import Permit, Secret
from runbook.estate.aws_client import AwsAccess
from runbook.estate.door import Door
from runbook.safety.interlock import Interlock, Reach

REGION = "eu-west-2"


def access_to(door: Door, endpoint: str | None = None) -> AwsAccess:
    """Endpoint None: AWS's own addresses, which moto catches in this process."""
    settings = Aws(account_id="111122223333", region=REGION, endpoint=endpoint, identity_patterns=("*",))
    interlock = Interlock(Reach(loopback_only=endpoint is not None))
    return AwsAccess(settings, Secret("AKIAPRACTICE"), Secret("secret"), Secret("token"), interlock, door)


def permit(operation: str, target: str) -> Permit:
    return Permit("run", "step", operation, target)
