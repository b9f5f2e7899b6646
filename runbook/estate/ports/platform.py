"""Where the application runs and where its image comes from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

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
    """`own` are its own variables, which win over those of every secret group; `instances` None: it is not said."""

    id: str
    image: str | None
    credentials: str | None
    instances: int | None
    status: str  # PENDING, IN_PROGRESS, COMPLETED, FAILED, or what the provider said
    transition: datetime | None
    paused: bool
    kind: str = ""  # deployment, combined, build, or what the provider said; only the first takes an image
    own: Mapping[str, Secret] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ServiceStatus:
    """What a list of services says of one: `status` and `transition` as in `Service`."""

    status: str
    transition: datetime | None


@dataclass(frozen=True, slots=True)
class Deployment:
    id: str
    active: bool
    digest: str | None
    created: datetime


class Platform(Protocol):
    """Northflank.  1000 calls an hour are allowed: poll no faster than every 5 s, and by `statuses`."""

    async def token(self) -> TokenIdentity: ...
    async def project_visible(self, project: str) -> bool: ...
    async def service(self, project: str, service: str) -> Service | None: ...
    async def statuses(self, project: str) -> Mapping[str, ServiceStatus]:
        """Of every service of the project, by its id, over all pages: one call where asking each would be thirty."""
        ...

    async def deployments(self, project: str, service: str) -> tuple[Deployment, ...]:
        """Newest first."""
        ...

    async def running_containers(self, project: str, service: str) -> int: ...
    async def secret_group(self, project: str, group: str) -> Mapping[str, Secret]: ...
    async def set_secret_group(self, permit: Permit, project: str, group: str, variables: Mapping[str, Secret]) -> None:
        """Sends the whole group: whether the provider merges or replaces is not documented; the caller reads back."""
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


@dataclass(frozen=True, slots=True)
class CombinedStatus:
    """What commit statuses (not check runs) say together; "pending" with a total of 0 means that there are none."""

    state: str  # success, pending, failure, error
    total: int


class CodeHost(Protocol):
    """GitHub."""

    async def token(self) -> TokenIdentity: ...
    async def repository_visible(self, repository: str) -> bool: ...
    async def package_versions(self, organisation: str, package: str) -> tuple[PackageVersion, ...]:
        """Over all pages, newest first; LayerFailed when there is no such package, or the token may not read it."""
        ...

    async def commit(self, repository: str, sha: str) -> Commit | None: ...
    async def branch(self, repository: str, name: str) -> Branch | None: ...
    async def check_runs(self, repository: str, sha: str) -> tuple[CheckRun, ...]: ...
    async def combined_status(self, repository: str, sha: str) -> CombinedStatus: ...
    async def attestations(self, repository: str, digest: str) -> tuple[Mapping[str, Any], ...]:
        """The provenance bundles (Sigstore, as JSON) of that digest, over all pages; none: an empty tuple.

        LayerFailed when an attestation is listed whose bundle cannot be read at all.
        """
        ...


@dataclass(frozen=True, slots=True)
class ImageProof:
    """`stated` is the registry's header, `computed` the SHA-256 of the manifest's bytes."""

    stated: str
    computed: str
    revision: str | None  # org.opencontainers.image.revision
    source: str | None
    labels: Mapping[str, str] = field(default_factory=dict)  # all of the image's configuration


class Registry(Protocol):
    """GHCR."""

    async def image(self, repository: str, reference: str) -> ImageProof | None: ...
    async def digest(self, repository: str, tag: str) -> str | None:
        """Where the tag leads now: the digest, recomputed from the bytes; None when there is no such tag."""
        ...


@dataclass(frozen=True, slots=True)
class Provenance:
    """What a verified attestation says; `how` is who verified it."""

    digest: str  # of the subject that is the image
    commit: str
    ref: str
    workflow: str
    how: str


class Provenances(Protocol):
    """Verifies provenance attestations: signature, identity, predicate, subject."""

    async def verify(
        self, bundle: Mapping[str, Any], *, image: str, digest: str, repository: str, refs: tuple[str, ...]
    ) -> Provenance:
        """`image` is NAME@DIGEST as the registry has it; `refs` are the git refs that may be built from.

        LayerFailed: it is unparsable, its signature does not hold, or it is of another repository, ref, predicate or
        digest; the sentence says which.  NoVerdict: nothing on this machine can verify this kind of bundle.
        """
        ...
