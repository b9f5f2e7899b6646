"""An access to the evidence bucket, as a drill has one."""

from __future__ import annotations

from runbook.estate.aws.client import AwsAccess
from runbook.estate.door import Door
from runbook.estate.memory import MemoryEstate
from runbook.safety import bounds
from runbook.safety.bounds import RecordsPlace
from runbook.safety.interlock import Interlock
from tests.estate_adapters.aws import SignedInAlready, settings_for
from tests.support.clock import FakeClock

BUCKET = "clinic-evidence"
PREFIX = "runbook/"
OWNER = "111122223333"


def evidence_access(door: Door, endpoint: str | None, *, training: bool = False) -> AwsAccess:
    """Endpoint None: AWS's own, for stubbed answers."""
    settings = settings_for(endpoint)
    target = MemoryEstate(FakeClock().now).environment().model_copy(update={"aws": settings})
    drill = bounds.of("drill", target, None, RecordsPlace(BUCKET, PREFIX, OWNER))
    interlock = Interlock(bounds.practice() if training else drill)
    return AwsAccess(settings, SignedInAlready(settings, interlock), interlock, door)
