"""What there is to read in a database: its ordinary tables, their sizes, keys, and which of them have a hash.

`identifier` is how every query of this room names a table.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, LiteralString

from runbook.engine.errors import LayerFailed, NoVerdict
from runbook.engine.few import few
from runbook.estate.ports import TableShape
from runbook.estate.postgres.errors import GRANT
from runbook.estate.postgres.kinds import Types, types
from runbook.manifest import Method
from runbook.safety.outside_text import outside_text

if TYPE_CHECKING:
    from psycopg import Connection
    from psycopg.sql import Identifier

ORDINARY: Final = """
    c.relkind = 'r' and c.relpersistence = 'p' and n.nspname <> 'information_schema' and n.nspname !~ '^pg_'"""
"""A condition over pg_class `c` and pg_namespace `n`.  A physical copy holds nothing of an unlogged table."""

# A key's INCLUDE columns are no part of it.
_KEY: Final = """
    pg_index i cross join unnest(i.indkey) with ordinality k(number, place)
    join pg_attribute a on a.attrelid = i.indrelid and a.attnum = k.number
    where i.indrelid = c.oid and i.indisprimary and k.place <= i.indnkeyatts order by k.place"""
# What changes when a table is truncated, rewritten or altered: its file, and its columns by number, dropped ones too
# (their type is 0), each with its type and collation.
_FORM: Final = """
    pg_relation_filenode(c.oid)::bigint,
    array(select a.atttypid::bigint from pg_attribute a where a.attrelid = c.oid and a.attnum > 0 order by a.attnum),
    array(select a.attcollation::bigint from pg_attribute a where a.attrelid = c.oid and a.attnum > 0
          order by a.attnum)"""
_FORM_NOW: Final = f"select {_FORM} from pg_class c where c.oid = %s"  # noqa: S608 - constants only
_RELATIONS: Final = (
    f"select n.nspname, c.relname, c.oid::bigint, {_FORM},"  # noqa: S608 - constants only
    """
           coalesce(pg_relation_size(c.oid), 0), coalesce(pg_relation_size(c.reltoastrelid), 0),
           current_setting('block_size')::bigint, c.relam = (select oid from pg_am where amname = 'heap'),
           has_table_privilege(c.oid, 'SELECT') and not row_security_active(c.oid),"""
    f"array(select a.attname::text from {_KEY}), array(select a.atttypid::bigint from {_KEY})"
    f" from pg_class c join pg_namespace n on n.oid = c.relnamespace where {ORDINARY}"
)
ROW_HASH: Final = "hash_record_extended"
# What a row of one such column hashes to, without making a row of it first: a tenth of the time of a whole pass.
_DIRECT: Final[Mapping[int, LiteralString]] = {
    20: "hashint8extended",
    21: "hashint2extended",
    23: "hashint4extended",
    2950: "uuid_hash_extended",
}
_DROPPED: Final = 0  # the type of a column that is no more
Form = tuple[int, tuple[int, ...], tuple[int, ...]]
"""A table's file, and the types and the collations of its columns."""


@dataclass(frozen=True, slots=True)
class Relation:
    """One table as it stands now; `form` is another one after it was truncated, rewritten or altered."""

    schema: str
    table: str
    oid: int
    form: Form
    blocks: int  # of the heap
    heap_bytes: int
    toast_bytes: int
    ranges: bool  # whether its rows can be asked for by the block they lie in
    readable: bool  # all its rows, by us
    key: tuple[str, ...]
    hashable: bool
    loose: bool  # equal values of a column need not be the same
    key_hashable: bool
    key_hash: LiteralString  # the function that hashes the key as a row of its columns would be

    @property
    def name(self) -> str:
        """As everybody else knows it."""
        return outside_text(f"{self.schema}.{self.table}")

    @property
    def size(self) -> int:
        """Bytes that a pass over all its rows reads."""
        return self.heap_bytes + self.toast_bytes

    @property
    def method(self) -> Method:
        """`text` where a column's type has no hash, or calls values equal that differ in letters (citext, a collation
        that is not deterministic): of the types alone, so that an empty table has one too."""
        return "record" if self.hashable and not self.loose else "text"

    @property
    def bucket_key(self) -> tuple[str, ...]:
        """The columns that decide on a row's bucket; none: the whole row."""
        return self.key if self.key_hashable else ()

    @property
    def identifier(self) -> Identifier:
        """For a query; the real name, whatever characters are in it."""
        from psycopg.sql import Identifier

        return Identifier(self.schema, self.table)

    @property
    def shape(self) -> TableShape:
        """What the port says of it."""
        return TableShape(self.name, self.size, tuple(outside_text(column) for column in self.key))


def identifier(table: str) -> Identifier:
    """`schema.table`, or a bare name that the search path finds."""
    from psycopg.sql import Identifier

    return Identifier(*table.split(".", 1))


def relations(connection: Connection) -> Mapping[str, Relation]:
    """Every ordinary table by its name, sorted; NoVerdict where a name is that of two."""
    rows = connection.execute(_RELATIONS).fetchall()
    told_apart((schema, table) for schema, table, *_ in rows)
    known = types(connection, {kind for row in rows for kind in (*row[4], *row[12])} - {_DROPPED})
    found = [_relation(row, known) for row in rows]
    return {relation.name: relation for relation in sorted(found, key=lambda one: one.name)}


def told_apart(tables: Iterable[tuple[str, ...]]) -> tuple[str, ...]:
    """The name of each (schema, table or sequence) as everybody else knows it; NoVerdict where two have the same."""
    known = [(outside_text(f"{schema}.{table}"), schema, table) for schema, table in tables]
    times = Counter(name for name, _, _ in known)
    twice = [f"{_quoted(schema)}.{_quoted(table)}" for name, schema, table in known if times[name] > 1]
    if twice:
        raise NoVerdict(
            f"these cannot be told apart by their names: {', '.join(sorted(twice)[:6])}",
            fix="Rename one of each two, without dots and invisible characters, in production.",
            source="postgres",
        )
    return tuple(times)


def form(connection: Connection, oid: int) -> Form | None:
    """Of that table now; None when there is none.  In a transaction the answer would be that of its snapshot."""
    row = connection.execute(_FORM_NOW, (oid,)).fetchone()
    return None if row is None else _form(*row)


def _form(filenode: int, types: list[int], collations: list[int]) -> Form:
    return filenode, tuple(types), tuple(collations)


def _quoted(name: str) -> str:
    return '"' + outside_text(name).replace('"', '""') + '"'


def relation(among: Mapping[str, Relation], table: str) -> Relation:
    """One of them; a name without a schema is taken from `public`."""
    found = among.get(table) or among.get(f"public.{table}")
    if found is None:
        raise LayerFailed(
            f"content of {outside_text(table)}: the table is not there",
            fix="Compare with the manifest: was the right snapshot restored?",
            source="postgres",
        )
    return found


def check_readable(tables: Iterable[Relation]) -> None:
    """NoVerdict names every table of which we would not see all rows, before hours are spent on the others."""
    blind = [table.name for table in tables if not table.readable]
    if blind:
        raise NoVerdict(
            f"content of {few(blind, 5)}: the reader may not see all rows",
            fix=GRANT,
            provider_text="SQLSTATE 42501 (InsufficientPrivilege)",
            source="postgres",
        )


def _relation(row: tuple[Any, ...], known: Types) -> Relation:
    schema, table, oid, *formed, heap, toast, block, ranges, readable, key, key_types = row
    form = _form(*formed)
    columns = [(kind, letters) for kind, letters in zip(*form[1:], strict=True) if kind != _DROPPED]
    used, letters = {kind for kind, _ in columns}, {letters for _, letters in columns}
    return Relation(
        schema=schema,
        table=table,
        oid=oid,
        form=form,
        blocks=heap // block,
        heap_bytes=heap,
        toast_bytes=toast,
        ranges=bool(ranges),
        readable=readable,
        key=tuple(key),
        hashable=known.hashable.issuperset(used),
        loose=not (known.loose.isdisjoint(used) and known.loose_collations.isdisjoint(letters)),
        key_hashable=known.hashable.issuperset(key_types),
        key_hash=_DIRECT.get(known.base(key_types[0]), ROW_HASH) if len(key) == 1 else ROW_HASH,
    )
