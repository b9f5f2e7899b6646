"""How a database is reached: a connection of its own for each question, behind the interlock, in a thread."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Final, Protocol, TypeVar

from runbook.engine.errors import RunbookError
from runbook.engine.ports import Permit
from runbook.estate.door import Door
from runbook.estate.ports import ContentProgress, Endpoint
from runbook.estate.postgres.conninfo import pinned
from runbook.estate.postgres.errors import change_refused, not_connected, refused
from runbook.estate.postgres.lines import Lines, attend, withdrawn
from runbook.estate.postgres.parallel import Means
from runbook.safety.interlock import Interlock
from runbook.safety.outside_text import outside_text

if TYPE_CHECKING:
    import psycopg
    from psycopg import Connection

T = TypeVar("T")

PROBE_TIMEOUT_S: Final = 30
CONTENT_TIMEOUT_S: Final = 4 * 3600  # a fresh copy fetches each block from the provider's store on first touch
READ: Final = "postgres:Read"


class Parameters(Protocol):
    """Makes the connection string for an endpoint, the password in it; `timeout_s` is for each statement."""

    def __call__(self, endpoint: Endpoint, *, timeout_s: int, read_only: bool) -> str: ...


class Session:
    """One database at one endpoint, as one user."""

    def __init__(self, endpoint: Endpoint, parameters: Parameters, interlock: Interlock, door: Door) -> None:
        self._endpoint = endpoint
        self._parameters = parameters
        self._interlock = interlock
        self._door = door

    async def ask(self, what: str, question: Callable[[Connection], T], *, timeout_s: int = PROBE_TIMEOUT_S) -> T:
        """Its answer, over a read-only connection; `what` says in our words what was asked."""
        return await self._answer(what, question, lambda: self._connected(timeout_s))

    async def change(
        self,
        permit: Permit,
        operation: tuple[str, str],
        change: Callable[[Connection], None],
        *,
        timeout_s: int = PROBE_TIMEOUT_S,
    ) -> None:
        """Over a connection that may write; `operation` is its name and target, for which the permit must be."""
        name, target = operation
        with self._interlock.holding(permit, name, target):
            connect = partial(self._connected, timeout_s, operation=name, read_only=False)
            await self._answer(f"{name} of {target}", change, connect, change_refused)

    def means(self, connections: int, progress: ContentProgress) -> Means:
        """How to read many tables at once."""
        return Means(partial(self._connected, CONTENT_TIMEOUT_S), self._door, connections, progress)

    async def _answer(
        self,
        what: str,
        question: Callable[[Connection], T],
        connect: Callable[[], Connection],
        said: Callable[[psycopg.Error, str], RunbookError] = refused,
    ) -> T:
        """`said` puts a refusal into the operator's words."""
        lines = Lines()

        def answer() -> T:
            import psycopg

            with lines.hold(connect) as connection:
                if lines.ended.is_set():  # while we connected: nothing ran yet that could have been cancelled
                    raise withdrawn()
                try:
                    connection.execute(pinned(connection.info.server_version).encode())
                    return question(connection)
                except psycopg.Error as error:
                    raise said(error, outside_text(what)) from None

        (answered,) = await attend(self._door, lines, [answer])
        return answered

    def _connected(self, timeout_s: int, *, operation: str = READ, read_only: bool = True) -> Connection:
        import psycopg

        where = self._endpoint
        given = {"route": where.hostaddr or ""}  # where the name leads through a tunnel; the name is what is verified
        self._interlock.check_named(operation, where.host, port=where.port, given=given)
        try:
            parameters = self._parameters(where, timeout_s=timeout_s, read_only=read_only)
            return psycopg.connect(parameters, autocommit=True)
        except psycopg.Error as error:
            raise not_connected(error, f"{where.host}:{where.port}") from None
