"""Many tables read at once, all as of one moment.

A leader exports its snapshot and keeps it; the workers, each over a connection of its own, take that snapshot again
for every job.  So no table or sequence is locked for longer than one job, and a migration in production is not kept
waiting for the whole pass.  A table that was truncated, rewritten or altered since the snapshot would be read wrongly:
it is an error.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from threading import Event
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar

from runbook.engine.errors import NoVerdict
from runbook.estate.door import Door
from runbook.estate.ports import ContentAsk, ContentProgress, TableContent
from runbook.estate.postgres.conninfo import pinned
from runbook.estate.postgres.errors import refused
from runbook.estate.postgres.jobs import CHUNK, Job, Tally, jobs
from runbook.estate.postgres.lines import Lines, attend, withdrawn
from runbook.estate.postgres.plan import Relation, check_readable, form, relation, relations

if TYPE_CHECKING:
    import psycopg
    from psycopg import Connection

T = TypeVar("T")
Also = Callable[["Connection"], Callable[[], T]]
"""What is asked besides: called before the snapshot is taken, outside of any transaction, for what must not be locked
throughout; and what it answers is called in the snapshot."""
Asks = Callable[[Mapping[str, Relation]], tuple[ContentAsk, ...]]
"""What to ask, given what is there."""

PULSE_S: Final = 30
"""The leader says something that often: a tunnel may drop a connection on which nothing is said."""

_RANGES_SINCE: Final = 140000  # before PostgreSQL 14 a condition on ctid reads the whole table
# Each connection is one process on the server, no more; and whoever waits for a lock makes others wait.
_SETTINGS: Final = """
    set max_parallel_workers_per_gather = 0; set jit = off;
    set idle_in_transaction_session_timeout = 0; set lock_timeout = '30s'"""
_NO_SNAPSHOT: Final = frozenset({"22023", "42704", "55000"})  # which one depends on the version
_GONE: Final = frozenset({"42P01", "3F000"})  # the table, or its schema
_ALTERED: Final = frozenset({"42703", "42883"})  # a column, or the hash of its type: both were there for the plan
_BEGIN: Final = "begin isolation level repeatable read read only"
_MOMENT: Final = "select pg_export_snapshot(), statement_timestamp()"


@dataclass(frozen=True, slots=True)
class Means:
    """How a pass is done; `connections` are those that read, the leader's comes on top."""

    connect: Callable[[], Connection]
    door: Door
    connections: int
    progress: ContentProgress
    chunk: int = CHUNK


@dataclass(frozen=True, slots=True)
class Read(Generic[T]):
    """What a pass answers; `also` is what was asked besides; `moment` is that of the snapshot by the server's clock."""

    contents: tuple[TableContent, ...]
    relations: Mapping[str, Relation]
    also: T
    moment: datetime


def nothing(_connection: Connection) -> Callable[[], None]:
    """`Also` for who asks nothing besides."""
    return lambda: None


async def read(means: Means, asks: Asks, also: Also[T]) -> Read[T]:
    """One pass; it leaves no connection and no running statement, however it ends."""
    lines = Lines()
    one = _Pass(means, lines, asks, also)
    led, *_ = await attend(means.door, lines, [one.lead, *[one.work] * means.connections])
    assert led is not None  # the leader's is the first answer
    return led


class _Pass(Generic[T]):
    """`lead` and `work` run in threads; all connect at once, and the workers wait for what the leader finds to do."""

    def __init__(self, means: Means, lines: Lines, asks: Asks, also: Also[T]) -> None:
        self._means = means
        self._lines = lines
        self._asks = asks
        self._also = also
        self._ready = Event()
        self._tally = Tally((), means.progress)
        self._snapshot = ""

    def lead(self) -> Read[T]:
        """Take the snapshot and hold it until all is read."""
        try:
            with self._lines.hold(self._means.connect) as connection, _said("reading as of one moment"):
                _settle(connection)
                return self._led(connection)
        finally:
            self._ready.set()

    def _led(self, connection: Connection) -> Read[T]:
        known = relations(connection)
        asks = self._asks(known)
        chosen = [relation(known, ask.table) for ask in asks]
        check_readable(chosen)
        chunk = self._means.chunk if connection.info.server_version >= _RANGES_SINCE else None
        work = [job for place, ask in enumerate(asks) for job in jobs(place, ask, chosen[place], chunk)]
        within = self._also(connection)
        connection.execute(_BEGIN)
        self._snapshot, moment = _one(connection, _MOMENT)
        also = within()
        self._tally = Tally(work, self._means.progress)
        self._ready.set()
        self._wait(connection)
        contents = tuple(self._tally.answer(place, ask, chosen[place]) for place, ask in enumerate(asks))
        return Read(contents, known, also, moment.astimezone(UTC))

    def _wait(self, connection: Connection) -> None:
        while not (self._tally.complete or self._lines.ended.wait(PULSE_S)):
            connection.execute("select 1")
        if not self._tally.complete:
            raise withdrawn()

    def work(self) -> None:
        """Do jobs until there are none left."""
        with self._lines.hold(self._means.connect) as connection:
            with _said("content of the tables"):
                _settle(connection)
            self._ready.wait()
            while not self._lines.ended.is_set() and (job := self._tally.take()) is not None:
                rows = self._done(connection, job)
                if self._tally.add(job, rows):
                    self._lines.ended.set()

    def _begin(self, connection: Connection) -> None:
        import psycopg

        try:
            connection.execute(f"{_BEGIN}; set transaction snapshot '{self._snapshot}'".encode())
        except psycopg.Error as error:
            if error.sqlstate in _NO_SNAPSHOT:
                raise _lost(error) from None
            raise

    def _done(self, connection: Connection, job: Job) -> list[Any]:
        """The job's answer, if its table is still the one that was planned with once it was read."""
        import psycopg

        what = f"content of {job.relation.name}"
        try:
            self._begin(connection)
            rows = connection.execute(job.query).fetchall()
            connection.execute("commit")
            now = form(connection, job.relation.oid)
        except psycopg.Error as error:
            if error.sqlstate in _GONE | _ALTERED:
                raise _changed(what, gone=error.sqlstate in _GONE) from None
            raise refused(error, what) from None
        if now != job.relation.form:
            raise _changed(what, gone=now is None)
        return rows


def _settle(connection: Connection) -> None:
    connection.execute(f"{pinned(connection.info.server_version)}; {_SETTINGS}".encode())


def _changed(what: str, *, gone: bool) -> NoVerdict:
    deed = "dropped" if gone else "truncated, rewritten or altered"
    return NoVerdict(
        f"{what}: the table was {deed} meanwhile",
        fix="Try again when no migration or maintenance runs.",
        source="postgres",
    )


def _lost(error: psycopg.Error) -> NoVerdict:
    return NoVerdict(
        "the moment as of which everything is read was lost",
        fix="The connection that held it broke off: try again.",
        provider_text=f"SQLSTATE {error.sqlstate}",
        source="postgres",
    )


def _one(connection: Connection, query: str) -> tuple[Any, ...]:
    row = connection.execute(query.encode()).fetchone()
    assert row is not None  # neither query is about rows
    return row


@contextlib.contextmanager
def _said(what: str) -> Iterator[None]:
    """A refusal of the server in the operator's words."""
    import psycopg

    try:
        yield
    except psycopg.Error as error:
        raise refused(error, what) from None
