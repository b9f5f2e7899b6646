"""Indexes: those that are unfinished, and whether each holds exactly what its table holds, in order.

Only `bt_index_parent_check` notices every damage that is known: a flipped bit in a key that separates two pages passes
the plain check.  It holds a SHARE lock for as long as it reads the index, which nobody minds in a copy, and which a
server in recovery does not give.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final

from runbook.estate.postgres.looks import Piece, Plan, named
from runbook.estate.postgres.tools import Tool, how_to_get, offered, tools

if TYPE_CHECKING:
    from psycopg import Connection

_UNFINISHED: Final = """
    select n.nspname, c.relname from pg_index i join pg_class c on c.oid = i.indexrelid
    join pg_namespace n on n.oid = c.relnamespace
    where not (i.indisvalid and i.indisready and i.indislive) order by 1, 2"""
# Size is what a check reads: the index, and the table whose rows must all be in it.
_INDEXES: Final = """
    select n.nspname, c.relname, c.oid, a.amname, pg_relation_size(c.oid) + pg_relation_size(i.indrelid)
    from pg_index i join pg_class c on c.oid = i.indexrelid join pg_am a on a.oid = c.relam
    join pg_namespace n on n.oid = c.relnamespace
    where c.relkind = 'i' and c.relpersistence <> 't' and i.indisvalid and i.indisready
      and not (c.relpersistence = 'u' and pg_is_in_recovery()) order by 1, 2"""


@dataclass(frozen=True, slots=True)
class _Index:
    name: str
    oid: int
    method: str
    size: int


def unfinished(connection: Connection) -> Plan:
    """An index that was being built or dropped: it slows writes, and no query uses it."""
    rows = connection.execute(_UNFINISHED).fetchall()
    return Plan(found=tuple(named(*row) for row in rows))


def structure(connection: Connection) -> Plan:
    """A check of every index for which there is one; without amcheck they are at most read."""
    indexes = [_Index(named(row[0], row[1]), *row[2:]) for row in connection.execute(_INDEXES).fetchall()]
    amcheck = tools(connection, "amcheck")
    if not amcheck:
        return _only_read(connection, indexes)
    btree, weaker = _btree_check(connection, amcheck)
    if btree is None:
        return Plan(not_run=f"this user may not run amcheck, so indexes were not checked: {weaker}")
    checks = {"btree": btree, "gin": amcheck.get("gin_index_check")}
    pieces = tuple(_piece(index, check) for index in indexes if (check := _allowed(checks.get(index.method))))
    unchecked = Counter(index.method for index in indexes if not _allowed(checks.get(index.method)))
    return Plan(pieces, not_run=weaker, unit="indexes checked", note=_others(unchecked))


def _allowed(check: Tool | None) -> Tool | None:
    return check if check and check.allowed else None


def _btree_check(connection: Connection, amcheck: Mapping[str, Tool]) -> tuple[Tool | None, str]:
    """The strongest check that can be run here, and what speaks against the one that notices everything."""
    full, plain = amcheck["bt_index_parent_check"], amcheck["bt_index_check"]
    row = connection.execute("select pg_is_in_recovery()").fetchone()
    if full.allowed and row == (False,):
        return full, ""
    why = full.grant if not full.allowed else "the server is in recovery"
    if not plain.allowed:
        return None, plain.grant if full.allowed else full.grant
    return plain, f"keys that separate pages were not compared with the pages below them: {why}"


def _piece(index: _Index, check: Tool) -> Piece:
    return Piece(index.name, index.size, partial(_checked, index.oid, check))


def _checked(oid: int, check: Tool, connection: Connection) -> str:
    """Damage is raised; there is nothing else that it could answer."""
    from psycopg import sql

    call = check.call(oid, heapallindexed=True, rootdescend=False, checkunique=True)
    connection.execute(sql.SQL("select {}").format(call)).fetchall()
    return ""


def _others(unchecked: Counter[str]) -> str:
    kinds = ", ".join(f"{count} {method}" for method, count in sorted(unchecked.items()))
    return f"no check for {kinds}: not checked" if kinds else ""


def _only_read(connection: Connection, indexes: list[_Index]) -> Plan:
    """By way of the buffers, so that page headers and checksums are verified; what is in the pages is not."""
    prewarm = _allowed(tools(connection, "pg_prewarm").get("pg_prewarm"))
    pieces = tuple(Piece(i.name, i.size, partial(_prewarmed, i.oid, prewarm)) for i in indexes) if prewarm else ()
    why = "amcheck is not installed in this database: indexes were not checked"
    there = offered(connection, "amcheck")
    return Plan(
        pieces,
        not_run=f"{why} ({how_to_get('amcheck', offered=there)})",
        unavailable=not there,
        unit="indexes read by pg_prewarm, not checked" if prewarm else "",
    )


def _prewarmed(oid: int, prewarm: Tool, connection: Connection) -> str:
    from psycopg import sql

    connection.execute(sql.SQL("select {}").format(prewarm.call(oid))).fetchall()
    return ""
