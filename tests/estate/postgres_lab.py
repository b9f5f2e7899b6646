"""PostgreSQL servers whose files a test may damage, and connections as the product makes them."""

from __future__ import annotations

import contextlib
import functools
import itertools
import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
import pytest

from runbook.training.servers.postgres import Binaries, Cluster, copy_backup, find_binaries, own, unprivileged

READ_ONLY = "-c default_transaction_read_only=on -c row_security=off -c TimeZone=UTC -c statement_timeout=60s"
PAGE = 8192
NO_CONTRIB = "no PostgreSQL with amcheck, pg_prewarm and postgres_fdw is installed here"

Connection = psycopg.Connection[tuple[Any, ...]]


def with_contrib() -> Binaries:
    """An installed one that has PostgreSQL's own extensions; the test is skipped where there is none."""
    for home in _installed():
        binaries = Binaries(home, unprivileged())
        if (home / "initdb").exists() and _has_contrib(home):
            return binaries
    pytest.skip(NO_CONTRIB)


def _installed() -> Iterator[Path]:
    for pattern in ("usr/lib/postgresql/*/bin", "usr/pgsql-*/bin"):
        yield from sorted(Path("/").glob(pattern), reverse=True)
    if pg_config := shutil.which("pg_config"):
        yield Path(_said(Path(pg_config), "--bindir"))


def _has_contrib(home: Path) -> bool:
    if not (home / "pg_config").exists():
        return False
    extensions = Path(_said(home / "pg_config", "--sharedir")) / "extension"
    return all((extensions / f"{name}.control").exists() for name in ("amcheck", "pg_prewarm", "postgres_fdw"))


def _said(program: Path, question: str) -> str:
    return subprocess.run([str(program), question], capture_output=True, text=True, check=False).stdout.strip()


@dataclass
class Lab:
    """Clusters below one folder; all of them end with it."""

    folder: Path
    _running: list[Cluster] = field(default_factory=list)
    _numbers: Iterator[int] = field(default_factory=itertools.count)

    @functools.cached_property
    def bundled(self) -> Binaries:
        """The one that comes with the practice estate: it has no amcheck.  Copied once where it has to be."""
        return find_binaries(self.folder)

    def create(self, binaries: Binaries, **settings: str) -> Cluster:
        """A new, empty one, started."""
        cluster = self._cluster(binaries)
        cluster.create()
        self.start(cluster, **settings)
        return cluster

    def copy(self, stopped: Cluster) -> Cluster:
        """The same files again, not started."""
        cluster = self._cluster(stopped.binaries)
        cluster.password = stopped.password
        copy_backup(stopped.binaries, stopped.data, cluster.data)
        return cluster

    def start(self, cluster: Cluster, **settings: str) -> None:
        cluster.configure(**settings)
        self._running.append(cluster)
        cluster.start()

    def stop(self, cluster: Cluster) -> None:
        """Cleanly: no page is written anew from the log when it starts again."""
        cluster.child.stop(by=signal.SIGINT)
        self._running.remove(cluster)

    @contextlib.contextmanager
    def running(self, cluster: Cluster, **settings: str) -> Iterator[Cluster]:
        """Started for as long as it is needed; its files go too."""
        try:
            self.start(cluster, **settings)
            yield cluster
        finally:
            cluster.stop()
            shutil.rmtree(cluster.data)

    def _cluster(self, binaries: Binaries) -> Cluster:
        home = own(self.folder / str(next(self._numbers)), binaries.user)
        return Cluster(home.name, binaries, home / "data", self.folder / f"{home.name}.log")

    def close(self) -> None:
        for cluster in self._running:
            cluster.stop()


@contextlib.contextmanager
def laboratory(folder: Path) -> Iterator[Lab]:
    """`folder` is made reachable for the server's user, who is not us when we are root."""
    folder.chmod(0o711)
    lab = Lab(folder)
    try:
        yield lab
    finally:
        lab.close()
        shutil.rmtree(folder)


@contextlib.contextmanager
def connected(cluster: Cluster, user: str = "postgres", database: str = "postgres") -> Iterator[Connection]:
    """As the product's adapter connects: autocommit, read-only unless said otherwise, row security off."""
    connection = psycopg.connect(
        host="127.0.0.1", port=cluster.port, user=user, password=cluster.password, dbname=database,
        sslmode="disable", options=READ_ONLY, passfile=os.devnull, autocommit=True,
    )  # fmt: skip
    with contextlib.closing(connection):
        yield connection


def run(cluster: Cluster, *statements: str, database: str = "postgres") -> None:
    """Each statement on its own, as superuser."""
    with cluster.connect(database) as connection:
        connection.autocommit = True
        for statement in statements:
            connection.execute(statement.encode())


def nothing(done: int, total: int, name: str) -> None:
    """A progress that nobody looks at."""
