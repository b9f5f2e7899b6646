"""The supervisor's side of the AWS server: its process, and its door."""

from __future__ import annotations

import json
import os
import sys
import urllib.error
import urllib.request
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import runbook
from runbook.training.process import Child
from runbook.training.servers.aws_names import ACCOUNT, REGION
from runbook.training.servers.waiting import until

_DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))


@dataclass
class AwsProcess:
    """`runbook.training.servers.aws` as a child; `facts` are what its ready file says."""

    folder: Path
    child: Child = field(init=False)
    facts: dict[str, Any] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        self.folder.mkdir(mode=0o700)
        self.child = Child(
            name="aws",
            argv=[],
            log=self.folder / "server.log",
            # Nothing of the operator's AWS_* variables, and no ~/.aws: HOME is our own folder.
            env={
                "PATH": os.defpath,
                "HOME": str(self.folder),
                "TMPDIR": str(self.folder),
                "TZ": "UTC",
                "PYTHONPATH": os.pathsep.join([str(Path(runbook.__file__).parent.parent), *filter(None, sys.path)]),
                "PYTHONDONTWRITEBYTECODE": "1",
            },
            cwd=self.folder,
        )

    def start(self, *, control: str, engine_version: str, source_port: int, snapshots: Sequence[datetime]) -> None:
        """Start it and wait until the account is made."""
        ready = self.folder / "ready.json"
        self.child.argv = [
            sys.executable, "-m", "runbook.training.servers.aws",
            "--region", REGION, "--account", ACCOUNT, "--control", control, "--ready", str(ready),
            "--engine-version", engine_version, "--source-port", str(source_port),
            "--snapshots", ",".join(made.isoformat() for made in snapshots),
        ]  # fmt: skip
        self.child.start()
        until(ready.exists, self.child, seconds=60.0)
        self.facts = json.loads(ready.read_text())
        ready.unlink()
        self.child.address = self.endpoint

    @property
    def endpoint(self) -> str:
        """`http://127.0.0.1:port`, for every service."""
        return f"http://127.0.0.1:{self.facts['port']}"

    def ask(self, wish: str, **given: Any) -> dict[str, Any]:
        """Ask the door; RuntimeError with its words when it refuses."""
        request = urllib.request.Request(  # noqa: S310 - our own child on loopback
            f"{self.endpoint}/practice/{wish}", method="POST", data=json.dumps(given).encode()
        )
        try:
            with _DIRECT.open(request, timeout=60) as answer:
                document: dict[str, Any] = json.loads(answer.read())
        except urllib.error.HTTPError as error:
            raise RuntimeError(f"the AWS server refused {wish}: {error.read().decode('utf-8', 'replace')}") from error
        return document

    def stop(self) -> None:
        """End it; idempotent."""
        self.child.stop()
