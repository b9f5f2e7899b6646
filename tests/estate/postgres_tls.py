"""A PostgreSQL server behind TLS, reached as the product reaches one."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg

from runbook import config
from runbook.engine.ports import Secret
from runbook.estate.door import Door
from runbook.estate.ports import Endpoint, Login
from runbook.estate.postgres.server import PostgresDatabase, PostgresDatabases
from runbook.safety import bounds
from runbook.safety.interlock import Interlock
from runbook.training.certificates import Authority
from runbook.training.servers.postgres import Cluster
from runbook.training.servers.tls_front import TlsFront
from tests.estate.postgres_lab import Connection, Lab, laboratory

HOST = "copy.eu-west-2.rds.practice.test"
PASSWORD = "reader's pass"


@dataclass(frozen=True)
class Server:
    """`port` is that of the TLS front."""

    lab: Lab
    cluster: Cluster
    port: int
    authority: Authority

    @property
    def endpoint(self) -> Endpoint:
        return Endpoint(HOST, self.port, "127.0.0.1")

    def at(self, door: Door, user: str = "reader", **others: str) -> PostgresDatabase:
        """As that user; `others` may be the password, the host or the database's name."""
        password, host = Secret(others.pop("password", PASSWORD)), others.pop("host", HOST)
        where = settings(self.authority.ca_file, **others)
        databases = PostgresDatabases(where, Secret("unused"), Interlock(bounds.practice()), door)
        return databases.at(Endpoint(host, self.port, "127.0.0.1"), Login(user, password))

    def admin(self) -> contextlib.AbstractContextManager[Connection]:
        """A superuser's connection in autocommit mode, past the front."""
        return _autocommit(self.cluster)

    def of_ours(self) -> int:
        """How many sessions of the product the server has now."""
        with self.admin() as admin:
            row = admin.execute("select count(*) from pg_stat_activity where application_name = 'runbook'").fetchone()
        assert row is not None
        return int(row[0])

    def asked(self, user: str, name: str) -> psycopg.Connection:
        """A session of an application, past the front."""
        return psycopg.connect(
            host="127.0.0.1", port=self.cluster.port, user=user, password=PASSWORD, dbname="postgres",
            application_name=name, sslmode="disable", passfile=os.devnull,
        )  # fmt: skip


@contextlib.contextmanager
def _autocommit(cluster: Cluster) -> Iterator[Connection]:
    with contextlib.closing(cluster.connect()) as connection:
        connection.autocommit = True
        yield connection


@contextlib.contextmanager
def served(statements: str, **options: str) -> Iterator[Server]:
    """A new server in which the statements were run; its user must reach the folder, so it is none of pytest's."""
    folder = Path(tempfile.mkdtemp())
    with laboratory(folder) as lab:
        cluster = lab.create(lab.bundled, **options)
        with cluster.connect() as admin:
            admin.execute(statements.encode())
        with fronted(lab, cluster, Authority(folder / "ca")) as server:
            yield server


@contextlib.contextmanager
def fronted(lab: Lab, cluster: Cluster, authority: Authority) -> Iterator[Server]:
    """A running cluster behind TLS."""
    front = TlsFront(authority.issue(HOST), cluster.port)
    front.start()
    try:
        yield Server(lab, cluster, front.port, authority)
    finally:
        front.stop()


def settings(ca_file: Path | None, name: str = "postgres") -> config.Database:
    return config.Database(
        source_instance="i",
        source_host="h",
        instance_class="c",
        subnet_group="s",
        security_groups=(),
        parameter_group="p",
        name=name,
        user="reader",
        ca_file=ca_file,
        recency_table="appointments",
        recency_column="booked_at",
    )
