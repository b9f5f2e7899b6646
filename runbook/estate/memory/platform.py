"""The platform in memory: a service whose status lags behind, and the application that it runs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from runbook.engine.errors import LayerFailed
from runbook.engine.ports import Permit, Secret
from runbook.estate.memory import names
from runbook.estate.memory.images import Image, Images
from runbook.estate.memory.world import World
from runbook.estate.ports import Deployment, Service, TokenIdentity

_LAG = 1  # questions that still hear the previous COMPLETED after a change
_ROLLING = 1  # questions that hear IN_PROGRESS after that
_PULL = "ghcr-pull"


@dataclass(frozen=True, slots=True)
class Release:
    """What the application's processes were started with."""

    image: Image
    variables: Mapping[str, Secret]
    started: datetime


class MemoryPlatform:
    """`ports.Platform`; `running` is the application as it runs now, None while nothing does."""

    def __init__(
        self, world: World, images: Images, variables: Mapping[str, Secret], restart_vault: Callable[[], None]
    ) -> None:
        self._world = world
        self._images = images
        self._restart_vault = restart_vault
        self._group = dict(variables)
        old = images.previous_release
        settled = world.now() - timedelta(days=20)
        reference = f"ghcr.io/{names.ORGANISATION}/{names.PACKAGE}@{old.digest}"
        self._service = Service(names.SERVICE, reference, _PULL, 2, "COMPLETED", settled, paused=False)
        self._deployments = [Deployment("deployment-0", active=True, digest=old.digest, created=settled)]
        self._questions_left = 0
        self.running: Release | None = None

    async def token(self) -> TokenIdentity:
        await self._world.ask("northflank")
        return TokenIdentity("dr-runbook", "api", self._world.now() + timedelta(days=90), scopes=("*",))

    async def project_visible(self, project: str) -> bool:
        await self._world.ask("northflank")
        return project == names.PROJECT

    async def service(self, project: str, service: str) -> Service | None:
        await self._world.ask("northflank")
        if project != names.PROJECT or service not in {names.SERVICE, names.VAULT_SERVICE}:
            return None
        if service == names.VAULT_SERVICE:
            return Service(service, "openbao/openbao:2.6.2", None, 1, "COMPLETED", None, paused=False)
        self._move_on()
        return self._service

    async def deployments(self, project: str, service: str) -> tuple[Deployment, ...]:
        await self._known(project, service)
        return tuple(self._deployments)

    async def running_containers(self, project: str, service: str) -> int:
        await self._known(project, service)
        return self._service.instances if self.running is not None else 0

    async def secret_group(self, project: str, group: str) -> Mapping[str, Secret]:
        await self._world.ask("northflank")
        if (project, group) != (names.PROJECT, names.SECRET_GROUP):
            raise _missing(f"{project}/{group}")
        return dict(self._group)

    async def set_secret_group(self, permit: Permit, project: str, group: str, variables: Mapping[str, Secret]) -> None:
        await self._world.change(permit, "northflank:SetSecretGroup", f"{project}/{group}")
        if (project, group) != (names.PROJECT, names.SECRET_GROUP):
            raise _missing(f"{project}/{group}")
        self._group.update(variables)

    async def deploy(
        self, permit: Permit, project: str, service: str, *, image: str, instances: int, credentials: str | None
    ) -> Service:
        await self._world.change(permit, "northflank:Deploy", f"{project}/{service}")
        await self._known(project, service)
        found = self._images.by_reference(image)
        if found is None:
            words = "Unable to verify external image"
            raise LayerFailed("The platform cannot find that image", provider_text=words, source="northflank")
        number = f"deployment-{len(self._deployments)}"
        self._deployments.insert(0, Deployment(number, active=False, digest=found.digest, created=self._world.now()))
        self._service = replace(self._service, image=image, credentials=credentials, instances=instances)
        self._roll()
        return self._service

    async def restart(self, permit: Permit, project: str, service: str) -> None:
        await self._world.change(permit, "northflank:Restart", f"{project}/{service}")
        if (project, service) == (names.PROJECT, names.VAULT_SERVICE):
            self._restart_vault()
            return
        await self._known(project, service)
        self._roll()

    def swap_digest(self) -> None:
        """Somebody deployed the previous release over ours, past this run."""
        old = self._images.previous_release
        self._deployments.insert(
            0, Deployment("deployment-x", active=True, digest=old.digest, created=self._world.now())
        )
        self._deployments[1:] = [replace(one, active=False) for one in self._deployments[1:]]
        if self.running is not None:
            self.running = replace(self.running, image=old)

    def _roll(self) -> None:
        """The processes are replaced; the status says so late."""
        self.running = None
        self._questions_left = _LAG + _ROLLING + 1

    def _move_on(self) -> None:
        if self._questions_left == 0:
            return
        self._questions_left -= 1
        if self._questions_left == 0:
            self._finish()
        elif self._questions_left <= _ROLLING:
            self._service = replace(self._service, status="IN_PROGRESS", transition=self._world.now())

    def _finish(self) -> None:
        now = self._world.now()
        image = self._images.by_reference(self._service.image or "")
        self._service = replace(self._service, status="COMPLETED", transition=now)
        self._deployments = [replace(one, active=place == 0) for place, one in enumerate(self._deployments)]
        if image is not None:
            self.running = Release(image, dict(self._group), now)

    async def _known(self, project: str, service: str) -> None:
        await self._world.ask("northflank")
        if (project, service) != (names.PROJECT, names.SERVICE):
            raise _missing(f"{project}/{service}")


def _missing(what: str) -> LayerFailed:
    return LayerFailed(f"Northflank knows no {what}", provider_text="404 Not found", source="northflank")
