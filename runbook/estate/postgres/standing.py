"""What stands around the rows: extensions, collations, what a crash or a copy leaves over, and how old ids are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from runbook.estate.postgres.looks import Plan, named
from runbook.safety.outside_text import outside_text

if TYPE_CHECKING:
    from psycopg import Connection

OLDEST_ID: Final = 1_500_000_000  # writes stop at about 2.1 thousand million
_COLLATED_SINCE: Final = 150000  # from then on a database records the version of its own collation

_EXTENSIONS: Final = """
    select e.extname, e.extversion, a.default_version
    from pg_extension e left join pg_available_extensions a on a.name = e.extname order by 1"""
_COLLATIONS: Final = """
    select n.nspname || '.' || c.collname, c.collversion, pg_collation_actual_version(c.oid)
    from pg_collation c join pg_namespace n on n.oid = c.collnamespace
    where c.collversion is not null and c.collversion is distinct from pg_collation_actual_version(c.oid) order by 1"""
_DATABASES: Final = """
    select 'database ' || datname, datcollversion, pg_database_collation_actual_version(oid) from pg_database
    where datallowconn and datcollversion is distinct from pg_database_collation_actual_version(oid) order by 1"""
_PREPARED: Final = "select gid, database from pg_prepared_xacts order by prepared"
_SLOTS: Final = "select slot_name, slot_type, active from pg_replication_slots order by 1"
_SUBSCRIPTIONS: Final = """
    select d.datname, s.subname from pg_subscription s join pg_database d on d.oid = s.subdbid
    where s.subenabled order by 1, 2"""
_AGES: Final = "select datname, greatest(age(datfrozenxid), mxid_age(datminmxid)) from pg_database order by 2 desc"
_UNLOGGED: Final = """
    select n.nspname, c.relname, pg_relation_size(c.oid) = 0
    from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where c.relpersistence = 'u' and c.relkind = 'r' order by 1, 2"""

_LARGE_OBJECTS: Final = "select count(*) from pg_largeobject_metadata"
_MATERIALISED: Final = "select count(*) from pg_class where relkind = 'm'"


def extensions(connection: Connection) -> Plan:
    """Extensions whose files this server does not have: what they are needed for fails."""
    rows: list[Any] = connection.execute(_EXTENSIONS).fetchall()
    missing = tuple(f"{outside_text(name)} {outside_text(had)}" for name, had, offered in rows if offered is None)
    others = [f"{name} {had}, here {offered}" for name, had, offered in rows if offered not in {None, had}]
    return Plan(found=missing, note=outside_text("other versions offered: " + "; ".join(others) if others else ""))


def collations(connection: Connection) -> Plan:
    """Collations that sort otherwise than when the indexes were built."""
    rows: list[Any] = connection.execute(_COLLATIONS).fetchall()
    not_run = ""
    if connection.info.server_version >= _COLLATED_SINCE:
        rows = connection.execute(_DATABASES).fetchall() + rows
    else:
        not_run = "before PostgreSQL 15 a database does not record the version of its own collation"
    return Plan(found=tuple(_collation(*row) for row in rows), not_run=not_run)


def _collation(what: str, recorded: str | None, actual: str | None) -> str:
    return outside_text(f"{what}: built with version {recorded or 'unknown'}, here {actual or 'none'}")


def prepared(connection: Connection) -> Plan:
    """Two-phase transactions that nobody ended: they hold locks and keep vacuum from its work."""
    rows = connection.execute(_PREPARED).fetchall()
    return Plan(found=tuple(f"{outside_text(gid, 60)} in {outside_text(database)}" for gid, database in rows))


def slots(connection: Connection) -> Plan:
    """Slots for readers that a copy does not have: its disk fills with what they never fetch."""
    rows = connection.execute(_SLOTS).fetchall()
    return Plan(found=tuple(f"{outside_text(n)} ({kind}{', in use' if active else ''})" for n, kind, active in rows))


def subscriptions(connection: Connection) -> Plan:
    """Subscriptions that would pull from their publisher."""
    return Plan(found=tuple(named(*row) for row in connection.execute(_SUBSCRIPTIONS).fetchall()))


def unlogged(connection: Connection) -> Plan:
    """Tables that are no part of any physical backup."""
    rows: list[Any] = connection.execute(_UNLOGGED).fetchall()
    state = {True: "empty in this copy, as in every one", False: "not in any backup"}
    return Plan(found=tuple(f"{named(schema, table)}: {state[empty]}" for schema, table, empty in rows))


def large_objects(connection: Connection) -> Plan:
    """They lie outside of every table, and no reader may read them: no manifest states them."""
    row = connection.execute(_LARGE_OBJECTS).fetchone()
    number = row[0] if row is not None else 0
    return Plan(found=(f"{number} large objects are not compared: no manifest states them",) if number else ())


def materialised_views(connection: Connection) -> Plan:
    """Only told of: whatever is wrong with one is mended by making it from its tables again."""
    row = connection.execute(_MATERIALISED).fetchone()
    number = row[0] if row is not None else 0
    return Plan(note=f"{number} materialised views not compared: they are made from tables" if number else "")


def ages(connection: Connection) -> Plan:
    """Databases that come near to the end of their transaction ids."""
    rows: list[Any] = connection.execute(_AGES).fetchall()
    old = tuple(f"{outside_text(name)}: {age} ids used since the last freeze" for name, age in rows if age > OLDEST_ID)
    return Plan(found=old, note=f"the oldest is {rows[0][1]} ids old")
