"""What was built: seven releases, the newest three days old, `main` one commit ahead, and a candidate beside it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from runbook.estate.memory.names import BRANCH, ORGANISATION, PACKAGE, REPOSITORY
from runbook.estate.ports import CheckRun, CombinedStatus, Commit, PackageVersion

RELEASES = ("v1.6.0", "v1.6.1", "v1.7.0", "v1.7.1", "v1.8.0", "v1.8.1", "v1.8.2")
_CHECKS = tuple(CheckRun(name, "completed", "success") for name in ("build", "test"))
_SOURCE = f"https://github.com/{REPOSITORY}"


@dataclass(frozen=True, slots=True)
class Image:
    """One image: its digest is the SHA-256 of `manifest`, the bytes that the registry serves."""

    package: str
    tags: tuple[str, ...]
    commit: str
    created: datetime
    labels: Mapping[str, str]

    @property
    def manifest(self) -> bytes:
        """Names the configuration, and by it the labels, as a manifest does by its digest."""
        document = {"schemaVersion": 2, "name": f"{ORGANISATION}/{self.package}", "labels": dict(self.labels)}
        return json.dumps(document, sort_keys=True).encode()

    @property
    def digest(self) -> str:
        return "sha256:" + hashlib.sha256(self.manifest).hexdigest()

    @property
    def reference(self) -> str:
        """NAME@DIGEST as the platform writes it."""
        return f"ghcr.io/{ORGANISATION}/{self.package}@{self.digest}"


class Images:
    """Commits, their check-runs and statuses, the images of each package and their attestations; faults change them.

    All packages are built from one repository.  `served` has other bytes for a digest, where the registry lies;
    `protected` whether the branch is.
    """

    def __init__(self, now: datetime, packages: tuple[str, ...] = (PACKAGE,)) -> None:
        self.commits: dict[str, Commit] = {}
        self.checks: dict[str, tuple[CheckRun, ...]] = {}
        self.statuses: dict[str, CombinedStatus] = {}
        self.images: list[Image] = []
        self.bundles: dict[str, list[Mapping[str, Any]]] = {}
        self.moved: dict[tuple[str, str], str] = {}  # (package, tag) → the digest it leads to in the registry
        self.served: dict[str, bytes] = {}
        self.protected = True
        self._packages = packages
        parent: str | None = None
        for age, tag in reversed(list(enumerate(reversed(RELEASES)))):
            parent = self._commit(f"Release {tag}", parent)
            self._publish((tag,), parent, now - timedelta(days=3 + 14 * age))
        self.head = self._commit("Correct a sentence in the handbook", parent)
        self._publish(("v1.9.0-rc.1",), self._commit("Try the new calendar", parent), now - timedelta(days=1))

    # -- questions -----------------------------------------------------------------------------------------------
    @property
    def newest_release(self) -> Image:
        """What a restore should choose."""
        return self.release(RELEASES[-1])

    @property
    def previous_release(self) -> Image:
        """What ran before."""
        return self.release(RELEASES[-2])

    def release(self, tag: str, package: str = PACKAGE) -> Image:
        """The image that the package's list has under that tag; StopIteration where there is none."""
        return next(one for one in self.images if one.package == package and tag in one.tags)

    def by_digest(self, reference: str) -> Image | None:
        """By digest, also as the end of `registry/name@digest`."""
        wanted = reference.rpartition("@")[2]
        return next((image for image in self.images if wanted == image.digest), None)

    def in_registry(self, package: str, reference: str) -> Image | None:
        """Where that tag or digest leads in the registry."""
        digest = self.moved.get((package, reference), reference)
        for image in self.images:
            if image.package == package and (digest == image.digest or digest in image.tags):
                return image
        return None

    def versions(self, package: str) -> tuple[PackageVersion, ...]:
        """The package's list, newest first, with the untagged parts of an index between."""
        found = []
        for image in (one for one in self.images if one.package == package):
            found.append(PackageVersion(image.digest, image.tags, image.created))
            found.append(PackageVersion(_part(image), (), image.created - timedelta(seconds=1)))
        return tuple(sorted(found, key=lambda version: version.created, reverse=True))

    # -- what a test may set ---------------------------------------------------------------------------------------
    def unsign(self, tag: str = RELEASES[-1], reason: str = "unsigned") -> None:
        """That release's commit has no signature that holds; `reason` is GitHub's word."""
        sha = self.release(tag).commit
        self.commits[sha] = replace(self.commits[sha], verified=False, reason=reason)

    def redden(self, tag: str = RELEASES[-1]) -> None:
        """A required check of that release failed."""
        self.checks[self.release(tag).commit] = (_CHECKS[0], replace(_CHECKS[1], conclusion="failure"))

    def state(self, tag: str, state: str, total: int = 1) -> None:
        """What commit statuses say together of that release."""
        self.statuses[self.release(tag).commit] = CombinedStatus(state, total)

    def move_tag(self, tag: str = RELEASES[-1], package: str = PACKAGE) -> None:
        """That tag names another image in the registry than the package's list says."""
        old = self.release(tag, package)
        stranger = replace(old, tags=(), labels={**old.labels, "pushed-by": "hand"})
        self.images.append(stranger)
        self.moved[package, tag] = stranger.digest

    def tamper(self, tag: str = RELEASES[-1]) -> None:
        """The registry serves other bytes under that release's digest, and states the digest all the same."""
        image = self.release(tag)
        self.served[image.digest] = image.manifest + b" "

    def label(self, tag: str, package: str = PACKAGE, **labels: str | None) -> None:
        """That release has these labels too, or without a value none of that name (`.` and `-` as `__` and `_`).

        Its digest is another one then.
        """
        old = self.release(tag, package)
        given = {name.replace("__", ".").replace("_", "-"): value for name, value in labels.items()}
        kept = {name: value for name, value in {**old.labels, **given}.items() if value is not None}
        self.images[self.images.index(old)] = replace(old, labels=kept)

    def side_branch(self, tag: str = RELEASES[-1]) -> None:
        """That release was built beside the protected branch: its head does not lead there."""
        self.commits[self.head] = replace(
            self.commits[self.head], parents=self.commits[self.release(tag).commit].parents
        )

    def attest(
        self,
        digest: str,
        *,
        subject: str | None = None,
        commit: str | None = None,
        ref: str = f"refs/heads/{BRANCH}",
        repository: str = REPOSITORY,
    ) -> Mapping[str, Any]:
        """The code host lists a provenance bundle under that digest; it says these things, true ones by default."""
        image = self.by_digest(digest)
        stated = {
            "digest": subject or digest,
            "commit": commit or (image.commit if image else ""),
            "ref": ref,
            "repository": repository,
        }
        bundle = {"mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json", "statement": stated}
        self.bundles.setdefault(digest, []).append(bundle)
        return bundle

    # -- how it was built ------------------------------------------------------------------------------------------
    def _commit(self, message: str, parent: str | None) -> str:
        sha = hashlib.sha1(message.encode(), usedforsecurity=False).hexdigest()
        self.commits[sha] = Commit(sha, verified=True, reason="valid", parents=(parent,) if parent else ())
        self.checks[sha] = _CHECKS
        return sha

    def _publish(self, tags: tuple[str, ...], commit: str, created: datetime) -> None:
        labels = {"org.opencontainers.image.revision": commit, "org.opencontainers.image.source": _SOURCE}
        self.images += [Image(package, tags, commit, created, labels) for package in self._packages]


def _part(image: Image) -> str:
    return "sha256:" + hashlib.sha256(image.manifest + b"amd64").hexdigest()
