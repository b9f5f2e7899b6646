"""The few statements that change something in a copy; each is asked for with a permit, which the adapter checks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from runbook.engine.errors import LayerFailed
from runbook.estate.ports import SideEffect
from runbook.estate.postgres import effects
from runbook.estate.postgres.looks import named
from runbook.estate.postgres.plan import identifier

if TYPE_CHECKING:
    from psycopg import Connection

# Row security hides a table's statistics from a reader; then only "never counted" (-1) shows that there are none.
# 0 rows were counted where everything was deleted: such a table has no statistics and needs none.
_WITHOUT_STATISTICS: Final = """
    select n.nspname, c.relname from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where c.relkind in ('r', 'm') and c.relpersistence <> 't'
      and n.nspname <> 'information_schema' and n.nspname !~ '^pg_'
      and c.reltuples <> 0 and pg_relation_size(c.oid) > 0
      and case when row_security_active(c.oid) or not has_any_column_privilege(c.oid, 'select') then c.reltuples < 0
          else (n.nspname, c.relname) not in (select schemaname, tablename from pg_stats) end
    order by 1, 2"""


def silence(connection: Connection, effect: SideEffect) -> None:
    """End it by the very statement that `effect.how` shows; LayerFailed where the copy has it no longer.

    For this one transaction the connection may write; its errors are psycopg's.
    """
    ending = next((one.statement for one in effects.every(connection) if _same(one.effect, effect)), None)
    if ending is None:
        raise LayerFailed(
            f"{effect.kind} {effect.name}: no statement ends it, or it is no longer there",
            fix="Look at the side effects again.",
            source="postgres",
        )
    before = connection.read_only
    connection.read_only = False
    try:
        with connection.transaction():
            connection.execute(ending)
    finally:
        if not connection.closed:
            connection.read_only = before


def _same(one: SideEffect, other: SideEffect) -> bool:
    """Whether it is active may have changed since it was looked at."""
    return (one.kind, one.name, one.how) == (other.kind, other.name, other.how)


def without_statistics(connection: Connection) -> tuple[str, ...]:
    """Tables that hold something and of which the planner knows nothing, as `schema.table`."""
    return tuple(named(*row) for row in connection.execute(_WITHOUT_STATISTICS).fetchall())


def analyze(connection: Connection, table: str) -> None:
    """Gather statistics.  A user who may not is only warned by the server: look at `without_statistics` again."""
    from psycopg import sql

    connection.execute(sql.SQL("analyze {}").format(identifier(table)))
