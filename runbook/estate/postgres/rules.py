"""What the database promises of its rows: constraints, triggers, sequences, and foreign keys that really hold."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Final

from runbook.estate.postgres.looks import Piece, Plan, named
from runbook.safety.outside_text import outside_text

if TYPE_CHECKING:
    from psycopg import Connection
    from psycopg.sql import Composed

GIB: Final = 1 << 30
# Columns that a release does not have yet are read by way of JSON: conenforced is of PostgreSQL 18.
_NOT_VALIDATED: Final = """
    select coalesce(n.nspname, dn.nspname), coalesce(c.relname, d.typname), con.conname
    from pg_constraint con
    left join pg_class c on c.oid = con.conrelid left join pg_namespace n on n.oid = c.relnamespace
    left join pg_type d on d.oid = con.contypid left join pg_namespace dn on dn.oid = d.typnamespace
    where not con.convalidated and to_jsonb(con) ->> 'conenforced' is distinct from 'false' order by 1, 2, 3"""
# Internal triggers are how foreign keys are enforced: `disable trigger all` switches them off too.
_TRIGGERS: Final = """
    select distinct n.nspname, c.relname, t.tgenabled::text, t.tgisinternal, coalesce(con.conname, t.tgname)
    from pg_trigger t join pg_class c on c.oid = t.tgrelid join pg_namespace n on n.oid = c.relnamespace
    left join pg_constraint con on con.oid = t.tgconstraint and t.tgisinternal
    where t.tgenabled in ('D', 'R') and (not t.tgisinternal or t.tgenabled = 'D') order by 1, 2, 5"""
_SEQUENCES: Final = """
    select sn.nspname, s.relname, tn.nspname, t.relname, a.attname, q.seqincrement
    from pg_sequence q
    join pg_class s on s.oid = q.seqrelid join pg_namespace sn on sn.oid = s.relnamespace
    join pg_depend d on d.classid = 'pg_class'::regclass and d.objid = s.oid
                    and d.refclassid = 'pg_class'::regclass and d.deptype in ('a', 'i')
    join pg_attribute a on a.attrelid = d.refobjid and a.attnum = d.refobjsubid
    join pg_class t on t.oid = d.refobjid join pg_namespace tn on tn.oid = t.relnamespace
    where a.atttypid in ('int2'::regtype, 'int4'::regtype, 'int8'::regtype, 'numeric'::regtype)
      and s.relpersistence <> 't' order by 1, 2"""
# Compared there, so that no value of a row comes here.
_BEHIND: Final = """
    select case when s.is_called then s.last_value::numeric + {step} else s.last_value end {reaches}
           (select {edge}({column}) from {table}) from {sequence} s"""
_FOREIGN_KEYS: Final = """
    with side as (
        select c.oid, n.nspname, c.relname, c.relkind = 'p' as partitioned,
               case c.relkind when 'p' then (select coalesce(sum(pg_relation_size(relid)), 0)
                                             from pg_partition_tree(c.oid) where isleaf)
               else pg_relation_size(c.oid) end::bigint as size
        from pg_class c join pg_namespace n on n.oid = c.relnamespace where c.relkind in ('r', 'p'))
    select con.conname, child.nspname, child.relname, child.partitioned, child.size,
           parent.nspname, parent.relname, parent.partitioned, parent.size,
           array_agg(ca.attname::text order by k.place), array_agg(pa.attname::text order by k.place),
           array_agg(opn.nspname::text order by k.place), bool_and(op.oprname = '=')
    from pg_constraint con join side child on child.oid = con.conrelid join side parent on parent.oid = con.confrelid
    cross join lateral unnest(con.conkey, con.confkey, con.conpfeqop) with ordinality k (child, parent, op, place)
    join pg_attribute ca on ca.attrelid = con.conrelid and ca.attnum = k.child
    join pg_attribute pa on pa.attrelid = con.confrelid and pa.attnum = k.parent
    join pg_operator op on op.oid = k.op join pg_namespace opn on opn.oid = op.oprnamespace
    where con.contype = 'f' and con.conparentid = 0 and con.convalidated
    group by con.oid, con.conname, child.nspname, child.relname, child.partitioned, child.size,
             parent.nspname, parent.relname, parent.partitioned, parent.size
    order by 2, 3, 1"""
_ORPHAN: Final = """
    select 1 from {child} c where {filled} and not exists (select 1 from {parent} p where {equal}) limit 1"""


def constraints(connection: Connection) -> Plan:
    """Constraints that old rows may break."""
    rows = connection.execute(_NOT_VALIDATED).fetchall()
    return Plan(found=tuple(f"{named(*row[:2])}: {outside_text(row[2])}" for row in rows))


def triggers(connection: Connection) -> Plan:
    """Triggers that do not fire, those that enforce foreign keys among them."""
    rows = connection.execute(_TRIGGERS).fetchall()
    return Plan(found=tuple(_trigger(*row) for row in rows))


def _trigger(schema: str, table: str, state: str, internal: bool, name: str) -> str:  # noqa: FBT001 - a row's column
    what = f"foreign key {outside_text(name)} is not enforced" if internal else outside_text(name)
    return f"{named(schema, table)}: {what}" + (" (only in a replica)" if state == "R" else "")


# -- sequences ----------------------------------------------------------------------------------------------------
def sequences(connection: Connection) -> Plan:
    """Sequences that would hand out a number which their column holds already."""
    rows: list[Any] = connection.execute(_SEQUENCES).fetchall()
    return Plan(tuple(Piece(named(*row[:2]), 0, partial(_behind, row)) for row in rows), unit="sequences compared")


def _behind(row: tuple[Any, ...], connection: Connection) -> str:
    from psycopg import sql

    schema, sequence, table_schema, table, column, step = row
    query = sql.SQL(_BEHIND).format(
        step=sql.Literal(step),
        reaches=sql.SQL("<=" if step > 0 else ">="),
        edge=sql.SQL("max" if step > 0 else "min"),
        column=sql.Identifier(column),
        table=sql.Identifier(table_schema, table),
        sequence=sql.Identifier(schema, sequence),
    )
    if connection.execute(query).fetchone() != (True,):
        return ""
    return f"{named(schema, sequence)} is behind the numbers in {named(table_schema, table)}"


# -- foreign keys -------------------------------------------------------------------------------------------------
def foreign_keys(connection: Connection) -> Plan:
    """Whether a row points at nothing, for every foreign key between tables of less than 1 GiB."""
    rows: list[Any] = connection.execute(_FOREIGN_KEYS).fetchall()
    keys = [_ForeignKey(row) for row in rows]
    small = [key for key in keys if key.readable]
    pieces = tuple(Piece(key.name, key.size, key.orphaned) for key in small)
    left = len(keys) - len(small)
    return Plan(
        pieces, unit="foreign keys followed", note=f"{left} not followed: their tables are large" if left else ""
    )


class _ForeignKey:
    """One row of the catalogue's answer, and the question that follows from it."""

    def __init__(self, row: tuple[Any, ...]) -> None:
        key, schema, table, self._split, size, *parent, columns, theirs, operators, plain = row
        self._table, self._parent = (schema, table), (parent[0], parent[1])
        self._parent_split = parent[2]
        self._columns = tuple(zip(columns, theirs, operators, strict=True))
        self.name = f"{named(schema, table)}: {outside_text(key)}"
        self.size = size + parent[3]
        self.readable = plain and max(size, parent[3]) < GIB

    def orphaned(self, connection: Connection) -> str:
        """Said where at least one row has no parent; how many is left to whoever looks into it."""
        from psycopg import sql

        filled = [sql.SQL("c.{} is not null").format(sql.Identifier(column)) for column, _, _ in self._columns]
        equal = [
            sql.SQL("p.{} operator({}.=) c.{}").format(*map(sql.Identifier, (theirs, schema, column)))
            for column, theirs, schema in self._columns
        ]
        query = sql.SQL(_ORPHAN).format(
            child=_only(self._table, split=self._split),
            parent=_only(self._parent, split=self._parent_split),
            filled=sql.SQL(" and ").join(filled),
            equal=sql.SQL(" and ").join(equal),
        )
        found = connection.execute(query).fetchone()
        return f"{self.name}: rows point at nothing in {named(*self._parent)}" if found else ""


def _only(table: tuple[str, str], *, split: bool) -> Composed:
    """A foreign key is of the table alone, not of what inherits from it; a partitioned one is its partitions."""
    from psycopg import sql

    return sql.SQL("{} {}").format(sql.SQL("" if split else "only"), sql.Identifier(*table))
