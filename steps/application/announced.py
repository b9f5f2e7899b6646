"""Which deployment calls of this run the platform has taken: found again after a crash or after going back."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from runbook.engine.run import Intent
from runbook.estate.ports import Deployment, ServiceStatus
from steps.application.chosen import image_for
from steps.facts import ToldOtherwise
from steps.here import Here, iso, moment
from steps.many import side_by_side

DEPLOY: Final = "northflank:Deploy"
RESTART: Final = "northflank:Restart"
SLACK: Final = timedelta(seconds=2)  # times are cut to seconds, here and there
_STEP: Final = "application.deploy"
_TOLD_BY: Final = {"application.quiet", "application.config", "application.vault-database"}
_POLLS: Final = 4  # looks until a deployment that the service shows already is in the list of deployments


@dataclass(frozen=True, slots=True)
class Call:
    """A call that was made: when it was announced, on the provider's clock, and with how many instances."""

    at: str
    instances: int


def target(project: str, service: str) -> str:
    """As permits name it."""
    return f"{project}/{service}"


def since(asked: str) -> datetime:
    """From when on something can be the work of a call that was announced at `asked`."""
    return moment(asked) - SLACK


async def taken(here: Here, *, patiently: bool = False) -> dict[str, Call]:
    """By service: our call, of those that are the newest there is.

    `patiently`: one whose answer was lost is waited for a while, where the service shows our image already.
    """
    calls = {service.name: counting(here, service.name) for service in here.environment.application.services}
    made = {name: call for name, call in calls.items() if call is not None}
    if not made:
        return {}
    statuses = await here.estate.platform.statuses(here.environment.application.project)

    async def is_there(name: str) -> bool:
        return await _Sought(here, name, made[name]).is_there(statuses.get(name), patiently=patiently)

    there = await side_by_side(here, list(made), is_there, doing="looking for our call to")
    return {
        name: Call(iso(_asked(here, call)), int(call.detail.get("instances", 1)))
        for (name, call), found in zip(made.items(), there, strict=True)
        if found
    }


def counting(here: Here, service: str) -> Intent | None:
    """Our last call to that service, unless what its processes are told was changed after it, by us or by others.

    The processes that such a call started do not know the change, or know one that is gone again.
    """
    place, last = target(here.environment.application.project, service), None
    for intent in here.run.announced:
        if intent.step in _TOLD_BY:
            last = None
        elif intent.step == _STEP and intent.target == place:
            last = intent
    otherwise = here.run.former_fact(ToldOtherwise)
    return None if last and otherwise and last.at <= moment(otherwise.at) else last


def _asked(here: Here, call: Intent) -> datetime:
    return call.at - (here.now() - here.provider_now())


class _Sought:
    """One call, looked for in what the platform says of its service."""

    def __init__(self, here: Here, service: str, call: Intent) -> None:
        self._here = here
        self._project = here.environment.application.project
        self._service = service
        self._call = call
        self._asked = _asked(here, call)
        self._image = image_for(here, service)

    async def is_there(self, status: ServiceStatus | None, *, patiently: bool) -> bool:
        """Its deployment is the newest and has our digest; of a restart, which makes none, the status has moved."""
        if status is None:
            return False
        moved = status.transition is not None and status.transition >= self._asked
        if moved and status.status == "FAILED":
            return False
        deployments = await self._deployments()
        if self._call.operation == RESTART:
            return moved and self._is_ours(deployments)
        if self._is_listed(deployments) or not patiently or not await self._is_configured(deployments):
            return self._is_listed(deployments)
        return await self._appears()

    async def _deployments(self) -> tuple[Deployment, ...]:
        return await self._here.estate.platform.deployments(self._project, self._service)

    def _is_ours(self, deployments: tuple[Deployment, ...]) -> bool:
        return bool(deployments) and deployments[0].digest == self._image.digest

    def _is_new(self, deployments: tuple[Deployment, ...]) -> bool:
        return bool(deployments) and deployments[0].created >= since(iso(self._asked))

    def _is_listed(self, deployments: tuple[Deployment, ...]) -> bool:
        return self._is_ours(deployments) and self._is_new(deployments)

    async def _is_configured(self, deployments: tuple[Deployment, ...]) -> bool:
        """Whether the service shows what we announced, and no deployment of since then says otherwise."""
        if self._is_new(deployments) or self._call.detail.get("digest") != self._image.digest:
            return False
        service = await self._here.estate.platform.service(self._project, self._service)
        return service is not None and service.image == self._image.ref

    async def _appears(self) -> bool:
        """Whether it comes into the list: to call again what was only not listed yet would start everything twice."""
        for _ in range(_POLLS):
            self._here.desk.progress(0, 0, f"our call to {self._service} has arrived, its deployment is not listed yet")
            await self._here.desk.clock.sleep(self._here.poll_s)
            deployments = await self._deployments()
            if self._is_new(deployments):
                return self._is_ours(deployments)
        return False
