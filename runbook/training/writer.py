"""Production goes on: a booking every second, until it is stopped."""

from __future__ import annotations

from datetime import UTC, datetime
from threading import Event, Thread

import psycopg

from runbook.training import production
from runbook.training.servers.aws_names import DATABASE
from runbook.training.servers.postgres import Cluster

EVERY_S = 1.0


class Writer:
    """Books appointments in production's database, from a thread of its own; safe to use from several threads."""

    def __init__(self, source: Cluster) -> None:
        self._source = source
        self._ended = Event()
        self._thread: Thread | None = None

    def start(self) -> None:
        """The first booking is made when this returns; a second call does nothing."""
        if self._thread is not None:
            return
        connection = self._source.connect(DATABASE)
        connection.autocommit = True
        production.book(connection, datetime.now(UTC))
        self._thread = Thread(target=self._go_on, args=(connection,), name="production lives", daemon=True)
        self._thread.start()

    def _go_on(self, connection: production.Connection) -> None:
        try:
            with connection:
                while not self._ended.wait(EVERY_S):
                    production.book(connection, datetime.now(UTC))
        except psycopg.OperationalError:
            return  # the database was stopped under it

    def stop(self) -> None:
        """No booking is made after this returned; idempotent."""
        self._ended.set()
        if self._thread is not None:
            self._thread.join()
