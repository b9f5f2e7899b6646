"""The platform in memory: its services, and the secret groups that tell them what to use."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

from runbook.engine.errors import LayerFailed
from runbook.engine.ports import Permit, Secret
from runbook.estate.memory import names
from runbook.estate.memory.images import RELEASES, Images
from runbook.estate.memory.layout import Layout
from runbook.estate.memory.services import MemoryService, Release
from runbook.estate.memory.world import World
from runbook.estate.ports import Deployment, Service, ServiceStatus, TokenIdentity

_VAULT = Service(
    names.VAULT_SERVICE, "openbao/openbao:2.6.2", None, 1, "COMPLETED", None, paused=False, kind="deployment"
)


class MemoryPlatform:
    """`ports.Platform`.

    `started` is all that ever ran, in order; `replaces` whether a change of a group replaces all of it, or is merged;
    `kept` are variables that a change of a group leaves as they were, without a word.
    """

    def __init__(self, world: World, images: Images, layout: Layout, restart_vault: Callable[[], None]) -> None:
        self._world = world
        self._images = images
        self._restart_vault = restart_vault
        self.groups = {name: _secrets(group) for name, group in layout.groups.items()}
        self.services = {
            place.name: MemoryService(place, images.release(RELEASES[-2], place.package), world.now())
            for place in layout.services
        }
        self.started: list[Release] = []
        self.replaces = False
        self.kept: set[str] = set()

    # -- questions -----------------------------------------------------------------------------------------------
    async def token(self) -> TokenIdentity:
        await self._world.ask("northflank", "northflank:Token")
        return TokenIdentity("dr-runbook", "api", self._world.now() + timedelta(days=90), scopes=("*",))

    async def project_visible(self, project: str) -> bool:
        await self._world.ask("northflank", "northflank:Project", project)
        return project == names.PROJECT

    async def service(self, project: str, service: str) -> Service | None:
        await self._world.ask("northflank", "northflank:Service", f"{project}/{service}")
        if project == names.PROJECT and service == names.VAULT_SERVICE:
            return _VAULT
        found = self.services.get(service) if project == names.PROJECT else None
        if found is None:
            return None
        self._move_on(found)
        return found.described

    async def statuses(self, project: str) -> Mapping[str, ServiceStatus]:
        await self._world.ask("northflank", "northflank:Services", project)
        if project != names.PROJECT:
            raise _missing(project)
        for found in self.services.values():
            self._move_on(found)
        every = (*(found.described for found in self.services.values()), _VAULT)
        return {one.id: ServiceStatus(one.status, one.transition) for one in every}

    async def deployments(self, project: str, service: str) -> tuple[Deployment, ...]:
        await self._world.ask("northflank", "northflank:Deployments", f"{project}/{service}")
        return tuple(self._known(project, service).deployments)

    async def running_containers(self, project: str, service: str) -> int:
        await self._world.ask("northflank", "northflank:Containers", f"{project}/{service}")
        return self._known(project, service).containers

    async def secret_group(self, project: str, group: str) -> Mapping[str, Secret]:
        await self._world.ask("northflank", "northflank:SecretGroup", f"{project}/{group}")
        return dict(self._group(project, group))

    # -- changes -------------------------------------------------------------------------------------------------
    async def set_secret_group(self, permit: Permit, project: str, group: str, variables: Mapping[str, Secret]) -> None:
        await self._world.change(permit, "northflank:SetSecretGroup", f"{project}/{group}")
        known = self._group(project, group)
        kept = {name: value for name, value in known.items() if name in self.kept}
        if self.replaces:
            known.clear()
        known.update({**variables, **kept})

    async def deploy(
        self, permit: Permit, project: str, service: str, *, image: str, instances: int, credentials: str | None
    ) -> Service:
        await self._world.change(permit, "northflank:Deploy", f"{project}/{service}")
        found, built = self._known(project, service), self._images.by_digest(image)
        if built is None:
            words = "Unable to verify external image"
            raise LayerFailed("The platform cannot find that image", provider_text=words, source="northflank")
        found.configure(built, image, instances, credentials, self._world.now())
        return found.described

    async def restart(self, permit: Permit, project: str, service: str) -> None:
        await self._world.change(permit, "northflank:Restart", f"{project}/{service}")
        if (project, service) == (names.PROJECT, names.VAULT_SERVICE):
            self._restart_vault()
            return
        self._known(project, service).roll()

    # -- what a test may set ---------------------------------------------------------------------------------------
    def running(self) -> tuple[Release, ...]:
        """What runs now, of every service."""
        return tuple(one.running for one in self.services.values() if one.running is not None)

    def describe(self, service: str, **changes: Any) -> None:
        """That service is described otherwise, by the names of `ports.Service`."""
        found = self.services[service]
        found.described = replace(found.described, **changes)

    def swap_digest(self, *services: str, tag: str = RELEASES[-2]) -> None:
        """Somebody deployed that release over ours, past this run: in all services, or in these."""
        for name in services or tuple(self.services):
            found = self.services[name]
            found.swap(self._images.release(tag, found.place.package), self._world.now())

    def stop(self, *services: str) -> None:
        """No process of them runs; of none at all, where none is named."""
        for name in services or tuple(self.services):
            self.services[name].running = None

    def _move_on(self, found: MemoryService) -> None:
        now = self._world.now()
        if not found.move_on(now):
            return
        image = self._images.by_digest(found.described.image or "")
        if image is None or not found.comes_up:
            found.finish(None, now)
            return
        release = Release(found.place.name, image, {**self.groups[found.place.group], **found.described.own}, now)
        self.started.append(release)
        found.finish(release, now)

    def _group(self, project: str, group: str) -> dict[str, Secret]:
        if project != names.PROJECT or group not in self.groups:
            raise _missing(f"{project}/{group}")
        return self.groups[group]

    def _known(self, project: str, service: str) -> MemoryService:
        if project != names.PROJECT or service not in self.services:
            raise _missing(f"{project}/{service}")
        return self.services[service]


def _secrets(variables: Mapping[str, str]) -> dict[str, Secret]:
    return {name: Secret(value) for name, value in variables.items()}


def _missing(what: str) -> LayerFailed:
    return LayerFailed(f"Northflank knows no {what}", provider_text="404 Not found", source="northflank")
