"""The deployment: every service by the digest that was verified, with the instances that it has."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from runbook.config.application import Service as Configured
from runbook.engine.errors import LayerFailed, NoVerdict
from runbook.engine.ports import Change, Preview
from runbook.engine.verdict import Observation
from runbook.estate.ports import Service
from steps.application import announced
from steps.application.allowance import READ_GROUP, SERVICE, shortage
from steps.application.announced import DEPLOY, RESTART, Call, target
from steps.application.candidates import refusals
from steps.application.chosen import ChosenImage, image_for
from steps.application.lineage import Lineage
from steps.application.still_told import still_told
from steps.facts import Deployed
from steps.here import Here, exact, iso
from steps.many import listed, side_by_side
from steps.patience import patient

DEPLOYED = "one deployment of the verified digest for each service"
_TAKES_AN_IMAGE: Final = {"", "deployment"}  # kinds; "": the provider does not say
_SHORT: Final = 19  # characters of a digest: sha256: and twelve
_FRESH_S: Final = 60  # who agreed later than that may have changed a service meanwhile: it is looked at again


@dataclass(frozen=True, slots=True)
class Due:
    """One service that is to be deployed: as it was at `seen`, and what it is to run."""

    name: str
    now: Service
    image: ChosenImage
    seen: datetime

    @property
    def idle(self) -> bool:
        """Whether nothing of it runs, by its configuration."""
        return self.now.paused or not self.now.instances

    @property
    def instances(self) -> int:
        """As it has them; one where it has none, never 0."""
        return self.now.instances or 1

    @property
    def restarts(self) -> bool:
        """Whether the digest is configured already: a PATCH that changes nothing may not roll anything."""
        return self.now.image == self.image.ref and not self.idle

    @property
    def call(self) -> str:
        """As a preview says it: one short line."""
        if self.restarts:
            return f"POST services/{self.name}/restart: this digest is configured already"
        started = " (none ran)" if self.idle else ""
        image = f"{self.image.package}@{self.image.digest[:_SHORT]}…"
        return f"PATCH services/deployment/{self.name}: instances {self.instances}{started}, {image}"


# -- found --------------------------------------------------------------------------------------------------------
@patient
async def already_deployed(here: Here) -> Observation | None:
    """Our own earlier calls are what runs, of every service."""
    taken = await announced.taken(here, patiently=True)
    missing = [name for name in _names(here) if name not in taken]
    return None if missing else _deployed(here, taken, "our earlier calls are there, adopted")


def _names(here: Here) -> list[str]:
    return [service.name for service in here.environment.application.services]


# -- shown --------------------------------------------------------------------------------------------------------
@patient
async def show_deploy(here: Here) -> Preview:
    """A short line for each call; each image whole once, beside what it replaces."""
    due = await _due(here, await announced.taken(here))
    project = here.environment.application.project
    images = {one.image.ref: f"{one.image.package} {one.image.tag}".strip() for one in due}
    idle = [one.name for one in due if one.idle]
    started = f"; started, since nothing of it ran: {listed(idle)}" if idle else ""
    needed = SERVICE * len(due) + READ_GROUP * len(here.environment.application.secret_groups)
    return Preview(
        what=f"Deploy {listed(list(images.values()))} by digest, instances as they are{started}"
        + shortage(here, needed),
        target=target(project, due[0].name) if len(due) == 1 else f"{project}: {listed([one.name for one in due])}",
        calls=tuple(one.call for one in due),
        changes=_changes(due),
    )


def _changes(due: list[Due]) -> tuple[Change, ...]:
    """One line for all services whose image changes in the same way."""
    alike: dict[tuple[str, str], list[str]] = {}
    for one in due:
        alike.setdefault((one.now.image or "none", one.image.ref), []).append(one.name)
    return tuple(Change(f"image of {listed(names)}", *images) for images, names in alike.items())


async def _due(here: Here, taken: Mapping[str, Call]) -> list[Due]:
    """The services whose call is still to be made; LayerFailed where one cannot take an image, or is not to start.

    What the preview has just shown is not asked for again.
    """
    services = [service for service in here.environment.application.services if service.name not in taken]
    shown: dict[str, Due] = here.seen.get(DEPLOY, {})

    async def look(service: Configured) -> Due:
        known = shown.get(service.name)
        if known and (here.now() - known.seen).total_seconds() < _FRESH_S:
            return known
        return _may_run(
            here, Due(service.name, await _fit(here, service.name), image_for(here, service.name), here.now())
        )

    due = await side_by_side(here, services, look, doing="looking at", named=lambda service: service.name)
    here.seen[DEPLOY] = {one.name: one for one in due}
    return due


def _may_run(here: Here, due: Due) -> Due:
    """In a recovery what is to serve is started; elsewhere who stopped it had a reason, and nothing stops it again."""
    if due.idle and not here.recovering:
        raise LayerFailed(
            f"nothing of {due.name} runs: it is paused, or has no instances",
            fix="Start it yourself, or take it out of [[application.services]] in the configuration.",
            source="northflank: GET service",
        )
    return due


async def _fit(here: Here, name: str) -> Service:
    project = here.environment.application.project
    service = await here.estate.platform.service(project, name)
    if service is None:
        raise LayerFailed(
            f"there is no service {name} in {project}",
            fix="Create the service first, or correct [[application.services]].",
            source="northflank: GET service",
        )
    if service.kind not in _TAKES_AN_IMAGE:
        raise LayerFailed(
            f"{name} is a {service.kind} service: only a deployment service takes an image by digest",
            fix="Make it a deployment service of an external image, or take it out of [[application.services]].",
            source="northflank: GET service",
        )
    if service.instances is None:
        raise NoVerdict(
            f"Northflank does not say how many instances {name} has, and a deployment has to state it",
            fix="Look at the service in the console; may the token read its deployment?",
            source="northflank: GET service",
        )
    return service


# -- done ---------------------------------------------------------------------------------------------------------
@patient
async def deploy(here: Here) -> Observation:
    """One call for each service that lacks one, after every image was found as it was when it was verified."""
    taken = await announced.taken(here)
    due = await _due(here, taken)
    images = _Images(here)
    await images.all_good(due)
    await still_told(here)
    for number, one in enumerate(due):
        here.desk.progress(number, len(due), f"deploying {one.name}")
        await images.good(one.image, running=[name for name in taken if image_for(here, name) == one.image])
        taken[one.name] = await _call(here, one)
    return _deployed(here, taken, "accepted", due)


class _Images:
    """Judged again before anything is deployed, and each once more right before a service gets it.

    A tag can move, and checks turn red, between verification and deployment, and between two deployments.
    """

    def __init__(self, here: Here) -> None:
        self._here = here
        self._images = {image.package: image for image in here.environment.application.images}
        self._lineages = {
            image.repository: Lineage(here.estate.code, image.repository) for image in self._images.values()
        }

    async def all_good(self, due: Sequence[Due]) -> None:
        """LayerFailed when any of them is refused now."""
        images = list({one.image.package: one.image for one in due}.values())
        await side_by_side(self._here, images, self.good, doing="looking again at", named=lambda image: image.package)

    async def good(self, image: ChosenImage, *, running: Sequence[str] = ()) -> None:
        """LayerFailed when it is refused now; it says which services have it already."""
        configured = self._images[image.package]
        if reasons := await refusals(self._here, configured, image, self._lineages[configured.repository]):
            has = f"; deployed with it already: {listed(running)}" if running else ""
            raise LayerFailed(
                f"{image.tag or image.digest[:_SHORT]} is refused now: {'; '.join(reasons)}{has}",
                fix="Find out who changed it and why; go back to application.image when it is right again.",
                source="github and registry, asked again right before the deployment",
            )


async def _call(here: Here, due: Due) -> Call:
    """Announce it and make it."""
    project, platform = here.environment.application.project, here.estate.platform
    asked = Call(iso(here.provider_now()), due.instances)
    if due.restarts:
        permit = await here.desk.intend(RESTART, target(project, due.name), instances=due.instances)
        await platform.restart(permit, project, due.name)
        return asked
    permit = await here.desk.intend(DEPLOY, target(project, due.name), digest=due.image.digest, instances=due.instances)
    await platform.deploy(
        permit,
        project,
        due.name,
        image=due.image.ref,
        instances=due.instances,
        credentials=due.now.credentials,
    )
    return asked


def _deployed(here: Here, calls: Mapping[str, Call], how: str, due: Sequence[Due] = ()) -> Observation:
    names = _names(here)
    digests = {name: image_for(here, name).digest for name in names}
    before = {one.name: exact(one.now.transition) for one in due if one.now.transition}
    shown = [f"{digest[:_SHORT]}…" for digest in dict.fromkeys(digests.values())]
    at, instances = {name: calls[name].at for name in names}, {name: calls[name].instances for name in names}
    return Observation.passed(
        expected=DEPLOYED,
        observed=f"{listed(names)}: {listed(shown)}: {how}",
        source="northflank: PATCH deployment",
        facts=(Deployed(at, digests, before, instances),),
    )
