"""Production's manifests, made by the product's own code: one from before and one from after each newest snapshot.

They are made today and say what a manifest of then would have said: the practice database only grows, and each of its
rows says when it was written.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from psycopg import sql

from runbook.estate.postgres import catalogue, content, plan
from runbook.manifest import BUCKETS, Manifest, Table, file_name
from runbook.training.clinic import WRITTEN
from runbook.training.production import Connection
from runbook.training.servers.aws_names import DATABASE, MANIFEST_PREFIX
from runbook.training.servers.aws_process import AwsProcess
from runbook.training.servers.postgres import Cluster

APART = timedelta(minutes=5)
"""Before each snapshot, and after it."""
SNAPSHOTS = 7
"""How many of the newest ones have manifests."""

Lost = Mapping[str, sql.Composable]
"""By table, the condition that holds for what production still had."""


@dataclass(frozen=True, slots=True)
class Made:
    """A manifest in a file of ours."""

    made_at: datetime
    file: Path
    sha256: str

    def as_object(self) -> dict[str, Any]:
        """As the AWS server's `publish` takes it."""
        return {
            "key": MANIFEST_PREFIX + file_name(self.made_at),
            "file": str(self.file),
            "metadata": {"sha256": self.sha256},
            "modified": self.made_at.isoformat(),
        }


class Manifests:
    """The manifests as they lie in the bucket; `folder` is private, and made by `make`."""

    def __init__(self, aws: AwsProcess, source: Cluster, folder: Path) -> None:
        self._aws = aws
        self._source = source
        self._folder = folder
        self._made: dict[datetime, Made] = {}

    def make(self, snapshots: Iterable[datetime]) -> None:
        """Those around each of the snapshots; nothing is published yet."""
        self._folder.mkdir(mode=0o700)
        self._make(snapshots, {})

    def publish(self) -> None:
        """Make the bucket's prefix hold these manifests and nothing else."""
        objects = [made.as_object() for _, made in sorted(self._made.items())]
        self._aws.ask("publish", bucket=self._aws.facts["bucket"], prefix=MANIFEST_PREFIX, objects=objects)

    def make_again(self, snapshots: Iterable[datetime], lost: Lost) -> None:
        """As production would have stated it after that loss, and with its catalogue of today; published."""
        self._make(snapshots, lost)
        self.publish()

    def make_all_again(self) -> None:
        """With production's catalogue of today; published."""
        self.make_again([made_at + APART for made_at in sorted(self._made)[::2]], {})

    def _make(self, snapshots: Iterable[datetime], lost: Lost) -> None:
        with self._source.connect(DATABASE) as connection:
            maker = _Maker(connection, lost)
            for snapshot in snapshots:
                for moment in (snapshot - APART, snapshot + APART):
                    self._made[moment] = self._kept(maker.at(moment))

    def _kept(self, made: Manifest) -> Made:
        body = made.as_json()
        file = self._folder / file_name(made.made_at)
        file.write_bytes(body)
        return Made(made.made_at, file, hashlib.sha256(body).hexdigest())


class _Maker:
    """Reads what does not change with the moment once."""

    def __init__(self, connection: Connection, lost: Lost) -> None:
        self._connection = connection
        self._lost = lost
        self._relations = plan.relations(connection)
        self._catalogue = catalogue.read(connection)
        self._version = connection.info.parameter_status("server_version") or ""
        self._still = {name: self._table(each, None) for name, each in self._relations.items() if name not in WRITTEN}

    def at(self, moment: datetime) -> Manifest:
        """As of then."""
        grown = {name: self._table(self._relations[name], moment) for name in WRITTEN}
        return Manifest(
            made_at=moment,
            database=DATABASE,
            server_version=self._version,
            buckets=BUCKETS,
            tables=dict(sorted((self._still | grown).items())),
            catalogue=self._catalogue,
        )

    def _table(self, table: plan.Relation, moment: datetime | None) -> Table:
        where = self._where(table.name, moment)
        query = content.aggregate(
            table.identifier, buckets=BUCKETS, key=table.bucket_key, method=table.method, where=where
        )
        sums = content.sums(self._connection.execute(query).fetchall())
        found = content.content(table.name, sums, buckets=BUCKETS, method=table.method)
        return Table(
            rows=found.rows,
            digest=found.digest or "0",
            method=found.method,
            key=table.key,
            columns=self._catalogue.columns.get(table.name, ""),
            buckets=found.buckets,
        )

    def _where(self, table: str, moment: datetime | None) -> sql.Composable | None:
        conditions = [self._lost[table]] if table in self._lost else []
        if moment is not None:
            conditions.append(sql.SQL("{} <= {}").format(sql.Identifier(WRITTEN[table]), sql.Literal(moment)))
        return sql.SQL(" and ").join(conditions) if conditions else None
