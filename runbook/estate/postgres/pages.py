"""Pages of tables, and the checksums that PostgreSQL met while pages were read."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Final

from runbook.estate.postgres.looks import Piece, Plan, named
from runbook.estate.postgres.tools import Tool, how_to_get, offered, outdated, tools
from runbook.safety.outside_text import outside_text

if TYPE_CHECKING:
    from psycopg import Connection

_HEAPS: Final = """
    select n.nspname, c.relname, c.oid,
           pg_relation_size(c.oid) + coalesce(pg_relation_size(c.reltoastrelid), 0)
    from pg_class c join pg_namespace n on n.oid = c.relnamespace join pg_am a on a.oid = c.relam
    where c.relkind in ('r', 'm', 't') and a.amname = 'heap' and c.relpersistence <> 't'
      and not (c.relpersistence = 'u' and pg_is_in_recovery()) order by 1, 2"""
_CHECKSUMS: Final = "select current_setting('data_checksums')"
_FAILURES: Final = """
    select coalesce(datname, 'shared catalogues'), checksum_failures from pg_stat_database
    where checksum_failures > 0 order by 1"""


def structure(connection: Connection) -> Plan:
    """Every row of every table by `verify_heapam`: that it is whole and was written by a known transaction."""
    installed = tools(connection, "amcheck")
    check = installed.get("verify_heapam")
    if check is None and installed:
        return _too_old(newer=outdated(connection, "amcheck"))
    if check is None:
        why = "amcheck is not installed in this database: pages of tables were not checked"
        there = offered(connection, "amcheck")
        return Plan(not_run=f"{why} ({how_to_get('amcheck', offered=there)})", unavailable=not there)
    if not check.allowed:
        return Plan(not_run=f"this user may not run amcheck, so pages of tables were not checked: {check.grant}")
    heaps: list[Any] = connection.execute(_HEAPS).fetchall()
    pieces = tuple(_piece(named(schema, name), oid, size, check) for schema, name, oid, size in heaps)
    return Plan(pieces, unit="tables checked")


def _too_old(*, newer: bool) -> Plan:
    how = "alter extension amcheck update there as its owner, then try again"
    return Plan(
        not_run="amcheck is too old in this database to check pages of tables"
        f" ({how if newer else 'the server does not offer a newer one'})",
        unavailable=not newer,
    )


def _piece(name: str, oid: int, size: int, check: Tool) -> Piece:
    return Piece(name, size, partial(_checked, name, oid, check))


def _checked(name: str, oid: int, check: Tool, connection: Connection) -> str:
    """Where the damage is; amcheck's own words are left out, for they can quote what a row holds."""
    from psycopg import sql

    query = sql.SQL("select count(*), min(blkno) from {}").format(check.call(oid, check_toast=True))
    row = connection.execute(query).fetchone()
    places, first = row if row is not None else (0, None)
    return f"{name} is damaged in {places} places, first in page {first}" if places else ""


def checksums(connection: Connection) -> Plan:
    """To be asked last: only pages that were read by then count."""
    row = connection.execute(_CHECKSUMS).fetchone()
    if row != ("on",):
        return Plan(note="page checksums are off: a flipped bit shows in the content's hashes only")
    failures: list[Any] = connection.execute(_FAILURES).fetchall()
    found = tuple(f"{outside_text(where)}: {count} pages do not match their checksum" for where, count in failures)
    return Plan(found=found, note="page checksums are on; they cover the pages that were read")
