"""The platform's engine room: runs the sample application's processes and balances requests over them."""

from __future__ import annotations

import contextlib
import http.client
import itertools
import os
import secrets
import sys
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from werkzeug.wrappers import Request, Response

from runbook.training.process import Child
from runbook.training.servers.web import BODY_LIMIT, LoopbackServer, answers, forward

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

READY_WITHIN = 30.0
"""Seconds until a rollout whose processes do not answer is given up (FAILED)."""


@dataclass
class Container:
    """One process of the application, and where it listens."""

    name: str
    child: Child
    port_file: Path
    started: float
    port: int | None = None

    def answering(self) -> bool:
        """True once it listens and answers its liveness path."""
        if self.port is None and self.port_file.exists():
            self.port = int(self.port_file.read_text())
            self.child.address = f"127.0.0.1:{self.port}"
        return self.port is not None and answers(self.port, "/livez")


class Workload:
    """The processes of one service; `environment()` is asked at every start, as a platform does.

    `roll` and `stop` may be called from any thread: each ends what runs, and only the newest call's processes live.
    """

    def __init__(self, root: Path, environment: Callable[[], Mapping[str, str]]) -> None:
        self._root = root
        self._environment = environment
        self._lock = threading.RLock()
        self._containers: list[Container] = []
        self._turn = itertools.count()
        self._generation = 0
        self._closed = False
        self.balancer = LoopbackServer(self)

    @property
    def containers(self) -> list[Container]:
        """Those that were started and not ended, dead ones included."""
        with self._lock:
            return list(self._containers)

    @property
    def running(self) -> list[Container]:
        """Those whose process lives and that answered."""
        return [one for one in self.containers if one.child.alive and one.port is not None]

    def children(self) -> list[Child]:
        """The live processes."""
        return [one.child for one in self.containers if one.child.alive]

    def roll(self, instances: int, name: str, done: Callable[[bool], None]) -> None:
        """Replace all processes in the background; `done(True)` once all answer, `done(False)` when they do not.

        A roll that another one overtook says nothing.
        """
        with self._lock:
            self._end_all()
            if self._closed:
                return
            self._generation += 1
            generation = self._generation
            self._containers = [self._start(name) for _ in range(instances)]
        threading.Thread(target=self._wait, args=(generation, done), daemon=True).start()

    def end(self) -> None:
        """Stop the processes; the balancer goes on and answers 503."""
        with self._lock:
            self._generation += 1
            self._end_all()

    def stop(self) -> None:
        """Stop the processes and the balancer, for good."""
        with self._lock:
            self._closed = True
        self.end()
        self.balancer.stop()

    def _end_all(self) -> None:
        for one in self._containers:
            one.child.stop(grace=2)
            one.port_file.unlink(missing_ok=True)
        self._containers = []

    def _start(self, name: str) -> Container:
        called = f"{name}-{secrets.token_hex(3)}"
        port_file = self._root / f"{called}.port"
        argv = [sys.executable, "-P", "-m", "runbook.training.app", "--port-file", str(port_file)]
        child = Child(
            f"app {called}", argv, self._root / f"{called}.log", env=_process_environment(self._environment())
        )
        child.start()
        return Container(called, child, port_file, time.time())

    def _wait(self, generation: int, done: Callable[[bool], None]) -> None:
        deadline = time.monotonic() + READY_WITHIN
        while time.monotonic() < deadline:
            with self._lock:
                if generation != self._generation:
                    return
                mine = list(self._containers)
            if all(one.answering() for one in mine):
                done(True)  # noqa: FBT003  # the callback's one argument
                return
            if not all(one.child.alive for one in mine):
                break
            time.sleep(0.05)
        if generation == self._generation:
            done(False)  # noqa: FBT003  # the callback's one argument

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """The load balancer: each request goes to the next process that lives."""
        request = Request(environ)
        request.max_content_length = BODY_LIMIT
        return self._balance(request)(environ, start_response)

    def _balance(self, request: Request) -> Response:
        able = self.running
        start = next(self._turn)
        for offset in range(len(able)):
            port = able[(start + offset) % len(able)].port
            with contextlib.suppress(OSError, http.client.HTTPException):
                if port is not None:
                    return forward(request, port)
        return Response("no healthy upstream\n", 503, content_type="text/plain")


def _process_environment(variables: Mapping[str, str]) -> dict[str, str]:
    """The service's variables and what Python itself needs; nothing of the operator's environment."""
    import runbook

    package = Path(runbook.__file__).parents[1]
    kept = {name: os.environ[name] for name in ("PATH", "TMPDIR", "LANG") if name in os.environ}
    return kept | {"PYTHONPATH": str(package), "PYTHONDONTWRITEBYTECODE": "1", "PORT": "0"} | dict(variables)
