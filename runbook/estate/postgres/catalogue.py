"""What stands beside the rows, from the system catalogue: it tells every reader all, unlike information_schema.

Names in expressions and types are written in full, whatever the reader's search path is.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final, LiteralString

from runbook.engine.errors import NoVerdict
from runbook.estate.postgres.plan import ORDINARY, told_apart
from runbook.manifest import Catalogue
from runbook.safety.outside_text import outside_text

if TYPE_CHECKING:
    from psycopg import Connection
    from psycopg.sql import Identifier

_QUALIFY: Final = "select set_config('search_path', 'pg_catalog', false)"
_TABLES: Final = f"from pg_class c join pg_namespace n on n.oid = c.relnamespace where {ORDINARY}"
_NAME: Final = "n.nspname || '.' || c.relname"

# In the order of the columns, not by their numbers: dropped ones leave gaps that a restored dump does not have.
_COLUMNS: Final = f"""
    select n.nspname, c.relname, encode(sha256(convert_to(coalesce((
        select string_agg(concat_ws(chr(31), a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull,
                                    a.attidentity, a.attgenerated, coalesce(pg_get_expr(d.adbin, d.adrelid), ''),
                                    coalesce(nullif(a.attcollation, t.typcollation)::regcollation::text, '')),
                          chr(30) order by a.attnum)
        from pg_attribute a join pg_type t on t.oid = a.atttypid
        left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
        where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped), ''), 'UTF8')), 'hex')
    {_TABLES}"""  # noqa: S608 - constants only
_ROW_SECURITY: Final = (
    f"select {_NAME}, c.relrowsecurity, c.relforcerowsecurity,"  # noqa: S608 - constants only
    f" (select count(*) from pg_policy p where p.polrelid = c.oid) {_TABLES}"
)
_EXTENSIONS: Final = "select extname, extversion from pg_extension"
# Left out: the system's own, the provider's, and those that a vault's database engine makes for an hour.
_ROLES: Final = r"""
    select r.rolname, concat_ws(', ', case when r.rolsuper then 'superuser' end,
        case when r.rolcanlogin then 'login' end, case when r.rolcreaterole then 'createrole' end,
        case when r.rolcreatedb then 'createdb' end, case when r.rolreplication then 'replication' end,
        case when r.rolbypassrls then 'bypassrls' end, case when not r.rolinherit then 'noinherit' end),
        (select string_agg(distinct g.rolname, ', ' order by g.rolname)
         from pg_auth_members m join pg_roles g on g.oid = m.roleid
         where m.member = r.oid and g.rolname not like 'v-%')
    from pg_roles r where r.rolname !~ '^(pg_|rds|v-)'"""
_SEQUENCES: Final = f"""
    select n.nspname, c.relname, has_sequence_privilege(c.oid, 'SELECT'),
           case when has_sequence_privilege(c.oid, 'SELECT') then pg_sequence_last_value(c.oid) end
    {_TABLES}""".replace("relkind = 'r'", "relkind = 'S'")
_SETTINGS: Final = """
    select name, setting from pg_settings where name in ('TimeZone', 'DateStyle', 'IntervalStyle',
        'extra_float_digits', 'bytea_output', 'lc_monetary', 'server_encoding')"""
# The table of each known migration tool → how it says where the schema stands.
_HEADS: Final[Mapping[str, LiteralString]] = {
    "alembic_version": "select string_agg(version_num, ', ' order by version_num) from {}",
    "flyway_schema_history": """
        select version from {} where success and version is not null order by installed_rank desc limit 1""",
    "django_migrations": "select app || '.' || name from {} order by id desc limit 1",
    "_prisma_migrations": """
        select migration_name from {} where finished_at is not null and rolled_back_at is null
        order by finished_at desc, migration_name desc limit 1""",
    "schema_migrations": "select max(version)::text from {}",
}
_SHOWN: Final = 400  # characters of a role's rights
_KEEPERS: Final = f"select n.nspname, c.relname {_TABLES} and c.relname = any(%s) order by 1, 2"


def read(connection: Connection) -> Catalogue:
    """All of it.  Raises `psycopg.Error`; NoVerdict as `sequences` and `within` do."""
    return within(connection, sequences(connection))


def within(connection: Connection, sequences: Mapping[str, int | None]) -> Catalogue:
    """All but the sequences, in the connection's transaction if it is in one, where it leaves no lock on any table.

    NoVerdict where two tables have the same name.  Raises `psycopg.Error`.
    """
    connection.execute(_QUALIFY)
    return Catalogue(
        columns=_columns(connection),
        migration=_migration(connection),
        extensions=_pairs(connection, _EXTENSIONS),
        roles=_roles(connection),
        row_security=_row_security(connection),
        sequences=sequences,
        settings=_pairs(connection, _SETTINGS),
    )


def _pairs(connection: Connection, query: str) -> dict[str, str]:
    rows = connection.execute(query.encode()).fetchall()
    return {outside_text(name): outside_text(value) for name, value in sorted(rows)}


def _columns(connection: Connection) -> dict[str, str]:
    rows = connection.execute(_COLUMNS.encode()).fetchall()
    names = told_apart((schema, table) for schema, table, _ in rows)
    return dict(sorted(zip(names, (fingerprint for *_, fingerprint in rows), strict=True)))


def _roles(connection: Connection) -> dict[str, str]:
    """`attributes; memberships`, each as far as there are any."""
    rows = sorted(connection.execute(_ROLES.encode()).fetchall())
    return {
        outside_text(name): _whole("; ".join(filter(None, (attributes, member_of))))
        for name, attributes, member_of in rows
    }


def _whole(text: str) -> str:
    """Cleaned; of what is long the beginning, and a hash of all of it, so that two such texts can be compared."""
    if len(text) <= _SHOWN:
        return outside_text(text)
    return f"{outside_text(text, _SHOWN)} sha256:{hashlib.sha256(text.encode('utf-8', 'replace')).hexdigest()}"


def _row_security(connection: Connection) -> dict[str, str]:
    rows = sorted(connection.execute(_ROW_SECURITY.encode()).fetchall())
    return {outside_text(name): _security(*row) for name, *row in rows}


def _security(enabled: bool, forced: bool, policies: int) -> str:  # noqa: FBT001 - a row's columns
    number = f"{policies} {'policy' if policies == 1 else 'policies'}" if enabled or policies else ""
    return ", ".join(filter(None, ("enabled" if enabled else "off", "forced" if forced else "", number)))


def sequences(connection: Connection) -> dict[str, int | None]:
    """As they stand now: a sequence is in no snapshot.  NoVerdict where the reader may not see one.

    To be called outside of a transaction: whoever looks at a sequence locks it until his transaction ends, and nobody
    can alter it, or truncate, alter or drop the table that it belongs to, for as long.
    """
    rows = connection.execute(_SEQUENCES.encode()).fetchall()
    names = told_apart((schema, sequence) for schema, sequence, *_ in rows)
    if blind := sorted(name for name, (*_, allowed, _) in zip(names, rows, strict=True) if not allowed):
        raise NoVerdict(
            f"the reader may not see where sequences stand: {', '.join(blind[:5])}",
            fix="Grant it pg_read_all_data.",
            source="postgres",
        )
    return dict(sorted((name, value) for name, (*_, value) in zip(names, rows, strict=True)))


def _migration(connection: Connection) -> str:
    """Of every known tool whose table is there, such as `alembic_version 7c1f0e5ab2d4`."""
    from psycopg.sql import Identifier

    rows = connection.execute(_KEEPERS.encode(), (list(_HEADS),)).fetchall()
    heads = (_head(connection, table, Identifier(schema, table)) for schema, table in rows)
    return _whole("; ".join(filter(None, heads)))


def _head(connection: Connection, table: str, name: Identifier) -> str:
    """ "" where a table of that name is somebody else's."""
    from psycopg.errors import UndefinedColumn
    from psycopg.sql import SQL

    try:
        with connection.transaction(force_rollback=True):  # a rolled back savepoint gives its locks back
            row = connection.execute(SQL(_HEADS[table]).format(name)).fetchone()
    except UndefinedColumn:
        return ""
    return f"{table} {row[0]}" if row and row[0] else f"{table} (empty)"
