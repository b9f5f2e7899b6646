"""One service on the platform: its rollouts, and a status that lags behind what is true."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Protocol

from runbook.training.servers.northflank_state import Deployment, Service, utc_now
from runbook.training.servers.workload import Container

STALE_POLLS = 2
"""Reads of the service after a change that still show the state before it."""


class Runner(Protocol):
    """What carries a service out."""

    @property
    def containers(self) -> list[Container]: ...
    def roll(self, instances: int, name: str, done: Callable[[bool], None]) -> None:
        """Replace what runs, in the background; `done` is told once whether it came up."""
        ...


class VaultRunner:
    """The vault's process is another layer's, which starts it anew when it is asked to."""

    def __init__(self, restart: Callable[[], None]) -> None:
        self._restart = restart

    @property
    def containers(self) -> list[Container]:
        """None of ours."""
        return []

    def roll(self, instances: int, name: str, done: Callable[[bool], None]) -> None:
        """As `Runner`."""
        del instances, name
        threading.Thread(target=self._again, args=(done,), daemon=True).start()

    def _again(self, done: Callable[[bool], None]) -> None:
        fine = False
        try:
            self._restart()
            fine = True
        finally:
            done(fine)


class _Lag:
    """What reads of a service say after a change: for `STALE_POLLS` the old state, once IN_PROGRESS, then the truth."""

    def __init__(self) -> None:
        self._reads = STALE_POLLS + 1
        self.turn = 0
        self.truth: str | None = "COMPLETED"

    def begin(self) -> int:
        """A change was made; the number of it tells a late end of an earlier one apart."""
        self._reads, self.truth = 0, None
        self.turn += 1
        return self.turn

    def read(self) -> str | None:
        """The status to show, or None to leave it as it was."""
        self._reads += 1
        if self._reads <= STALE_POLLS:
            return None
        return "IN_PROGRESS" if self._reads == STALE_POLLS + 1 else (self.truth or "IN_PROGRESS")


class Hosted:
    """A service, what carries it out, and its lag; `lock` is the platform's, which is re-entrant."""

    def __init__(self, service: Service, runner: Runner, lock: AbstractContextManager[bool]) -> None:
        self.service = service
        self._runner = runner
        self._lock = lock
        self._lag = _Lag()
        self._finished: str | None = None

    @property
    def containers(self) -> list[Container]:
        """Its processes, as far as they are the platform's own."""
        return self._runner.containers

    def read(self) -> Service:
        """The service as this read shows it."""
        with self._lock:
            shown = self._lag.read()
            if shown is not None and shown != self.service.status:
                self.service.status = shown
                self.service.transition = (self._finished if shown == "COMPLETED" else None) or utc_now()
            return self.service

    def configure(self, wanted: Deployment, credentials: str | None) -> None:
        """Deploy; when that is what is configured and already runs, nothing rolls."""
        with self._lock:
            now = self.service
            now.credentials = credentials
            same = (wanted.image, wanted.instances) == (now.image, now.instances)
            if not (same and self._runner.containers):
                now.image, now.instances = wanted.image, wanted.instances
                now.deployments.insert(0, wanted)
                self.restart()

    def scale(self, instances: int) -> None:
        """Run that many of what is configured; none of them is a pause."""
        with self._lock:
            self.service.instances = instances
            self.restart("SCALING")

    def override(self, variables: dict[str, str]) -> None:
        """Set variables of the service itself, and restart it where it runs."""
        with self._lock:
            self.service.overrides.update(variables)
            if self._runner.containers:
                self.restart()

    def restart(self, reason: str = "DEPLOYING") -> None:
        """Start what is configured anew, with the variables of now; the vault in the background."""
        with self._lock:
            turn = self._lag.begin()
            self.service.reason = reason
            newest, name = self.service.deployments[0], f"{self.service.id}-{secrets.token_hex(5)}"

            def done(fine: bool) -> None:  # noqa: FBT001  # the runner's callback
                self._settle(turn, newest, name, fine=fine)

            self._runner.roll(self.service.instances, name, done)

    def _settle(self, turn: int, newest: Deployment, name: str, *, fine: bool) -> None:
        with self._lock:
            if self._lag.turn != turn:
                return
            self._lag.truth = "COMPLETED" if fine else "FAILED"
            self._finished = utc_now()
            if fine:
                newest.name = name
                for one in self.service.deployments:
                    one.active = one is newest
