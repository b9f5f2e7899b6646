"""An access to the evidence bucket, as a drill has one, and S3 as moto speaks it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import boto3
from botocore.config import Config
from moto.server import ThreadedMotoServer

from runbook.estate.aws.client import AwsAccess
from runbook.estate.door import Door
from runbook.estate.memory import MemoryEstate
from runbook.safety import bounds
from runbook.safety.bounds import RecordsPlace
from runbook.safety.interlock import Interlock
from tests.estate_adapters.aws import REGION, SignedInAlready, settings_for
from tests.support.clock import FakeClock

BUCKET = "clinic-evidence"
PREFIX = "runbook/"
OWNER = "111122223333"


def evidence_access(door: Door, endpoint: str | None, *, training: bool = False, locks: bool = False) -> AwsAccess:
    """Endpoint None: AWS's own, for stubbed answers.  `locks`: heads are to be locked there."""
    settings = settings_for(endpoint)
    target = MemoryEstate(FakeClock().now).environment().model_copy(update={"aws": settings})
    drill = bounds.of("drill", target, None, RecordsPlace(BUCKET, PREFIX, OWNER, locks=locks))
    interlock = Interlock(bounds.practice() if training else drill)
    return AwsAccess(settings, SignedInAlready(settings, interlock), interlock, door)


@contextmanager
def serving_s3() -> Iterator[str]:
    """Its address, on a loopback port."""
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


def administrator(endpoint: str) -> Any:
    """A client that may what ours may not."""
    keys: Any = {"aws_access_key_id": "a", "aws_secret_access_key": "b"}
    path = Config(s3={"addressing_style": "path"})
    return boto3.client("s3", REGION, endpoint_url=endpoint, config=path, **keys)
