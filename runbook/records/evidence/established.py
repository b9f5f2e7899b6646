"""What the steps established (backup chosen, image, account …), as run.json names it.

Facts are journalled by the name of their type; a step writes them in `steps`, which this room does not import.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from runbook.engine.run import Run
from runbook.records.canonical import moment, stamp


class Established:
    """The newest valid facts of a run, by type name and field."""

    def __init__(self, run: Run) -> None:
        self._attempts = run.attempts
        self._facts: dict[str, Mapping[str, Any]] = {}
        for attempt in run.attempts:
            if not attempt.void:
                self._facts.update(attempt.facts)

    def has(self, kind: str) -> bool:
        """Whether any step established one."""
        return kind in self._facts

    def ever(self, kind: str) -> list[Mapping[str, Any]]:
        """Every one that was established, oldest first, those of void results too: what was done is not undone."""
        return [attempt.facts[kind] for attempt in self._attempts if kind in attempt.facts]

    def get(self, kind: str, name: str, default: Any = None) -> Any:
        """The field of the fact, or `default` where there is no such fact or field."""
        value = self._facts.get(kind, {}).get(name)
        return default if value is None else value

    def moment(self, kind: str, name: str) -> datetime | None:
        """A field that holds an ISO time."""
        text = self.get(kind, name)
        return moment(text) if text else None

    def time(self, kind: str, name: str) -> str | None:
        """The same, written as run.json writes times."""
        return _stamped(self.get(kind, name))


def vault_backup(known: Established) -> dict[str, Any] | None:
    """Identity of the vault backup that was chosen, or None."""
    if not known.has("VaultBackupChosen"):
        return None
    version = known.get("VaultBackupChosen", "version")
    place = f"s3://{known.get('VaultBackupChosen', 'bucket')}/{known.get('VaultBackupChosen', 'key')}"
    return {
        "id": f"{place}?versionId={version}" if version else place,
        "created_at": known.time("VaultBackupChosen", "created_at"),
        "digest": prefixed("sha256", known.get("ArchiveKept", "sha256")),
        "seal": _seal(known),
        "authenticity": known.get("ArchiveInspected", "authenticity"),
        "cluster_id": known.get("ClusterSeen", "cluster_id"),
        "share_labels": known.get("SharesUsed", "labels", ()),
        "kind": known.get("ArchiveInspected", "kind"),
        "size": known.get("ArchiveKept", "size", known.get("VaultBackupChosen", "size")),
    }


def _seal(known: Established) -> str | None:
    """`shamir 3/5`, or the key service and its key: what has to be there to open it."""
    seal = known.get("ArchiveInspected", "seal")
    if key := known.get("ArchiveInspected", "kms_key"):
        return f"{seal} {key}"
    threshold, shares = known.get("ArchiveInspected", "threshold"), known.get("ArchiveInspected", "shares")
    return f"{seal} {threshold}/{shares}" if seal and threshold and shares else seal


def database_backup(known: Established) -> dict[str, Any] | None:
    """Identity of the database's recovery point, or None."""
    if not known.has("SnapshotChosen"):
        return None
    return {
        "id": known.get("SnapshotChosen", "id"),
        "created_at": known.time("SnapshotChosen", "created_at"),
        "method": known.get("SnapshotChosen", "method", "SNAPSHOT"),
        "data_until": known.time("DataUntil", "at"),
    }


def images(known: Established) -> list[dict[str, Any]]:
    """The images that were deployed, by digest, in the order of the configuration."""
    return [_image(one) for one in known.get("ImagesChosen", "images", ())]


def _image(chosen: Mapping[str, Any]) -> dict[str, Any]:
    ref, digest = chosen.get("ref") or "", chosen.get("digest")
    return {
        "ref": ref if "@" in ref or not digest else f"{ref}@{prefixed('sha256', digest)}",
        "commit": prefixed("git", chosen.get("commit")) or None,
        "level": chosen.get("level"),
        "tag": chosen.get("tag") or None,
        "package": chosen.get("package"),
    }


def deployed(known: Established) -> list[dict[str, Any]]:
    """Each service that was deployed: its image's digest, and when the call was announced on the provider's clock."""
    digests: Mapping[str, Any] = known.get("Deployed", "digests", {})
    asked: Mapping[str, Any] = known.get("Deployed", "at", {})
    return [
        {"service": service, "digest": prefixed("sha256", digest), "asked_at": _stamped(asked.get(service))}
        for service, digest in digests.items()
    ]


def _stamped(text: str | None) -> str | None:
    return stamp(moment(text)) if text else None


def signed_in_as(known: Established) -> dict[str, Any] | None:
    """Account and ARN as STS said them, or None."""
    if not known.has("SignedInAs"):
        return None
    return {"account": known.get("SignedInAs", "account"), "arn": known.get("SignedInAs", "arn")}


def prefixed(prefix: str, value: str | None) -> str | None:
    """`sha256:…`, `git:…`: spreadsheets mangle a bare one."""
    return value if not value or value.startswith(prefix + ":") else f"{prefix}:{value}"
