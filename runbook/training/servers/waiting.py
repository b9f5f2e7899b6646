"""Two things that every server of the practice estate needs: a port, and to be waited for."""

from __future__ import annotations

import secrets
import socket
import time
from collections.abc import Callable
from threading import Lock

from runbook.training.process import Child


class Ports:
    """Gives out ports of 127.0.0.1 for servers that must be told one before they start; none twice.

    They lie below what Linux and macOS take for outgoing connections, so that no client of ours sits on one by the
    time its server starts, or starts again.
    """

    _RANGE = range(20_000, 32_000)

    def __init__(self) -> None:
        self._given: set[int] = set()
        self._lock = Lock()

    def take(self) -> int:
        """A port that nobody listens on now."""
        with self._lock:
            while True:
                port = secrets.choice(self._RANGE)
                if port not in self._given and _is_free(port):
                    self._given.add(port)
                    return port


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def until(ready: Callable[[], bool], child: Child, *, seconds: float = 20.0, every: float = 0.03) -> None:
    """Wait until `ready()`; RuntimeError with the end of the child's log when it dies, TimeoutError when it is late."""
    deadline = time.monotonic() + seconds
    while not ready():
        if not child.alive:
            raise RuntimeError(f"{child.name} ended while starting: {log_tail(child)}")
        if time.monotonic() > deadline:
            raise TimeoutError(f"{child.name} was not ready within {seconds:g} s: {log_tail(child)}")
        time.sleep(every)


def log_tail(child: Child, size: int = 600) -> str:
    """The last words of a server, for an error's sentence."""
    try:
        return child.log.read_bytes()[-size:].decode("utf-8", "replace").strip()
    except FileNotFoundError:
        return "(no log)"
