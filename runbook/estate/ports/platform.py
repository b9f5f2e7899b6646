"""Where the application runs and where its image comes from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from runbook.engine.ports import Permit, Secret


@dataclass(frozen=True, slots=True)
class TokenIdentity:
    id: str
    kind: str
    expires: datetime | None
    active: bool = True
    scopes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Service:
    id: str
    image: str | None
    credentials: str | None
    instances: int
    status: str  # PENDING, IN_PROGRESS, COMPLETED, FAILED, or what the provider said
    transition: datetime | None
    paused: bool


@dataclass(frozen=True, slots=True)
class Deployment:
    id: str
    active: bool
    digest: str | None
    created: datetime


class Platform(Protocol):
    """Northflank.  Rate limits are obeyed; poll no faster than every 5 s on the real one."""

    async def token(self) -> TokenIdentity: ...
    async def project_visible(self, project: str) -> bool: ...
    async def service(self, project: str, service: str) -> Service | None: ...
    async def deployments(self, project: str, service: str) -> tuple[Deployment, ...]:
        """Newest first."""
        ...

    async def running_containers(self, project: str, service: str) -> int: ...
    async def secret_group(self, project: str, group: str) -> Mapping[str, Secret]: ...
    async def set_secret_group(self, permit: Permit, project: str, group: str, variables: Mapping[str, Secret]) -> None:
        """Sends the whole group: whether the provider merges or replaces is not documented."""
        ...

    async def deploy(
        self, permit: Permit, project: str, service: str, *, image: str, instances: int, credentials: str | None
    ) -> Service: ...
    async def restart(self, permit: Permit, project: str, service: str) -> None: ...


@dataclass(frozen=True, slots=True)
class PackageVersion:
    digest: str
    tags: tuple[str, ...]
    created: datetime


@dataclass(frozen=True, slots=True)
class Commit:
    sha: str
    verified: bool
    reason: str
    parents: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Branch:
    name: str
    head: str
    protected: bool


@dataclass(frozen=True, slots=True)
class CheckRun:
    name: str
    status: str
    conclusion: str | None


class CodeHost(Protocol):
    """GitHub."""

    async def token(self) -> TokenIdentity: ...
    async def repository_visible(self, repository: str) -> bool: ...
    async def package_versions(self, organisation: str, package: str) -> tuple[PackageVersion, ...]:
        """Over all pages, newest first."""
        ...

    async def commit(self, repository: str, sha: str) -> Commit | None: ...
    async def branch(self, repository: str, name: str) -> Branch | None: ...
    async def check_runs(self, repository: str, sha: str) -> tuple[CheckRun, ...]: ...


@dataclass(frozen=True, slots=True)
class ImageProof:
    """`stated` is the registry's header, `computed` the SHA-256 of the manifest's bytes."""

    stated: str
    computed: str
    revision: str | None  # org.opencontainers.image.revision
    source: str | None


class Registry(Protocol):
    """GHCR."""

    async def image(self, repository: str, reference: str) -> ImageProof | None: ...
