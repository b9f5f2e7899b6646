"""The newest images of each package, and what speaks against each."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Final

from runbook.config import Image
from runbook.engine.errors import LayerFailed, NoVerdict, SignedOut
from runbook.estate.ports import PackageVersion
from steps.application.chosen import ChosenImage
from steps.application.lineage import Lineage
from steps.application.verified import Judged, judge, reference
from steps.facts import ImagesSeen
from steps.here import Here, iso
from steps.many import side_by_side

SOURCE: Final = "github: package versions, commit, branch, check-runs, status; registry: manifest bytes, tag"


@dataclass(frozen=True, slots=True)
class Candidate:
    """`ref` is NAME@DIGEST; `refused` are the reasons against it, none: it is verified; `newest` of its package."""

    package: str
    tag: str
    digest: str
    commit: str
    ref: str
    created: str
    level: str
    refused: tuple[str, ...]
    migration: str
    newest: bool
    said: str = ""  # the provider's own text to the first reason

    @property
    def named(self) -> str:
        """`v1.8.2 = sha256:3f3f3f3f3f3f…`."""
        return f"{self.tag} = {self.digest[:19]}…"


def as_fact(candidates: Iterable[Candidate]) -> ImagesSeen:
    """For the journal."""
    return ImagesSeen(tuple(asdict(one) for one in candidates))


def seen(here: Here) -> dict[str, tuple[Candidate, ...]]:
    """By package, newest first, as `application.image` saw them; NoVerdict where it established nothing."""
    found: dict[str, tuple[Candidate, ...]] = {}
    for fields in here.desk.need(ImagesSeen).candidates:
        one = Candidate(**{**fields, "refused": tuple(fields["refused"])})
        found[one.package] = (*found.get(one.package, ()), one)
    return found


def level(image: Image) -> str:
    """`level A`, or `level B: no attestations on this plan`: as configured, never inferred."""
    return "level A" if image.level == "A" else f"level B: {image.level_reason}"


async def looked_at(here: Here) -> list[tuple[Candidate, ...]]:
    """Of every configured image the newest ones, in the order of the configuration, newest first."""
    images = here.environment.application.images
    lineages = {image.repository: Lineage(here.estate.code, image.repository) for image in images}

    async def look(image: Image) -> tuple[Candidate, ...]:
        return await _candidates(here, image, lineages[image.repository])

    return await side_by_side(here, images, look, doing="verifying", named=lambda image: image.package)


async def refusals(here: Here, image: Image, chosen: ChosenImage, lineage: Lineage | None = None) -> tuple[str, ...]:
    """Why the chosen image is not verified now, none: it is, and its tag still leads to it; NoVerdict as `judge`.

    `lineage` is that of an earlier look in the same step, where there was one: everything else is asked again.
    """
    lineage = lineage or Lineage(here.estate.code, image.repository)
    judged = await judge(here, image, lineage, digest=chosen.digest, tag=chosen.tag)
    if judged.commit != chosen.commit and not judged.refused:
        return (f"it was chosen as built from commit {chosen.commit[:10]}, and names {judged.commit[:10]} now",)
    return judged.refused


async def _candidates(here: Here, image: Image, lineage: Lineage) -> tuple[Candidate, ...]:
    found: list[Candidate] = []
    tagged = await _tagged(here, image)
    for version, tag in tagged:
        if len(here.environment.application.images) == 1:
            here.desk.progress(len(found), len(tagged), f"verifying {tag}")
        judged = await _judged(here, image, lineage, version.digest, tag, newest=not found)
        found.append(_candidate(here, image, version, tag, judged, newest=not found))
    return tuple(found)


async def _judged(here: Here, image: Image, lineage: Lineage, digest: str, tag: str, *, newest: bool) -> Judged:
    """The newest decides; that an older one could not be asked about only keeps it from being chosen."""
    try:
        return await judge(here, image, lineage, digest=digest, tag=tag)
    except SignedOut:
        raise
    except NoVerdict as trouble:
        if newest:
            raise
        return Judged((f"it could not be judged: {trouble.sentence}",), trouble.provider_text, "", "")


def _candidate(
    here: Here, image: Image, version: PackageVersion, tag: str, judged: Judged, *, newest: bool
) -> Candidate:
    return Candidate(
        package=image.package,
        tag=tag,
        digest=version.digest,
        commit=judged.commit,
        ref=reference(here, image, version.digest),
        created=iso(version.created),
        level=image.level,
        refused=judged.refused,
        migration=judged.migration,
        newest=newest,
        said=judged.said,
    )


async def _tagged(here: Here, image: Image) -> list[tuple[PackageVersion, str]]:
    """The newest versions that have a tag of the configured form, each with the first such tag."""
    pattern = re.compile(image.tag_pattern)
    tagged: list[tuple[PackageVersion, str]] = []
    for version in await here.estate.code.package_versions(image.organisation, image.package):
        tag = next((tag for tag in version.tags if pattern.search(tag)), None)
        if tag is not None:
            tagged.append((version, tag))
    if not tagged:
        raise LayerFailed(
            f"no image of {image.package} has a tag like {image.tag_pattern}",
            fix="Look at the package page, and at tag_pattern in the configuration.",
            source="github: GET /orgs/{org}/packages/container/{name}/versions",
        )
    return tagged[: image.candidates]
