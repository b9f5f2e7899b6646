"""The code host and the image registry in memory, over the same history."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from runbook.engine.errors import LayerFailed
from runbook.estate.memory import names
from runbook.estate.memory.images import Images
from runbook.estate.memory.world import World
from runbook.estate.ports import (
    Branch,
    CheckRun,
    CombinedStatus,
    Commit,
    ImageProof,
    PackageVersion,
    Provenance,
    TokenIdentity,
)

_PREFIX = "org.opencontainers.image."


class MemoryCode:
    """`ports.CodeHost`.  `kind` and `scopes` are the token's, `reads_packages` whether the packages show to it."""

    def __init__(self, world: World, images: Images) -> None:
        self._world = world
        self._images = images
        self.kind = "classic"
        self.scopes: tuple[str, ...] = ("read:packages", "repo")
        self.reads_packages = True

    async def token(self) -> TokenIdentity:
        await self._world.ask("github", "github:User")
        expires = self._world.now() + timedelta(days=60)
        return TokenIdentity("practice-restorer", self.kind, expires, scopes=self.scopes)

    async def repository_visible(self, repository: str) -> bool:
        await self._world.ask("github", "github:Repository", repository)
        return repository == names.REPOSITORY

    async def package_versions(self, organisation: str, package: str) -> tuple[PackageVersion, ...]:
        await self._world.ask("github", "github:PackageVersions", f"{organisation}/{package}")
        versions = self._images.versions(package) if organisation == names.ORGANISATION else ()
        if not versions or not self.reads_packages:
            raise LayerFailed(
                "GitHub knows nothing by that name (404), or does not show it to this token",
                fix="Check the name in runbook.toml and what the token may see.",
                source="github: GET package versions",
            )
        return versions

    async def commit(self, repository: str, sha: str) -> Commit | None:
        await self._world.ask("github", "github:Commit", f"{repository}/{sha}")
        return self._images.commits.get(sha) if repository == names.REPOSITORY else None

    async def branch(self, repository: str, name: str) -> Branch | None:
        await self._world.ask("github", "github:Branch", f"{repository}/{name}")
        known = (repository, name) == (names.REPOSITORY, names.BRANCH)
        return Branch(name, self._images.head, protected=self._images.protected) if known else None

    async def check_runs(self, repository: str, sha: str) -> tuple[CheckRun, ...]:
        await self._world.ask("github", "github:CheckRuns", f"{repository}/{sha}")
        return self._images.checks.get(sha, ()) if repository == names.REPOSITORY else ()

    async def combined_status(self, repository: str, sha: str) -> CombinedStatus:
        await self._world.ask("github", "github:CombinedStatus", f"{repository}/{sha}")
        return self._images.statuses.get(sha, CombinedStatus("pending", 0))

    async def attestations(self, repository: str, digest: str) -> tuple[Mapping[str, Any], ...]:
        await self._world.ask("github", "github:Attestations", f"{repository}/{digest}")
        return tuple(self._images.bundles.get(digest, ())) if repository == names.REPOSITORY else ()


class MemoryRegistry:
    """`ports.Registry`."""

    def __init__(self, world: World, images: Images) -> None:
        self._world = world
        self._images = images

    async def image(self, repository: str, reference: str) -> ImageProof | None:
        await self._world.ask("registry", "registry:Manifest", f"{repository}@{reference}")
        organisation, _, package = repository.partition("/")
        found = self._images.in_registry(package, reference) if organisation == names.ORGANISATION else None
        if found is None:
            return None
        body = self._images.served.get(found.digest, found.manifest)
        labels = dict(found.labels)
        revision, source = labels.get(_PREFIX + "revision"), labels.get(_PREFIX + "source")
        return ImageProof(found.digest, "sha256:" + hashlib.sha256(body).hexdigest(), revision, source, labels)

    async def digest(self, repository: str, tag: str) -> str | None:
        proof = await self.image(repository, tag)
        return None if proof is None else proof.computed


class MemoryProvenances:
    """`ports.Provenances` over the bundles that `Images.attest` makes, as if each were well signed.

    `verdicts` says by digest what is answered or raised instead.
    """

    def __init__(self) -> None:
        self.verdicts: dict[str, Provenance | Exception] = {}

    async def verify(
        self, bundle: Mapping[str, Any], *, image: str, digest: str, repository: str, refs: tuple[str, ...]
    ) -> Provenance:
        set_ = self.verdicts.get(digest)
        if isinstance(set_, Exception):
            raise set_
        return set_ or _judged(bundle.get("statement"), image, digest, repository, refs)


def _judged(stated: Any, image: str, digest: str, repository: str, refs: tuple[str, ...]) -> Provenance:
    if not isinstance(stated, Mapping):
        raise _refused(f"the attestation of {image} cannot be read")
    if stated["repository"] != repository:
        raise _refused(f"the attestation is of another repository: {stated['repository']}")
    if refs and stated["ref"] not in refs:
        raise _refused(f"the attestation is of another ref: {stated['ref']}")
    if stated["digest"] != digest:
        raise _refused(f"the attestation is of another digest: {stated['digest'][:19]}…")
    workflow = f"https://github.com/{repository}/.github/workflows/release.yml@{stated['ref']}"
    return Provenance(digest, stated["commit"], stated["ref"], workflow, "in memory")


def _refused(sentence: str) -> LayerFailed:
    return LayerFailed(sentence, fix="Have the image built and attested again.", source="provenance")
