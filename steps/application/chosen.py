"""The images that this run deploys, one of each package, as `application.choose` established them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass

from runbook.engine.errors import NoVerdict
from steps.facts import ImagesChosen
from steps.here import Here


@dataclass(frozen=True, slots=True)
class ChosenImage:
    """`ref` is NAME@DIGEST as the platform writes it; `commit` and `tag` "" where they are not known."""

    package: str
    ref: str
    digest: str
    commit: str
    tag: str
    level: str


def as_fact(images: Iterable[ChosenImage]) -> ImagesChosen:
    """For the journal."""
    return ImagesChosen(tuple(asdict(image) for image in images))


def chosen(here: Here) -> tuple[ChosenImage, ...]:
    """In the order of the configuration; NoVerdict where the step that chooses established nothing."""
    return tuple(ChosenImage(**image) for image in here.desk.need(ImagesChosen).images)


def image_for(here: Here, service: str) -> ChosenImage:
    """The one that the service of that name runs; "": the first service."""
    application = here.environment.application
    known = {one.name: one for one in application.services}
    package = application.image_of(known[service] if service else application.services[0]).package
    for image in chosen(here):
        if image.package == package:
            return image
    raise NoVerdict(
        f"no image of {package} was chosen",
        fix="Go back to application.choose.",
        source="the run's own journal",
    )
