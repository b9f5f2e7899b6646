"""How a look at the structure is run: each on its own, so that an error in one never ends another (a cancellation
does end them all).

A look is planned first, which says what it will read and how large that is, and then read piece by piece.  Damage that
PostgreSQL reports is something found; a piece that could not be read is named with its SQLSTATE, never with the
server's message, which can quote rows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from runbook.estate.ports import ContentProgress, Reading
from runbook.estate.postgres.errors import refused
from runbook.safety.outside_text import outside_text

if TYPE_CHECKING:
    import psycopg
    from psycopg import Connection

SHOWN: Final = 20
_SHOWN_UNREAD: Final = 5
_CANCELED: Final = "57014"
_DAMAGE: Final = ("XX", "58")  # internal and corruption errors; a file that is missing or cannot be read


@dataclass(frozen=True, slots=True)
class Piece:
    """Something to read: `size` in bytes; `ask` answers what is wrong with it, "" for nothing."""

    name: str
    size: int
    ask: Callable[[Connection], str]


@dataclass(frozen=True, slots=True)
class Plan:
    """What a look has found already and what it still has to read; `unit` says what was done to each piece."""

    pieces: tuple[Piece, ...] = ()
    found: tuple[str, ...] = ()
    not_run: str = ""
    unavailable: bool = False  # the server does not offer what it needs
    unit: str = ""  # such as "indexes checked"
    note: str = ""

    @property
    def size(self) -> int:
        """Bytes of all pieces."""
        return sum(piece.size for piece in self.pieces)


@dataclass(frozen=True, slots=True)
class Look:
    """One look by its name; `plan` may raise any error of psycopg."""

    name: str
    plan: Callable[[Connection], Plan]


@dataclass(frozen=True, slots=True)
class _Failure:
    """An error as a line of `found`, or as a reason why something was not read, with what helps."""

    damage: str = ""
    reason: str = ""
    fix: str = ""


class Meter:
    """Tells `progress` of every piece before and after it is read; silent where there is nothing to read."""

    def __init__(self, progress: ContentProgress, total: int) -> None:
        self._progress = progress
        self._total = total
        self._done = 0

    def tell(self, name: str, read: int = 0) -> None:
        """`read` more bytes are done; `name` is what is being read."""
        self._done += read
        if self._total:
            self._progress(self._done, self._total, name)


def planned(connection: Connection, look: Look) -> Plan:
    """Its plan; an error while planning becomes the whole of it."""
    import psycopg

    try:
        with connection.transaction():
            return look.plan(connection)
    except psycopg.Error as error:
        failure = _judged(error, look.name)
        damage = (failure.damage,) if failure.damage else ()
        return Plan(found=damage, not_run=f"{failure.reason}. {failure.fix}" if failure.reason else "")


def read(connection: Connection, name: str, plan: Plan, meter: Meter) -> Reading:
    """Read every piece of the plan, each in a transaction of its own, so that a lock is held for one piece only."""
    found, failures = list(plan.found), []
    for piece in plan.pieces:
        meter.tell(piece.name)
        answer = _asked(connection, piece)
        if isinstance(answer, _Failure):
            failures.append(answer)
        elif answer:
            found.append(answer)
        meter.tell(piece.name, piece.size)
    unread = [failure for failure in failures if failure.reason]
    return Reading(
        name=name,
        found=capped((*found, *(failure.damage for failure in failures if failure.damage))),
        not_run="; ".join(filter(None, (plan.not_run, _unread(unread)))),
        note=_note(plan, len(unread)),
        unavailable=plan.unavailable and not unread,
    )


def capped(lines: Iterable[str], limit: int = SHOWN) -> tuple[str, ...]:
    """The first of them, and how many more there are."""
    every = tuple(lines)
    return every if len(every) <= limit else (*every[:limit], f"and {len(every) - limit} more")


def named(schema: str, name: str) -> str:
    """`schema.name`, cleaned."""
    return outside_text(f"{schema}.{name}", 200)


def _asked(connection: Connection, piece: Piece) -> str | _Failure:
    import psycopg

    try:
        with connection.transaction():
            return piece.ask(connection)
    except psycopg.Error as error:
        return _judged(error, piece.name)


def _judged(error: psycopg.Error, what: str) -> _Failure:
    if _withdrawn(error):
        raise error
    refusal = refused(error, what)
    if (error.sqlstate or "").startswith(_DAMAGE):
        return _Failure(damage=f"{what} is damaged: {refusal.provider_text}")
    return _Failure(reason=f"{refusal.sentence}, {refusal.provider_text}", fix=refusal.fix)


def _withdrawn(error: psycopg.Error) -> bool:
    """Whether nobody waits for the answer any more.  A statement's timeout has the same SQLSTATE, and is its own."""
    return error.sqlstate == _CANCELED and "user request" in (error.diag.message_primary or "")


def _unread(failures: list[_Failure]) -> str:
    """Which pieces were not read, and why; once what helps."""
    if not failures:
        return ""
    reasons = capped((failure.reason for failure in failures), _SHOWN_UNREAD)
    fixes = dict.fromkeys(failure.fix for failure in failures if failure.fix)
    return f"{len(failures)} not read: {'; '.join(reasons)}. {' '.join(fixes)}".strip()


def _note(plan: Plan, unread: int) -> str:
    counted = f"{len(plan.pieces) - unread} {plan.unit}" if plan.unit else ""
    return "; ".join(filter(None, (counted, plan.note)))
