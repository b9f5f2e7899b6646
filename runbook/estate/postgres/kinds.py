"""What types there are in a database's tables: which have a hash, and which call values equal that are not the same."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from psycopg import Connection

# Types, and collations of columns, whose equal values need not be the same: such rows are hashed as text.  A type has
# whatever is inside of it: an array's elements, what a domain or a range is of, a composite type's columns.
_LOOSE_COLLATIONS: Final = "select oid::bigint from pg_collation where not collisdeterministic"
_LOOSE_TYPES: Final = """
    with recursive inside (root, kind, letters) as (
        select t.oid, t.oid, 0::oid from pg_type t where t.oid = any(%s::bigint[]::oid[])
        union
        select i.root, part.kind, part.letters from inside i join pg_type t on t.oid = i.kind
        cross join lateral (
            select t.typelem, 0::oid where t.typelem <> 0
            union all select t.typbasetype, t.typcollation where t.typtype = 'd'
            union all select r.rngsubtype, r.rngcollation from pg_range r
                      where t.oid in (r.rngtypid, (to_jsonb(r) ->> 'rngmultitypid')::oid)
            union all select a.atttypid, a.attcollation from pg_attribute a
                      where t.typtype = 'c' and a.attrelid = t.typrelid and a.attnum > 0 and not a.attisdropped
        ) part (kind, letters))
    select distinct i.root::bigint from inside i join pg_type t on t.oid = i.kind
    left join pg_collation l on l.oid = i.letters
    where t.typname = 'citext' or not l.collisdeterministic"""
_DOMAINS: Final = "select oid::bigint, typbasetype::bigint from pg_type where typtype = 'd'"
_NAMES: Final = "select oid::bigint, format_type(oid, null) from pg_type where oid = any(%s::bigint[]::oid[])"


@dataclass(frozen=True, slots=True)
class Types:
    """What is known of the types that columns have, by number."""

    domains: Mapping[int, int]  # domain → what it is of
    hashable: frozenset[int]
    loose: frozenset[int]
    loose_collations: frozenset[int]

    def base(self, kind: int) -> int:
        """What lies under a domain; any other type itself."""
        return _base(kind, self.domains)


def types(connection: Connection, used: set[int]) -> Types:
    """All that has to be known of them."""
    domains: dict[int, int] = dict(connection.execute(_DOMAINS).fetchall())
    loose = connection.execute(_LOOSE_TYPES, (sorted(used),)).fetchall()
    collations = connection.execute(_LOOSE_COLLATIONS).fetchall()
    return Types(
        domains=domains,
        hashable=_hashable(connection, used, domains),
        loose=frozenset(kind for (kind,) in loose),
        loose_collations=frozenset(collation for (collation,) in collations),
    )


def _hashable(connection: Connection, types: set[int], domains: Mapping[int, int]) -> frozenset[int]:
    """Those of the types for which a row's hash can be had; a domain is what lies under it."""
    bases = {kind: _base(kind, domains) for kind in types}
    names: dict[int, str] = dict(connection.execute(_NAMES, (sorted(set(bases.values())),)).fetchall())
    if _has_hash(connection, *names.values()):
        return frozenset(types)
    good = {kind for kind, name in names.items() if _has_hash(connection, name)}
    return frozenset(kind for kind, base in bases.items() if base in good)


def _base(kind: int, domains: Mapping[int, int]) -> int:
    while kind in domains:
        kind = domains[kind]
    return kind


def _has_hash(connection: Connection, *names: str) -> bool:
    """Asked with NULLs: the server looks for the function before it looks at the value, also inside of arrays."""
    from psycopg.errors import UndefinedFunction

    columns = ", ".join(f"null::{name}" for name in names)
    try:
        with connection.transaction():
            connection.execute(f"select hash_record_extended(row({columns}), 0)".encode())
    except UndefinedFunction:
        return False
    return True
