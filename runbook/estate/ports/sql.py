"""A database from inside."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, Protocol

from runbook.engine.ports import Permit, Secret
from runbook.manifest import Catalogue, Manifest, Method, Sum


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where to connect: TLS is always verify-full against `host`; `hostaddr` only changes the route (a tunnel)."""

    host: str
    port: int
    hostaddr: str | None = None


@dataclass(frozen=True, slots=True)
class Login:
    """Another user than the configured reader: the master user of a copy, whose password is this run's own."""

    user: str
    password: Secret


@dataclass(frozen=True, slots=True)
class Whereabouts:
    address: str
    port: int
    started: datetime
    in_recovery: bool
    version: str
    tls: bool
    server_time: datetime


@dataclass(frozen=True, slots=True)
class TableShape:
    """A table and how much of it there is to read: heap and TOAST, in bytes; `key` is its primary key's columns."""

    name: str
    size: int
    key: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ContentAsk:
    """What to find out of a table: `buckets` 1 = the whole only; `method` "" = whichever works; `hashed` False =
    only how many rows it has."""

    table: str
    buckets: int = 1
    method: Method | Literal[""] = ""
    hashed: bool = True


@dataclass(frozen=True, slots=True)
class TableContent:
    """`digest` is the order-independent sum of row hashes, as decimal text; None where it was not asked for.

    `buckets` are those that hold rows, where more than one was asked for.
    """

    table: str
    rows: int
    digest: str | None
    method: Method = "record"
    buckets: Mapping[int, Sum] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Reading:
    """What one look at the structure found: every line of `found` is something wrong.

    `not_run` says why it could not be looked at; that is never the same as nothing found.
    """

    name: str  # such as "invalid indexes"
    found: tuple[str, ...] = ()
    not_run: str = ""
    note: str = ""  # such as "42 indexes read"
    unavailable: bool = False  # not run because nothing that this server offers could do it


@dataclass(frozen=True, slots=True)
class SideEffect:
    """Something in a copy that acts on others by itself; `how` is the statement that ends it, "" if there is none."""

    kind: str  # cron job, subscription, foreign server, queue, trigger
    name: str
    active: bool
    how: str = ""


@dataclass(frozen=True, slots=True)
class KeyVersions:
    """Which versions of a transit key the ciphertexts of a column were made with; `other` are values that are none."""

    versions: tuple[int, ...]
    values: int
    other: int = 0


@dataclass(frozen=True, slots=True)
class DatabaseSession:
    application: str
    client: str
    started: datetime
    user: str


ContentProgress = Callable[[int, int, str], None]
"""Called with (done, total) bytes and the table that was read last; from any thread."""


class Database(Protocol):
    """Read-only, row_security off, statement timeout set, text settings pinned."""

    async def ping(self) -> None: ...
    async def whereabouts(self) -> Whereabouts: ...
    async def tables(self) -> tuple[str, ...]:
        """Ordinary tables outside the system schemas, as `schema.table`, sorted."""
        ...

    async def shapes(self) -> tuple[TableShape, ...]:
        """The same tables, with what there is to read of each."""
        ...

    async def rows(self, table: str) -> int: ...
    async def contents(
        self, asks: tuple[ContentAsk, ...], *, connections: int, progress: ContentProgress
    ) -> tuple[TableContent, ...]:
        """All of them as of one moment, on the server's side, over that many connections; in the order asked."""
        ...

    async def catalogue(self) -> Catalogue: ...
    async def manifest(self, *, buckets: int, connections: int, progress: ContentProgress) -> Manifest:
        """Everything as of one moment."""
        ...

    async def structure(self, progress: ContentProgress) -> tuple[Reading, ...]:
        """Every look at indexes, constraints, sequences and the rest; each is there, run or not."""
        ...

    async def side_effects(self, queues: tuple[str, ...]) -> tuple[SideEffect, ...]:
        """What would act on others: `queues` are the application's outbound tables, active while they hold rows."""
        ...

    async def silence(self, permit: Permit, effect: SideEffect) -> None:
        """Run its `how` (`postgres:Silence`, target the effect's name)."""
        ...

    async def without_statistics(self) -> tuple[str, ...]:
        """Tables that hold something and that the planner knows nothing of."""
        ...

    async def analyze(self, permit: Permit, table: str) -> None:
        """`postgres:Analyze`, target the table."""
        ...

    async def assertion(self, query: str) -> str:
        """The one value that the query answers: a number or `true`/`false`; anything else as `type sha256:…`."""
        ...

    async def key_versions(self, table: str, column: str) -> KeyVersions: ...
    async def newest(self, table: str, column: str) -> datetime | None: ...
    async def text_value(self, table: str, key_column: str, key: str, column: str) -> str | None: ...
    async def sessions(self, application: str) -> tuple[DatabaseSession, ...]:
        """Live sessions by `application_name`, our own left out."""
        ...


class Databases(Protocol):
    def at(self, endpoint: Endpoint, login: Login | None = None) -> Database:
        """The configured database at that endpoint, as its configured reader or as `login`."""
        ...
