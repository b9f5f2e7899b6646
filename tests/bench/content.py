"""What comparing a database costs, against the bare SQL aggregate in psql: `python -m tests.bench.content`.

One table of about 1 GB, the same number of connections on both sides.  Ours is the whole check at full depth: sizes,
catalogue, two manifests, every row hashed, everything compared.  `quiet`: the manifests state the table alike, so that
it is read as a whole.  `busy`: production wrote to it meanwhile, so that it is read in 256 buckets.
It ends with 1 when the median of a quiet pass is above LIMIT.
Pairs are run in turn (A B A B …), so that a machine whose speed drifts does not tilt the ratio.
"""

from __future__ import annotations

import asyncio
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence

from psycopg.conninfo import make_conninfo

from runbook.engine.ports import Secret
from runbook.estate.door import Door
from runbook.estate.ports import Endpoint
from runbook.estate.postgres.conninfo import conninfo
from runbook.estate.postgres.server import PostgresDatabase
from runbook.estate.postgres.session import Session
from runbook.manifest import Manifest
from runbook.safety import bounds
from runbook.safety.interlock import Interlock
from runbook.training.servers.postgres import ADMIN, Cluster
from steps.database.catalogue import differences
from steps.database.compare import compare, plan, second_look
from steps.database.manifests import Around
from steps.database.stated import Terms
from tests.estate.postgres_lab import nothing
from tests.estate.postgres_tls import PASSWORD, Server, served

PAIRS = 7
LIMIT = 1.15
CONNECTIONS = (2, 4)
ROWS = 2_300_000
TABLE = f"""
    create role reader login password 'reader''s pass';
    grant pg_read_all_data to reader;
    create table notes (id bigint primary key, patient int, note text, written timestamptz, weight float8);
    insert into notes
        select i, i % 1000, repeat(md5(i::text), 12), timestamptz '2026-01-01' + i * interval '1 s', i / 3.0
        from generate_series(1, {ROWS}) i"""  # noqa: S608 - a number of our own
BARE = "select count(*), sum(hash_record_extended(t, 0)) from notes t where ctid >= '({},0)' and ctid < '({},0)'"


def bare(cluster: Cluster, connections: int, blocks: int) -> float:
    """Wall seconds of one psql for each part of the table, side by side."""
    began = time.perf_counter()
    running = [
        subprocess.Popen(_psql(cluster, BARE.format(*part)), stdout=subprocess.DEVNULL, env=_environment(cluster))
        for part in _parts(connections, blocks)
    ]
    assert [each.wait() for each in running] == [0] * connections
    return time.perf_counter() - began


def _parts(number: int, blocks: int) -> Iterator[tuple[int, int]]:
    for part in range(number):
        yield blocks * part // number, blocks * (part + 1) // number


def _psql(cluster: Cluster, query: str) -> list[str]:
    where = ["-h", "127.0.0.1", "-p", str(cluster.port), "-U", ADMIN, "-d", ADMIN]
    return [str(cluster.binaries.folder / "psql"), "-X", "-A", "-t", *where, "-c", query]


def _environment(cluster: Cluster) -> dict[str, str]:
    return cluster.binaries.environment() | {"PGPASSWORD": cluster.password}


async def ours(database: PostgresDatabase, around: Around, connections: int) -> float:
    """Wall seconds of the check; it must find nothing wrong."""
    began = time.perf_counter()
    shapes, catalogue = await database.shapes(), await database.catalogue()
    terms = Terms(around, major=(await database.whereabouts()).version.partition(".")[0], settings=catalogue.settings)
    asks = plan(terms, shapes)
    found = {one.table: one for one in await database.contents(asks, connections=connections, progress=nothing)}
    compared = compare(terms, shapes, found)
    beside = differences(around, catalogue, [shape.name for shape in shapes])
    assert (compared.faults, beside[0], second_look(terms, shapes, found)) == ((), (), ())
    return time.perf_counter() - began


def busy(made: Manifest) -> Manifest:
    """The same some minutes later: one bucket of the table has moved."""
    table = made.tables["public.notes"]
    moved = table.buckets[7].model_copy(update={"digest": str(int(table.buckets[7].digest) + 1)})
    later = table.model_copy(update={"digest": str(int(table.digest) + 1), "buckets": {**table.buckets, 7: moved}})
    return made.model_copy(update={"tables": {"public.notes": later}})


async def measure(server: Server, door: Door) -> list[float]:
    """One line for each number of connections and each kind of table; the medians of the quiet ones."""
    quiet = []
    database = _without_tls(server, door)
    made = await database.manifest(buckets=256, connections=2, progress=nothing)
    with server.admin() as admin:
        row = admin.execute("select pg_relation_size('notes') / 8192, pg_table_size('notes')").fetchone()
    assert row is not None
    print(f"{row[1] / (1 << 20):,.0f} MiB, {ROWS:,} rows, PostgreSQL {made.server_version}")
    for connections in CONNECTIONS:
        for kind, around in (("quiet", Around(made, made)), ("busy", Around(made, busy(made)))):
            await ours(database, around, connections)
            pairs = [
                (await ours(database, around, connections), bare(server.cluster, connections, row[0]))
                for _ in range(PAIRS)
            ]
            ratios = [own / base for own, base in pairs]
            median = statistics.median(ratios)
            if kind == "quiet":
                quiet.append(median)
            print(
                f"{connections} connections, {kind:<5}  {median:.2f} × psql"
                f" ({min(ratios):.2f}–{max(ratios):.2f})   {statistics.median(own for own, _ in pairs):.2f} s"
            )
    return quiet


def _without_tls(server: Server, door: Door) -> PostgresDatabase:
    """As psql is connected: the practice server knows no TLS, and what stands in front of it is not what we measure."""

    def parameters(endpoint: Endpoint, *, timeout_s: int, read_only: bool) -> str:
        secure = conninfo(
            endpoint,
            user="reader",
            database=ADMIN,
            password=Secret(PASSWORD),
            ca_file=None,
            timeout_s=timeout_s,
            read_only=read_only,
        )
        return make_conninfo(secure, sslmode="disable", sslrootcert="")

    where = Endpoint("127.0.0.1", server.cluster.port)
    return PostgresDatabase(Session(where, parameters, Interlock(bounds.practice()), door))


def main() -> int:
    """A server of its own, with the table in its cache and the page cache; answers the exit status."""
    with served(TABLE, shared_buffers="256MB", max_wal_size="4GB") as server:
        with server.admin() as admin:
            admin.execute("vacuum analyze notes")
        door = Door()
        try:
            quiet = asyncio.run(measure(server, door))
        finally:
            door.close()
    return verdict(quiet)


def verdict(quiet: Sequence[float]) -> int:
    """The exit status for these medians."""
    slow = [median for median in quiet if median > LIMIT]
    if slow:
        print(f"a quiet pass takes {max(slow):.2f} × psql, and may take {LIMIT} ×", file=sys.stderr)
    return 1 if slow else 0


if __name__ == "__main__":
    sys.exit(main())
