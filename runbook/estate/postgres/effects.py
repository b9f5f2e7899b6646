"""What would act on others from a copy by itself, and the statement that ends each.

Statements are composed, never pasted together: `how` is one as text for the operator's eyes, and what is executed is
made anew from what the database says of itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeVar

from runbook.engine.errors import NoVerdict
from runbook.estate.ports import SideEffect
from runbook.estate.postgres.errors import refused
from runbook.estate.postgres.plan import identifier
from runbook.safety.outside_text import outside_text

if TYPE_CHECKING:
    from psycopg import Connection
    from psycopg.sql import Composed

T = TypeVar("T")

_CRON_THERE: Final = """
    select 1 from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where n.nspname = 'cron' and c.relname = 'job'"""
_CRON: Final = "select jobid, to_jsonb(j) ->> 'jobname', active from cron.job j order by jobid"  # older: no names
_CRON_ALTERS: Final = """
    select 1 from pg_proc p join pg_namespace n on n.oid = p.pronamespace
    where n.nspname = 'cron' and p.proname = 'alter_job'"""
_CRON_LOADED: Final = """
    select current_setting('shared_preload_libraries'), current_setting('cron.database_name', true),
           current_database()"""
CRON_ASLEEP: Final = "pg_cron is not loaded: its jobs do not run"
# Whoever schedules jobs may call the function, and only the owner of the table may write to that.
_CRON_OFF: Final = "select cron.alter_job({}, active := false)"
_CRON_OFF_BEFORE: Final = "update cron.job set active = false where jobid = {}"  # pg_cron before 1.4
_SUBSCRIPTIONS: Final = """
    select s.subname, s.subenabled, s.subslotname, d.datname, d.datname = current_database()
    from pg_subscription s join pg_database d on d.oid = s.subdbid order by 4, 1"""
_SERVERS: Final = """
    select s.srvname, w.fdwname, (select count(*) from pg_user_mappings m where m.srvid = s.oid),
           (select split_part(o, '=', 2) from unnest(s.srvoptions) o where o like 'host=%' limit 1)
    from pg_foreign_server s join pg_foreign_data_wrapper w on w.oid = s.srvfdw order by 1"""
_EXTENSIONS: Final = "select extname from pg_extension where extname = any(%s) order by 1"
_REACHING_OUT: Final = ("aws_lambda", "aws_s3", "dblink", "http", "pg_net")  # they act when a query calls them
_WAITING: Final = "select exists (select 1 from {})"


@dataclass(frozen=True, slots=True)
class Acting:
    """A side effect with the statement that ends it; None where no statement does."""

    effect: SideEffect
    statement: Composed | None = None


def found(connection: Connection, queues: tuple[str, ...]) -> tuple[SideEffect, ...]:
    """Everything of the kinds that are looked for, active or not.

    NoVerdict where one kind cannot be seen (never "none"), LayerFailed where a queue's table is not there.
    """
    acting = [one.effect for one in every(connection)]
    return (*acting, *(_queue(connection, table) for table in queues))


def every(connection: Connection) -> Iterator[Acting]:
    """All but the queues; they have no statement that ends them."""
    yield from _seen("cron jobs", lambda: list(_cron_jobs(connection)))
    yield from _seen("subscriptions", lambda: list(_subscriptions(connection)))
    yield from _seen("foreign servers", lambda: list(_foreign_servers(connection)))
    yield from _seen("extensions", lambda: list(_extensions(connection)))


def _seen(what: str, look: Callable[[], T]) -> T:
    import psycopg

    try:
        return look()
    except psycopg.errors.InsufficientPrivilege as error:
        raise NoVerdict(
            f"{what} cannot all be seen by this user",
            fix="Ask as the copy's master user, or grant the reader pg_monitor, pg_read_all_data and BYPASSRLS, or "
            "membership in the role that owns the tables.",
            provider_text=refused(error, what).provider_text,
            source="postgres",
        ) from None
    except psycopg.Error as error:
        raise refused(error, what) from None


def _cron_jobs(connection: Connection) -> Iterator[Acting]:
    from psycopg import sql

    libraries, home, here = _loaded(connection)
    there = connection.execute(_CRON_THERE).fetchone()
    if not cron_loaded(libraries):  # its jobs' table is a list and no more, which only their owners may read
        if there:
            yield Acting(SideEffect("cron job", CRON_ASLEEP, active=False))
        return
    if elsewhere := cron_elsewhere(home, here):
        yield Acting(SideEffect("cron job", f"whatever pg_cron runs from database {elsewhere}", active=True))
    if not there:
        return
    switch = _CRON_OFF if connection.execute(_CRON_ALTERS).fetchone() else _CRON_OFF_BEFORE
    for number, name, active in connection.execute(_CRON).fetchall():
        off = sql.SQL(switch).format(sql.Literal(number))
        yield _acting(connection, "cron job", f"{number} {name or ''}".strip(), off, active=active)


def _loaded(connection: Connection) -> tuple[str, str | None, str]:
    row: Any = connection.execute(_CRON_LOADED).fetchone()
    libraries, home, here = row
    return libraries, home, here


def cron_loaded(libraries: str) -> bool:
    """Whether `shared_preload_libraries` names pg_cron: without its worker no job is ever begun."""
    return "pg_cron" in {library.strip(' "').rpartition("/")[2] for library in libraries.split(",")}


def cron_elsewhere(home: str | None, here: str) -> str:
    """pg_cron's jobs are kept in one database of a server and may run in any: its name where it is not this one."""
    home = home or "postgres"  # its own default
    return "" if home == here else outside_text(home)


def _subscriptions(connection: Connection) -> Iterator[Acting]:
    from psycopg import sql

    for name, active, slot, database, here in connection.execute(_SUBSCRIPTIONS).fetchall():
        said = name if here else f"{database}.{name}"
        said += f" (slot {slot} on its publisher)" if slot else ""
        off = sql.SQL("alter subscription {} disable").format(sql.Identifier(name))
        yield _acting(connection, "subscription", said, off if here else None, active=active)


def _foreign_servers(connection: Connection) -> Iterator[Acting]:
    """They do nothing by themselves: whoever queries through one reaches another database."""
    for name, wrapper, mappings, host in connection.execute(_SERVERS).fetchall():
        to = f" to {host}" if host else ""
        yield _acting(connection, "foreign server", f"{name} ({wrapper}{to}, {mappings} user mappings)", active=False)


def _extensions(connection: Connection) -> Iterator[Acting]:
    for (name,) in connection.execute(_EXTENSIONS, (list(_REACHING_OUT),)).fetchall():
        yield _acting(connection, "extension", name, active=False)


def _acting(connection: Connection, kind: str, name: str, statement: Composed | None = None, *, active: bool) -> Acting:
    how = outside_text(statement.as_string(connection)) if statement else ""
    return Acting(SideEffect(kind, outside_text(name), active, how), statement)


def _queue(connection: Connection, table: str) -> SideEffect:
    from psycopg import sql

    query = sql.SQL(_WAITING).format(identifier(table))
    row = _seen(f"queue {table}", lambda: connection.execute(query).fetchone())
    return SideEffect("queue", table, active=row == (True,))
