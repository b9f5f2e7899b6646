"""Two things that every server of the practice estate needs: a port, and to be waited for."""

from __future__ import annotations

import errno
import secrets
import socket
import time
from collections.abc import Callable
from threading import Lock

from runbook.training.process import Child

_PATIENCE_S = 5.0  # for a connection to ourselves


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
        """A port that nobody listens on now, and that no other process takes in the next half minute; OSError."""
        with self._lock:
            while True:
                port = secrets.choice(self._RANGE)
                if port not in self._given and _reserve(port):
                    self._given.add(port)
                    return port


def _reserve(port: int) -> bool:
    """Whether the port was free; it is then kept for who is told of it, as a connection of it that ended just now.

    Such a connection (TIME_WAIT: 60 s on Linux, 30 s on macOS) is in the way of the first bind below, which other
    estates do as well, and not in the way of a server that binds with SO_REUSEADDR, as PostgreSQL and Go's do.
    """
    place = ("127.0.0.1", port)
    try:
        with socket.socket() as probe:
            probe.bind(place)
        with socket.create_server(place) as server, socket.create_connection(place, timeout=_PATIENCE_S):
            accepted, _ = server.accept()
            accepted.close()  # before the other end: the state is kept by who closes first
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            return False
        raise  # another port would be no better
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
