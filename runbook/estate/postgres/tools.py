"""What the extensions that ship with PostgreSQL offer in this database, and whether this user may call it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from runbook.safety.outside_text import outside_text

if TYPE_CHECKING:
    from psycopg import Connection
    from psycopg.sql import Composed

# Of several of one name the one with the most arguments: it can do the most.
_FUNCTIONS: Final = """
    select distinct on (p.proname) p.proname, n.nspname, coalesce(p.proargnames, '{}'),
           has_function_privilege(p.oid, 'execute') and has_schema_privilege(n.oid, 'usage'),
           pg_get_function_identity_arguments(p.oid)
    from pg_extension e join pg_namespace n on n.oid = e.extnamespace
    join pg_depend d on d.refclassid = 'pg_extension'::regclass and d.refobjid = e.oid
                    and d.classid = 'pg_proc'::regclass and d.deptype = 'e'
    join pg_proc p on p.oid = d.objid
    where e.extname = %s order by p.proname, p.pronargs desc"""
_NEWER: Final = """
    select 1 from pg_extension e join pg_available_extensions a on a.name = e.extname
    where e.extname = %s and a.default_version <> e.extversion"""
_OFFERED: Final = "select 1 from pg_available_extensions where name = %s"


@dataclass(frozen=True, slots=True)
class Tool:
    """A function of an extension; `arguments` are the names of its arguments, `signature` is as GRANT wants it."""

    schema: str
    name: str
    arguments: tuple[str, ...]
    allowed: bool
    signature: str

    @property
    def grant(self) -> str:
        """The statement that allows it to a user, whose name is left to the reader of it."""
        return outside_text(f"grant execute on function {self.schema}.{self.name}({self.signature}) to …")

    def call(self, relation: int, **options: bool) -> Composed:
        """`schema.name(relation, option => …)`, without the options that this version of it does not know."""
        from psycopg import sql

        given = [
            sql.SQL(", {} => {}").format(sql.Identifier(name), sql.Literal(value))
            for name, value in options.items()
            if name in self.arguments
        ]
        function = sql.Identifier(self.schema, self.name)
        return sql.SQL("{}({}::oid::regclass{})").format(function, sql.Literal(relation), sql.SQL("").join(given))


def tools(connection: Connection, extension: str) -> Mapping[str, Tool]:
    """Its functions by name; empty where it is not installed in this database."""
    rows: list[Any] = connection.execute(_FUNCTIONS, (extension,)).fetchall()
    return {
        name: Tool(schema, name, tuple(arguments), allowed, signature)
        for name, schema, arguments, allowed, signature in rows
    }


def offered(connection: Connection, extension: str) -> bool:
    """Whether the server could have it in this database."""
    return connection.execute(_OFFERED, (extension,)).fetchone() is not None


def outdated(connection: Connection, extension: str) -> bool:
    """Whether the server could bring what is installed in this database to another version."""
    return connection.execute(_NEWER, (extension,)).fetchone() is not None


def how_to_get(extension: str, *, offered: bool) -> str:
    """What can be done where it is not installed."""
    if offered:
        return f"the server offers it: create extension {extension} there as its owner, then try again"
    return "the server does not offer it"
