"""The practice project on the platform: its services, their processes, and the secret groups that they read."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from pathlib import Path

from runbook.training.process import Child
from runbook.training.servers.hosted import Hosted, VaultRunner
from runbook.training.servers.images import Catalogue
from runbook.training.servers.northflank_state import (
    IMAGE_NAME,
    REGISTRY_CREDENTIAL,
    VAULT,
    VAULT_IMAGE,
    WEB,
    WORKER,
    Deployment,
    Group,
    Service,
    stamp,
    utc_now,
)
from runbook.training.servers.workload import Workload

OLD_RELEASE = "v1.7.1"
"""What the services are configured for before the restore, two weeks and more out of date."""
INSTANCES = {WEB: 2, WORKER: 1}
ROLES = {WORKER: {"ROLE": "worker"}}


class Platform:
    """All state of the project; safe to use from several threads.  No process runs before the first deploy."""

    def __init__(
        self,
        root: Path,
        catalogue: Catalogue,
        groups: Sequence[Group],
        restart_vault: Callable[[], None],
        now: datetime,
    ) -> None:
        self._lock = threading.RLock()
        self._catalogue = catalogue
        self._then = stamp(now - timedelta(days=20))
        self.now = now
        self.groups = {group.id: group for group in groups}
        for group in groups:
            group.updated = group.updated or self._then
        self.workloads = {name: self._workload(root, name) for name in INSTANCES}
        old = f"{IMAGE_NAME}@{catalogue.released(OLD_RELEASE).digest}"
        self.hosted = {
            name: Hosted(self._long_running(name, old, count), self.workloads[name], self._lock)
            for name, count in INSTANCES.items()
        }
        vault = self._long_running(VAULT, VAULT_IMAGE, 1)
        self.hosted[VAULT] = Hosted(vault, VaultRunner(restart_vault), self._lock)

    def _workload(self, root: Path, name: str) -> Workload:
        return Workload(root, lambda: self._environment(name))

    def _long_running(self, name: str, image: str, instances: int) -> Service:
        """A service that was rolled out long ago."""
        made = Service(name, image, instances, self._then, overrides=dict(ROLES.get(name, {})))
        if name != VAULT:
            made.credentials = REGISTRY_CREDENTIAL
        running = self._deployment(image, instances, self._then)
        running.active, running.name = True, f"{name}-{secrets.token_hex(5)}"
        made.deployments.append(running)
        return made

    def locked(self) -> AbstractContextManager[bool]:
        """Hold everything still."""
        return self._lock

    # -- processes ------------------------------------------------------------------------------------------------
    def start(self) -> None:
        """Open the load balancers."""
        for workload in self.workloads.values():
            workload.balancer.start()

    def stop(self) -> None:
        """End the processes and the load balancers for good."""
        for workload in self.workloads.values():
            workload.stop()

    def children(self) -> list[Child]:
        """The live processes."""
        return [child for workload in self.workloads.values() for child in workload.children()]

    def end_processes(self) -> None:
        """Every process of the application ends; the load balancers go on and answer 503."""
        for workload in self.workloads.values():
            workload.end()

    def _environment(self, name: str) -> dict[str, str]:
        """What a process of that service is started with; later words win."""
        with self._lock:
            service = self.hosted[name].service
            newest = service.deployments[0]
            shared = [group.variables for group in self.groups.values() if name in group.services]
            built = {"IMAGE_DIGEST": newest.digest, "GIT_COMMIT": newest.commit or ""}
            return {key: value for part in (*shared, service.overrides, built) for key, value in part.items()}

    # -- changes --------------------------------------------------------------------------------------------------
    def pulls(self, image: str) -> bool:
        """Whether the registry has that image."""
        return self._digest(image) is not None

    def deploy(
        self,
        service: str,
        image: str,
        instances: int,
        *,
        credentials: str | None = REGISTRY_CREDENTIAL,
        by: str = "restorer@clinic.test",
    ) -> None:
        """Run that image, which the registry must have; a tag is resolved now."""
        wanted = self._deployment(image, instances, utc_now())
        wanted.by = by
        self.hosted[service].configure(wanted, credentials)

    def change_group(
        self, group: Group, variables: Mapping[str, str], files: Mapping[str, dict[str, str]] | None, *, replace: bool
    ) -> None:
        """Merge into the group, or put these in place of all it held; what runs keeps what it was started with."""
        with self._lock:
            kept = ({}, {}) if replace else (group.variables, group.files)
            group.variables, group.files = {**kept[0], **variables}, {**kept[1], **(files or {})}
            group.updated = utc_now()

    def _deployment(self, image: str, instances: int, created: str) -> Deployment:
        digest = self._digest(image) or ""
        return Deployment(image, digest, instances, created, commit=self._catalogue.commit_of(digest))

    def _digest(self, image: str) -> str | None:
        """Of `NAME@DIGEST` or `NAME:TAG`, as the registry has it; None: it does not, or it is another's image."""
        name, _, digest = image.partition("@")
        name, _, tag = name.partition(":")
        found = self._catalogue.blob(digest or tag) if name == IMAGE_NAME else None
        return found.digest if found is not None else None
