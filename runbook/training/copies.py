"""The restored copies: each a PostgreSQL of its own, started from the physical backup, behind a TLS front.

The physical backup is younger than every snapshot.  A copy of a snapshot, or of any moment before that backup, is the
backup without what was written later; a later moment is reached by replaying production's archived WAL.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from threading import RLock

from runbook.training import production
from runbook.training.certificates import Authority
from runbook.training.pitr import Archive
from runbook.training.process import Child
from runbook.training.servers.aws_names import domain, host_name
from runbook.training.servers.postgres import Binaries, Cluster, copy_backup
from runbook.training.servers.tls_front import TlsFront
from runbook.training.servers.waiting import Ports

Damage = Callable[[Cluster], None]
"""Done to a running server."""
FileDamage = Callable[[Path], None]
"""Done to the data folder of one that does not run yet."""

_CUT_OFF = {"archive_mode": "off", "archive_command": "", "primary_conninfo": "", "restore_command": ""}
"""A copy that archived on the source's timeline would overwrite its WAL."""
_INSTANCE = re.compile(r"[a-z][a-z0-9-]{0,62}")


@dataclass(frozen=True, slots=True)
class Copy:
    """One restored database as of `moment`, and the front that clients reach it by."""

    cluster: Cluster
    front: TlsFront
    moment: datetime


@dataclass(frozen=True, slots=True)
class Home:
    """Where copies live: `folder` belongs to the server's user, as does the physical `backup`; `logs` are ours.

    `archive` is production's.
    """

    folder: Path
    backup: Path
    archive: Archive
    logs: Path


class Copies:
    """All restored databases of one estate; safe to use from several threads.

    `snapshots` says of each snapshot id when it was made.
    """

    def __init__(
        self, home: Home, source: Cluster, *, authority: Authority, ports: Ports, snapshots: Mapping[str, datetime]
    ) -> None:
        self._home = home
        self._source = source
        self._ports = ports
        self._closed = False
        self._snapshots = snapshots
        self._certificate = authority.issue(f"*.{domain()}", "127.0.0.1")  # by name, and as the vault reaches it
        self._running: dict[str, Copy] = {}
        self._backed_up: datetime | None = None
        self._lasting: list[tuple[Damage, datetime | None]] = []
        self._once: list[Damage] = []
        self._in_files: list[FileDamage] = []
        self._misled = False
        self._lock = RLock()

    def back_up(self) -> None:
        """Make the physical backup that every copy is made from."""
        self._source.base_backup(self._home.backup)
        self._backed_up = datetime.now(UTC)

    def start(self, instance: str, snapshot: str) -> tuple[str, int]:
        """Restore; answers host name and port.  A second call for the same instance answers what the first did.

        ValueError: a name that is none, or an unknown snapshot.
        """
        if snapshot not in self._snapshots:
            raise ValueError(f"no physical backup is behind {snapshot}")
        return self.start_at(instance, self._snapshots[snapshot])

    def start_at(self, instance: str, moment: datetime) -> tuple[str, int]:
        """The same for a moment (aware) that production has passed."""
        if not _INSTANCE.fullmatch(instance):
            raise ValueError(f"{instance!r} is no instance identifier")
        with self._lock:
            if self._closed:
                raise RuntimeError("the estate is being stopped")
            if instance not in self._running:
                self._running[instance] = self._restored(instance, moment)
            return host_name(instance), self._running[instance].front.port

    def _restored(self, instance: str, moment: datetime) -> Copy:
        cluster = self._cluster(self._source.binaries, instance)
        copy_backup(cluster.binaries, self._home.backup, cluster.data)
        try:
            for change in self._in_files:
                change(cluster.data)
            self._begin(cluster, moment)
            for damage in [*self._done_since(moment), *self._once]:
                damage(cluster)
            self._once.clear()
            front = TlsFront(self._certificate, self._source.port if self._misled else cluster.port)
            front.start()
        except BaseException:
            self._discard(cluster)
            raise
        return Copy(cluster, front, moment)

    def _begin(self, cluster: Cluster, moment: datetime) -> None:
        """Start it, holding what production held at that moment."""
        if self._backed_up is not None and moment >= self._backed_up:
            self._home.archive.catch_up()
            self._home.archive.recover(cluster, moment, _CUT_OFF)
        else:
            cluster.configure(**_CUT_OFF)
            cluster.start()
            production.forget_after(cluster, moment)

    def _done_since(self, moment: datetime) -> list[Damage]:
        return [damage for damage, since in self._lasting if since is None or moment >= since]

    def _cluster(self, binaries: Binaries, instance: str) -> Cluster:
        return Cluster(
            name=f"postgres copy {instance}",
            binaries=binaries,
            data=self._home.folder / f"copy-{instance}",
            log=self._home.logs / f"copy-{instance}.log",
            port=self._ports.take(),
            password=self._source.password,
        )

    def _discard(self, cluster: Cluster) -> None:
        cluster.stop()
        shutil.rmtree(cluster.data, ignore_errors=True)

    def remove(self, instance: str) -> None:
        """Stop it and delete its data; one that is not there is no error."""
        with self._lock:
            copy = self._running.pop(instance, None)
        if copy is not None:
            copy.front.stop()
            self._discard(copy.cluster)

    def close(self) -> None:
        """Remove every copy, and start none any more."""
        with self._lock:
            self._closed = True
            for instance in list(self._running):
                self.remove(instance)

    def children(self) -> list[Child]:
        """Of the copies that run."""
        with self._lock:
            return [copy.cluster.child for copy in self._running.values() if copy.cluster.child.alive]

    def ports(self) -> list[int]:
        """Where clients reach the copies that are there."""
        with self._lock:
            return [copy.front.port for copy in self._running.values()]

    def set_password(self, instance: str, user: str, password: str) -> None:
        """Of a role in that copy; ValueError where there is no such copy or role."""
        with self._lock:
            copy = self._running.get(instance)
        if copy is None:
            raise ValueError(f"there is no restored database {instance}")
        production.set_password(copy.cluster, user, password)

    def damage_backup(self, damage: Damage, since: datetime | None = None) -> None:
        """Damage running copies now and every later one: the backups themselves are taken to be so.

        `since`: only those that were made at that moment or later.
        """
        with self._lock:
            self._lasting.append((damage, since))
            for copy in self._running.values():
                if copy.cluster.child.alive and (since is None or copy.moment >= since):
                    damage(copy.cluster)

    def damage_files(self, damage: FileDamage) -> None:
        """Damage the files of every later copy before it starts."""
        with self._lock:
            self._in_files.append(damage)

    def mislead(self) -> None:
        """The endpoint of every later copy leads to production's own server."""
        with self._lock:
            self._misled = True

    def damage_once(self, damage: Damage) -> None:
        """Damage the running copies, or the next one when there is none."""
        with self._lock:
            alive = self._alive()
            if not alive:
                self._once.append(damage)
            for cluster in alive:
                damage(cluster)

    def halt(self) -> None:
        """Stop the running copies' servers; their fronts keep listening and let every client go."""
        with self._lock:
            for cluster in self._alive():
                cluster.stop()

    def _alive(self) -> list[Cluster]:
        return [copy.cluster for copy in self._running.values() if copy.cluster.child.alive]
