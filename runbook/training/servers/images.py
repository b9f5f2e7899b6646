"""The practice organisation's commits and container images, with true digests, made from the seed."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

ORGANISATION = "practice-clinic"
REPOSITORY = "practice-clinic/clinic"
PACKAGE = "clinic"
BRANCH = "main"
REQUIRED_CHECKS = ("build", "test")

INDEX = "application/vnd.oci.image.index.v1+json"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"
RELEASES = ("v1.6.0", "v1.6.1", "v1.7.0", "v1.7.1", "v1.8.0", "v1.8.1", "v1.8.2")


@dataclass(frozen=True, slots=True)
class Commit:
    """`reason` is GitHub's word for the signature: `valid`, `unsigned` …

    `checks` are its check-runs: name to conclusion, None while one still runs.  `statuses` are what other systems
    report by the older API: context to state; an Actions-only repository has none.
    """

    sha: str
    parents: tuple[str, ...]
    message: str
    at: datetime
    reason: str = "valid"
    checks: Mapping[str, str | None] = field(default_factory=lambda: dict.fromkeys(REQUIRED_CHECKS, "success"))
    statuses: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Blob:
    """Bytes that the registry serves under their own SHA-256."""

    media_type: str
    content: bytes

    @property
    def digest(self) -> str:
        """`sha256:…` of the bytes."""
        return "sha256:" + hashlib.sha256(self.content).hexdigest()


@dataclass(frozen=True, slots=True)
class Version:
    """One entry of the package's version list; untagged ones are the parts of an index."""

    id: int
    digest: str
    tags: tuple[str, ...]
    created: datetime
    commit: str | None


class Catalogue:
    """What was built and when; faults change it.  Safe to use from several threads."""

    def __init__(self, *, seed: int, now: datetime) -> None:
        self._lock = threading.Lock()
        self._seed = seed
        self._commits: dict[str, Commit] = {}
        self._blobs: dict[str, Blob] = {}
        self._versions: list[Version] = []
        self._tags: dict[str, str] = {}
        self._bundles: dict[str, list[Mapping[str, Any]]] = {}
        self.protected = True
        self._head = self._history(now)

    def _history(self, now: datetime) -> str:
        """Releases two weeks apart, the newest three days old.

        The newest was made on a branch of its own while main went on, and main's head is the merge of the two: a
        release is not to be found by following first parents.
        """
        main: tuple[str, ...] = ()
        for age, tag in reversed(list(enumerate(RELEASES[-2::-1], start=1))):
            main = (self._release(tag, now - timedelta(days=3 + 14 * age), main, latest=False),)
        newest = self._release(RELEASES[-1], now - timedelta(days=3), main, latest=True)
        handbook = self._commit("Correct a sentence in the handbook", now - timedelta(days=4), main)
        candidate = self._commit("Try the new calendar", now - timedelta(days=1), (newest,))
        self._publish(("v1.9.0-rc.1",), now - timedelta(days=1), candidate)
        return self._commit(f"Merge release {RELEASES[-1]}", now - timedelta(days=2), (handbook, newest))

    def _release(self, tag: str, at: datetime, parents: tuple[str, ...], *, latest: bool) -> str:
        commit = self._commit(f"Release {tag}", at, parents)
        tags = ("latest", tag) if latest else (tag,)
        self._publish((*tags, f"sha-{commit[:7]}"), at + timedelta(minutes=8), commit)
        return commit

    def _commit(self, message: str, at: datetime, parents: tuple[str, ...]) -> str:
        sha = hashlib.sha256(f"{self._seed} {message}".encode()).hexdigest()[:40]
        self._commits[sha] = Commit(sha, parents, message, at)
        return sha

    def _keep(self, blob: Blob) -> dict[str, Any]:
        self._blobs[blob.digest] = blob
        return {"mediaType": blob.media_type, "digest": blob.digest, "size": len(blob.content)}

    def _publish(self, tags: tuple[str, ...], at: datetime, commit: str) -> str:
        """Store an index of two platforms and a build attestation, and list all four as versions."""
        parts = [self._platform(commit, at, machine) for machine in ("amd64", "arm64")]
        parts.append(self._attestation(commit, parts[0]["digest"]))
        index = self._keep(_document(INDEX, {"schemaVersion": 2, "mediaType": INDEX, "manifests": parts}))
        for part in parts:
            self._list(part["digest"], (), at, None)
        self._list(index["digest"], tags, at + timedelta(seconds=1), commit)
        self._tags.update(dict.fromkeys(tags, index["digest"]))
        return str(index["digest"])

    def _list(self, digest: str, tags: tuple[str, ...], at: datetime, commit: str | None) -> None:
        self._versions.append(Version(836000 + len(self._versions), digest, tags, at, commit))

    def _platform(self, commit: str, at: datetime, machine: str) -> dict[str, Any]:
        labels = {
            "org.opencontainers.image.revision": commit,
            "org.opencontainers.image.source": f"https://github.com/{REPOSITORY}",
            "org.opencontainers.image.created": at.strftime("%Y-%m-%dT%H:%M:%SZ"),
        }
        config = self._keep(
            _document(CONFIG, {"architecture": machine, "os": "linux", "config": {"Labels": labels}, "rootfs": {}})
        )
        layer = self._keep(Blob(LAYER, f"layer of {commit} for {machine}".encode()))
        manifest = {"schemaVersion": 2, "mediaType": MANIFEST, "config": config, "layers": [layer]}
        return {**self._keep(_document(MANIFEST, manifest)), "platform": {"os": "linux", "architecture": machine}}

    def _attestation(self, commit: str, subject: str) -> dict[str, Any]:
        """What buildx adds to an index: a manifest for the platform `unknown/unknown`."""
        config = self._keep(_document(CONFIG, {"architecture": "unknown", "os": "unknown", "config": {}, "rootfs": {}}))
        layer = self._keep(Blob("application/vnd.in-toto+json", json.dumps({"commit": commit}).encode()))
        manifest = {"schemaVersion": 2, "mediaType": MANIFEST, "config": config, "layers": [layer]}
        return {
            **self._keep(_document(MANIFEST, manifest)),
            "platform": {"os": "unknown", "architecture": "unknown"},
            "annotations": {
                "vnd.docker.reference.type": "attestation-manifest",
                "vnd.docker.reference.digest": subject,
            },
        }

    # -- questions ----------------------------------------------------------------------------------------------
    @property
    def head(self) -> str:
        """The commit that the protected branch points to."""
        return self._head

    def versions(self) -> list[Version]:
        """Newest first, as GitHub lists them."""
        with self._lock:
            return sorted(self._versions, key=lambda version: version.id, reverse=True)

    def commit(self, reference: str) -> Commit | None:
        """By full SHA, or by the branch's name."""
        with self._lock:
            return self._commits.get(self._head if reference == BRANCH else reference)

    def blob(self, reference: str) -> Blob | None:
        """A document by digest or tag, as the registry has it."""
        with self._lock:
            return self._blobs.get(self._tags.get(reference, reference))

    def tags(self) -> list[str]:
        """Every tag that the registry knows."""
        with self._lock:
            return sorted(self._tags)

    def released(self, tag: str) -> Version:
        """The version that GitHub lists under that tag."""
        return next(version for version in self.versions() if tag in version.tags)

    def commit_of(self, digest: str) -> str | None:
        """The commit that an index was built from."""
        return next((version.commit for version in self.versions() if version.digest == digest), None)

    def bundles(self, digest: str) -> list[Mapping[str, Any]]:
        """The provenance attestations of an image, oldest first."""
        with self._lock:
            return list(self._bundles.get(digest, ()))

    # -- what tests and faults change -----------------------------------------------------------------------------
    def attest(self, digest: str, bundle: Mapping[str, Any]) -> None:
        """Publish one provenance bundle (Sigstore, as JSON) under that digest, whatever it says itself."""
        with self._lock:
            self._bundles.setdefault(digest, []).append(bundle)

    def unsign(self, tag: str, reason: str = "unsigned") -> None:
        """GitHub does not vouch for the signature of the release's commit."""
        self._change(tag, reason=reason)

    def fail_checks(self, tag: str) -> None:
        """The release's check-runs ended in failure."""
        self.check(tag, **dict.fromkeys(REQUIRED_CHECKS, "failure"))

    def check(self, tag: str, **conclusions: str | None) -> None:
        """What the release's check-runs came to, by name; None: it still runs."""
        self._change(tag, checks=conclusions)

    def report(self, tag: str, **states: str) -> None:
        """Commit statuses of the release, by context: success, pending, failure or error."""
        self._change(tag, statuses=states)

    def move(self, tag: str) -> None:
        """The registry's tag names other content than the version that GitHub lists under it."""
        version = self.released(tag)
        with self._lock:
            parent = self._commits[version.commit or self._head]
            stranger = self._commit("Pushed by hand", parent.at + timedelta(hours=1), (parent.sha,))
            self._publish((f"build-{stranger[:7]}",), parent.at + timedelta(hours=1), stranger)
            self._tags[tag] = self._tags[f"build-{stranger[:7]}"]

    def _change(self, tag: str, **changes: Any) -> None:
        sha = self.released(tag).commit
        with self._lock:
            if sha is not None:
                self._commits[sha] = replace(self._commits[sha], **changes)


def _document(media_type: str, content: dict[str, Any]) -> Blob:
    return Blob(media_type, json.dumps(content, separators=(",", ":"), sort_keys=True).encode())
