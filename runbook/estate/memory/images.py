"""What was built: seven releases, the newest three days old, `main` one commit ahead, and a candidate beside it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from runbook.estate.memory.names import ORGANISATION, PACKAGE
from runbook.estate.ports import CheckRun, Commit, PackageVersion

RELEASES = ("v1.6.0", "v1.6.1", "v1.7.0", "v1.7.1", "v1.8.0", "v1.8.1", "v1.8.2")
_CHECKS = tuple(CheckRun(name, "completed", "success") for name in ("build", "test"))


@dataclass(frozen=True, slots=True)
class Image:
    """One image: its digest is the SHA-256 of `manifest`, the bytes that the registry serves."""

    tags: tuple[str, ...]
    manifest: bytes
    commit: str
    created: datetime

    @property
    def digest(self) -> str:
        return "sha256:" + hashlib.sha256(self.manifest).hexdigest()


class Images:
    """Commits, their check-runs and the images; faults change them."""

    def __init__(self, now: datetime) -> None:
        self.commits: dict[str, Commit] = {}
        self.checks: dict[str, tuple[CheckRun, ...]] = {}
        self.images: list[Image] = []
        parent: str | None = None
        for age, tag in reversed(list(enumerate(reversed(RELEASES)))):
            parent = self._commit(f"Release {tag}", parent)
            self._publish((tag,), parent, now - timedelta(days=3 + 14 * age))
        self.head = self._commit("Correct a sentence in the handbook", parent)
        self._publish(("v1.9.0-rc.1",), self._commit("Try the new calendar", parent), now - timedelta(days=1))

    @property
    def newest_release(self) -> Image:
        """What a restore should choose."""
        return next(image for image in self.images if RELEASES[-1] in image.tags)

    @property
    def previous_release(self) -> Image:
        """What ran before."""
        return next(image for image in self.images if RELEASES[-2] in image.tags)

    def by_reference(self, reference: str) -> Image | None:
        """By tag or by digest, also as the end of `registry/name@digest`."""
        wanted = reference.rpartition("@")[2]
        return next((image for image in self.images if wanted == image.digest or wanted in image.tags), None)

    def unsign(self) -> None:
        """The newest release's commit was never signed."""
        sha = self.newest_release.commit
        self.commits[sha] = replace(self.commits[sha], verified=False, reason="unsigned")

    def redden(self) -> None:
        """A required check of the newest release failed."""
        self.checks[self.newest_release.commit] = (_CHECKS[0], replace(_CHECKS[1], conclusion="failure"))

    def move_tag(self) -> None:
        """The newest release's tag names another image in the registry than the package's list says."""
        old = self.newest_release
        self.images.insert(0, replace(old, manifest=old.manifest + b" "))

    def versions(self) -> tuple[PackageVersion, ...]:
        """The package's list, newest first, with the untagged parts of an index between."""
        listed: dict[tuple[str, ...], Image] = {
            image.tags: image for image in self.images
        }  # a moved tag: the first made
        found = [PackageVersion(image.digest, image.tags, image.created) for image in listed.values()]
        parts = [PackageVersion(_part(image), (), image.created - timedelta(seconds=1)) for image in listed.values()]
        return tuple(sorted((*found, *parts), key=lambda version: version.created, reverse=True))

    def _commit(self, message: str, parent: str | None) -> str:
        sha = hashlib.sha1(message.encode(), usedforsecurity=False).hexdigest()
        self.commits[sha] = Commit(sha, verified=True, reason="valid", parents=(parent,) if parent else ())
        self.checks[sha] = _CHECKS
        return sha

    def _publish(self, tags: tuple[str, ...], commit: str, created: datetime) -> None:
        manifest = f'{{"schemaVersion": 2, "name": "{ORGANISATION}/{PACKAGE}", "commit": "{commit}"}}'
        self.images.append(Image(tags, manifest.encode(), commit, created))


def _part(image: Image) -> str:
    return "sha256:" + hashlib.sha256(image.manifest + b"amd64").hexdigest()
