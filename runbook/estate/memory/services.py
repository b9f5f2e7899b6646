"""Services of the platform in memory: each with a status that lags behind, and the processes that it runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from runbook.engine.ports import Secret
from runbook.estate.memory.images import Image
from runbook.estate.memory.layout import Place
from runbook.estate.ports import Deployment, Service

_LAG = 1  # questions that still hear the previous COMPLETED after a change
_ROLLING = 1  # questions that hear IN_PROGRESS after that
_PULL = "ghcr-pull"


@dataclass(frozen=True, slots=True)
class Release:
    """What a service's processes were started with."""

    service: str
    image: Image
    variables: Mapping[str, Secret]
    started: datetime

    def variable(self, name: str) -> str:
        """Its text; "" where there is none."""
        value = self.variables.get(name)
        return "" if value is None else value.reveal()


class MemoryService:
    """One service; `running` is its processes as they run now, None while there are none.

    `comes_up` is whether its next rollouts do, else they end in FAILED; `missing` how many containers fewer run than
    were asked for.
    """

    def __init__(self, place: Place, image: Image, now: datetime) -> None:
        self.place = place
        self.comes_up = True
        self.missing = 0
        self.running: Release | None = None
        settled = now - timedelta(days=20)
        self.described = Service(
            place.name,
            image.reference,
            _PULL,
            place.instances,
            "COMPLETED",
            settled,
            paused=False,
            kind="deployment",
        )
        self.deployments = [Deployment(f"{place.name}-0", active=True, digest=image.digest, created=settled)]
        self._questions_left = 0

    @property
    def containers(self) -> int:
        return max((self.described.instances or 0) - self.missing, 0) if self.running is not None else 0

    @property
    def rolling(self) -> bool:
        """Whether a rollout has not come to its end."""
        return self._questions_left > 0

    def configure(self, image: Image, reference: str, instances: int, credentials: str | None, now: datetime) -> None:
        """A new deployment, which is rolled out."""
        number = f"{self.place.name}-{len(self.deployments)}"
        self.deployments.insert(0, Deployment(number, active=False, digest=image.digest, created=now))
        self.described = replace(self.described, image=reference, credentials=credentials, instances=instances)
        self.roll()

    def roll(self) -> None:
        """The processes are replaced; the status says so late."""
        self.running = None
        self._questions_left = _LAG + _ROLLING + 1

    def move_on(self, now: datetime) -> bool:
        """One question later; True when a rollout comes to its end with it."""
        if self._questions_left == 0:
            return False
        self._questions_left -= 1
        if 0 < self._questions_left <= _ROLLING:
            self.described = replace(self.described, status="IN_PROGRESS", transition=now)
        return self._questions_left == 0

    def finish(self, release: Release | None, now: datetime) -> None:
        """The rollout's end: these processes run, and the newest deployment is the active one; None: it failed."""
        self.described = replace(self.described, status="COMPLETED" if release else "FAILED", transition=now)
        if release is not None:
            self.running = release
            self.deployments = [replace(one, active=place == 0) for place, one in enumerate(self.deployments)]

    def swap(self, image: Image, now: datetime) -> None:
        """Somebody deployed another image over ours, past this run."""
        self.deployments = [replace(one, active=False) for one in self.deployments]
        stranger = Deployment(f"{self.place.name}-x", active=True, digest=image.digest, created=now)
        self.deployments.insert(0, stranger)
        if self.running is not None:
            self.running = replace(self.running, image=image)
