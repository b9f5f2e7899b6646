"""The connections of one question, and how they end when nobody waits for its answer any more.

A statement that runs in a thread cannot be interrupted from there: the server is asked to cancel it, and where even
that is not answered, the connection is cut.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import time
from collections.abc import Callable, Iterator, Sequence
from threading import Event, Lock
from typing import TYPE_CHECKING, Final, TypeVar

from runbook.engine.errors import NoVerdict
from runbook.estate.door import Door

if TYPE_CHECKING:
    from psycopg import Connection

T = TypeVar("T")

PATIENCE_S: Final = 10.0
"""For so long, all in all, a server is asked to cancel; then the connections are cut."""


def withdrawn() -> NoVerdict:
    """What a thread ends with whose answer nobody waits for."""
    return NoVerdict("the question was withdrawn", fix="Ask again.", source="postgres")


class Lines:
    """Safe to use from several threads.  `ended` is set once nobody needs them: no new statement is begun then."""

    def __init__(self) -> None:
        self.ended = Event()
        self._lock = Lock()
        self._open: set[Connection] = set()

    @contextlib.contextmanager
    def hold(self, connect: Callable[[], Connection]) -> Iterator[Connection]:
        """A connection that is closed afterwards, whatever comes; a transaction left open in it is rolled back."""
        connection = connect()
        with self._lock:
            self._open.add(connection)
        try:
            with contextlib.closing(connection):
                yield connection
        finally:
            with self._lock:
                self._open.discard(connection)

    def cancel(self, until: float) -> None:
        """Ask the server to end the statements that are running; `until` is on the monotonic clock."""
        import psycopg

        for connection in self._now_open():
            left = until - time.monotonic()
            if left <= 0:
                return
            with contextlib.suppress(psycopg.Error):
                connection.cancel_safe(timeout=left)

    def cut(self) -> None:
        """Break the connections off; whoever waits for an answer on one gets an error."""
        import psycopg

        for connection in self._now_open():
            with contextlib.suppress(psycopg.Error, OSError):
                ours = socket.socket(fileno=os.dup(connection.fileno()))
                with contextlib.closing(ours):
                    ours.shutdown(socket.SHUT_RDWR)

    def _now_open(self) -> tuple[Connection, ...]:
        with self._lock:
            return tuple(self._open)


async def attend(door: Door, lines: Lines, calls: Sequence[Callable[[], T]]) -> list[T]:
    """All answers, in order; the first error, or our own cancellation, ends every other call before it is raised."""
    tasks = [asyncio.ensure_future(door(call)) for call in calls]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
    finally:
        lines.ended.set()
        await asyncio.shield(_end(door, lines, tasks))
    for task in done:
        task.result()
    return [task.result() for task in tasks]


async def _end(door: Door, lines: Lines, tasks: Sequence[asyncio.Future[T]]) -> None:
    pending = {task for task in tasks if not task.done()}
    until = time.monotonic() + PATIENCE_S
    while pending and time.monotonic() < until:
        await door(lines.cancel, until)
        _, pending = await asyncio.wait(pending, timeout=0.5)
    if pending:
        await door(lines.cut)
        await asyncio.wait(pending)
    for task in tasks:
        task.exception()  # seen: only the first is told
