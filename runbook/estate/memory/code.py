"""The code host and the image registry in memory, over the same history."""

from __future__ import annotations

import hashlib
from datetime import timedelta

from runbook.estate.memory import names
from runbook.estate.memory.images import Images
from runbook.estate.memory.world import World
from runbook.estate.ports import Branch, CheckRun, Commit, ImageProof, PackageVersion, TokenIdentity


class MemoryCode:
    """`ports.CodeHost`."""

    def __init__(self, world: World, images: Images) -> None:
        self._world = world
        self._images = images
        self.scopes = ("read:packages", "repo")

    async def token(self) -> TokenIdentity:
        await self._world.ask("github")
        expires = self._world.now() + timedelta(days=60)
        return TokenIdentity("practice-restorer", "classic", expires, scopes=self.scopes)

    async def repository_visible(self, repository: str) -> bool:
        await self._world.ask("github")
        return repository == names.REPOSITORY

    async def package_versions(self, organisation: str, package: str) -> tuple[PackageVersion, ...]:
        await self._world.ask("github")
        known = (organisation, package) == (names.ORGANISATION, names.PACKAGE)
        return self._images.versions() if known else ()

    async def commit(self, repository: str, sha: str) -> Commit | None:
        await self._world.ask("github")
        return self._images.commits.get(sha) if repository == names.REPOSITORY else None

    async def branch(self, repository: str, name: str) -> Branch | None:
        await self._world.ask("github")
        known = (repository, name) == (names.REPOSITORY, names.BRANCH)
        return Branch(name, self._images.head, protected=True) if known else None

    async def check_runs(self, repository: str, sha: str) -> tuple[CheckRun, ...]:
        await self._world.ask("github")
        return self._images.checks.get(sha, ()) if repository == names.REPOSITORY else ()


class MemoryRegistry:
    """`ports.Registry`."""

    def __init__(self, world: World, images: Images) -> None:
        self._world = world
        self._images = images

    async def image(self, repository: str, reference: str) -> ImageProof | None:
        await self._world.ask("registry")
        found = self._images.by_reference(reference)
        if found is None or repository != f"{names.ORGANISATION}/{names.PACKAGE}":
            return None
        computed = "sha256:" + hashlib.sha256(found.manifest).hexdigest()
        source = f"https://github.com/{names.REPOSITORY}"
        return ImageProof(found.digest, computed, found.commit, source)
