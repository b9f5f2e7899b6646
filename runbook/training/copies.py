"""The restored copies: each a PostgreSQL of its own, started from the physical backup, behind a TLS front."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from threading import RLock

from runbook.training import production
from runbook.training.certificates import Authority
from runbook.training.process import Child
from runbook.training.servers.aws_names import domain, host_name
from runbook.training.servers.postgres import Binaries, Cluster, copy_backup
from runbook.training.servers.tls_front import TlsFront
from runbook.training.servers.waiting import Ports

Damage = Callable[[Cluster], None]

_INSTANCE = re.compile(r"[a-z][a-z0-9-]{0,62}")


@dataclass(frozen=True, slots=True)
class Copy:
    """One restored database and the front that clients reach it by."""

    cluster: Cluster
    front: TlsFront


@dataclass(frozen=True, slots=True)
class Home:
    """Where copies live: `folder` belongs to the server's user, as does the physical `backup`; `logs` are ours."""

    folder: Path
    backup: Path
    logs: Path


class Copies:
    """All restored databases of one estate; safe to use from several threads.

    `snapshots` says of each snapshot id when it was made; the newest is the physical backup as it is, an older one
    is that backup without what was written later.
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
        self._lasting: list[Damage] = []
        self._once: list[Damage] = []
        self._lock = RLock()

    def start(self, instance: str, snapshot: str) -> tuple[str, int]:
        """Restore; answers host name and port.  A second call for the same instance answers what the first did.

        ValueError: a name that is none, or an unknown snapshot.
        """
        if not _INSTANCE.fullmatch(instance):
            raise ValueError(f"{instance!r} is no instance identifier")
        if snapshot not in self._snapshots:
            raise ValueError(f"no physical backup is behind {snapshot}")
        with self._lock:
            if self._closed:
                raise RuntimeError("the estate is being stopped")
            if instance not in self._running:
                self._running[instance] = self._restored(instance, snapshot)
            return host_name(instance), self._running[instance].front.port

    def _restored(self, instance: str, snapshot: str) -> Copy:
        cluster = self._cluster(self._source.binaries, instance)
        copy_backup(cluster.binaries, self._home.backup, cluster.data)
        try:
            # A copy that archived on the source's timeline would overwrite its WAL.
            cluster.configure(archive_mode="off", archive_command="", primary_conninfo="", restore_command="")
            cluster.start()
            if snapshot != list(self._snapshots)[-1]:
                production.forget_after(cluster, self._snapshots[snapshot])
            for damage in [*self._lasting, *self._once]:
                damage(cluster)
            self._once.clear()
            front = TlsFront(self._certificate, cluster.port)
            front.start()
        except BaseException:
            self._discard(cluster)
            raise
        return Copy(cluster, front)

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

    def damage_backup(self, damage: Damage) -> None:
        """Damage running copies now and every later one: the backup itself is taken to be so."""
        with self._lock:
            self._lasting.append(damage)
            for cluster in self._alive():
                damage(cluster)

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
