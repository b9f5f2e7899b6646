"""The practice project on the platform: its services, its secret group, and rollouts whose status lags behind."""

from __future__ import annotations

import re
import secrets
import threading
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from pathlib import Path

from runbook.training.servers.images import Catalogue
from runbook.training.servers.northflank_documents import IMAGE_NAME, VAULT, WEB, Deployment, Service, stamp
from runbook.training.servers.workload import Container, Workload, utc_now

STALE_POLLS = 2
"""Reads of the service after a change that still show the state before it."""

_BY_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


class _Lag:
    """What reads of a service say after a change: for `STALE_POLLS` the old state, once IN_PROGRESS, then the truth."""

    def __init__(self) -> None:
        self._reads = STALE_POLLS + 1
        self.turn = 0
        self.truth: str | None = "COMPLETED"

    def begin(self) -> int:
        """A change was made; the number of it tells a late end of an earlier one apart."""
        self._reads, self.truth = 0, None
        self.turn += 1
        return self.turn

    def read(self) -> str | None:
        """The status to show, or None to leave it as it was."""
        self._reads += 1
        if self._reads <= STALE_POLLS:
            return None
        return "IN_PROGRESS" if self._reads == STALE_POLLS + 1 else (self.truth or "IN_PROGRESS")


class Platform:
    """All state of the project; safe to use from several threads."""

    def __init__(
        self,
        root: Path,
        catalogue: Catalogue,
        group: Mapping[str, str],
        restart_vault: Callable[[], None],
        now: datetime,
    ) -> None:
        self._lock = threading.RLock()
        self._catalogue = catalogue
        self._restart_vault = restart_vault
        self.now = now
        self.variables = dict(group)
        self.updated = stamp(now - timedelta(days=20))
        old = f"{IMAGE_NAME}@{catalogue.released('v1.7.1').digest}"
        vault_image = "quay.io/openbao/openbao:2.6.2"
        then = stamp(now - timedelta(days=20))
        self.services = {WEB: Service(WEB, old, 2, then), VAULT: Service(VAULT, vault_image, 1, then)}
        entry = Deployment(old, 2, then, active=True, name=f"{WEB}-{secrets.token_hex(5)}")
        self.services[WEB].deployments.append(entry)
        self._lags = {WEB: _Lag(), VAULT: _Lag()}
        self._finished: dict[str, str] = {}
        self.workload = Workload(root, self._environment)

    def locked(self) -> AbstractContextManager[bool]:
        """Hold everything still."""
        return self._lock

    # -- reads --------------------------------------------------------------------------------------------------
    def read(self, service: Service) -> Service:
        """The service as this read shows it."""
        with self._lock:
            shown = self._lags[service.id].read()
            if shown is not None and shown != service.status:
                service.status = shown
                service.transition = self._finished.get(service.id, utc_now()) if shown == "COMPLETED" else utc_now()
            return service

    def containers(self, service: str) -> list[Container]:
        """The service's processes; the vault's is another layer's."""
        return self.workload.containers if service == WEB else []

    # -- changes ------------------------------------------------------------------------------------------------
    def configure(self, image: str, instances: int, *, by: str = "restorer@clinic.test") -> Service:
        """Deploy `image`; when that is what is configured and already runs, nothing rolls."""
        service = self.services[WEB]
        with self._lock:
            same = (image, instances) == (service.image, service.instances)
            if not (same and self.workload.containers):
                service.image, service.instances = image, instances
                commit = self._catalogue.commit_of(_digest(image))
                service.deployments.insert(0, Deployment(image, instances, utc_now(), commit=commit, by=by))
                self._roll(service)
        return service

    def restart(self, service: str) -> None:
        """Start the service's processes anew with the variables of now; the vault's in the background."""
        with self._lock:
            if service == WEB:
                self._roll(self.services[WEB])
                return
            self._lags[VAULT].begin()
        threading.Thread(target=self._vault_again, daemon=True).start()

    def set_variables(self, variables: Mapping[str, str]) -> None:
        """Merge into the group; what runs keeps what it was started with."""
        with self._lock:
            self.variables.update(variables)
            self.updated = utc_now()

    def override(self, variables: Mapping[str, str]) -> None:
        """Set variables of the service itself, and restart it where it runs."""
        with self._lock:
            self.services[WEB].overrides.update(variables)
            if self.workload.containers:
                self._roll(self.services[WEB])

    def stop(self) -> None:
        """End the processes for good."""
        self.workload.stop()

    def _roll(self, service: Service) -> None:
        lag = self._lags[WEB]
        turn = lag.begin()
        name = f"{WEB}-{secrets.token_hex(5)}"
        newest = service.deployments[0]

        def done(fine: bool) -> None:  # noqa: FBT001  # the workload's callback
            with self._lock:
                if lag.turn != turn:
                    return
                lag.truth = "COMPLETED" if fine else "FAILED"
                self._finished[WEB] = utc_now()
                if fine:
                    newest.name = name
                    for one in service.deployments:
                        one.active = one is newest

        self.workload.roll(service.instances, name, done)

    def _vault_again(self) -> None:
        try:
            self._restart_vault()
        finally:
            with self._lock:
                self._lags[VAULT].truth = "COMPLETED"
                self._finished[VAULT] = utc_now()

    def _environment(self) -> dict[str, str]:
        with self._lock:
            service = self.services[WEB]
            digest = _digest(service.image)
            built = {"IMAGE_DIGEST": digest, "GIT_COMMIT": self._catalogue.commit_of(digest) or ""}
            return {**self.variables, **service.overrides, **built}


def _digest(image: str) -> str:
    found = _BY_DIGEST.search(image)
    return found[0] if found else ""
