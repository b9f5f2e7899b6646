"""One child process of the practice estate: started, watched and stopped by pid, never by name."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil


@dataclass
class Child:
    """A server of the practice estate; its output goes to `log`, never to a terminal.

    `user` is a user name to run as (PostgreSQL refuses root); `env` is the whole environment.
    """

    name: str
    argv: list[str]
    log: Path
    env: dict[str, str] = field(default_factory=dict)
    user: str | None = None
    cwd: Path | None = None
    address: str = ""
    _process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it; it inherits no terminal and no file of ours."""
        options: dict[str, Any] = {}
        if self.user is not None:
            options = {"user": self.user, "group": _group_of(self.user), "extra_groups": []}
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                self.argv,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=self.env,
                cwd=self.cwd,
                close_fds=True,
                **options,
            )

    @property
    def pid(self) -> int | None:
        """Its process id while it was started, else None."""
        return self._process.pid if self._process else None

    @property
    def alive(self) -> bool:
        """True while it runs."""
        return self._process is not None and self._process.poll() is None

    def stop(self, *, by: signal.Signals = signal.SIGTERM, grace: float = 5.0) -> None:
        """Ask it to end, and end it and what it started after `grace` seconds."""
        if self._process is None:
            return
        family = _family(self._process.pid)
        with contextlib.suppress(ProcessLookupError):
            os.kill(self._process.pid, by)
        try:
            self._process.wait(grace)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(grace)
        end(family)

    def describe(self) -> dict[str, Any]:
        """Its line in `estate.json`: name, pid, start time (seconds since the epoch) and address."""
        started = psutil.Process(self.pid).create_time() if self.alive and self.pid else None
        return {"name": self.name, "pid": self.pid, "started": started, "address": self.address}


def _group_of(user: str) -> int:
    import pwd

    return pwd.getpwnam(user).pw_gid


def _family(pid: int) -> list[psutil.Process]:
    try:
        return psutil.Process(pid).children(recursive=True)
    except psutil.NoSuchProcess:
        return []


def end(processes: list[psutil.Process], grace: float = 3.0) -> None:
    """Kill what is left of `processes` (psutil knows a reused pid by its start time)."""
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
    psutil.wait_procs(processes, timeout=grace)
