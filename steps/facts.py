"""What steps establish for later ones: frozen, plain values that are written to the journal.  Times are ISO, UTC."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class ClockOffset:
    """By how many milliseconds this machine is ahead of the provider."""

    ms: int


@dataclass(frozen=True, slots=True)
class AwsSession:
    """How the sign-in was made; `mfa` is PROVEN, ATTESTED or NO, `until` its end or ""."""

    way: str
    source: str
    mfa: str
    until: str


@dataclass(frozen=True, slots=True)
class SignedInAs:
    """Who the provider says we are, and what is known of the second factor: PROVEN, ATTESTED or NO."""

    account: str
    arn: str
    mfa: str = "NO"


@dataclass(frozen=True, slots=True)
class VaultBackupChosen:
    """The vault's recovery point; `sha256` as its metadata states it, or ""."""

    bucket: str
    key: str
    version: str
    created_at: str
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class ArchiveKept:
    """The downloaded archive: its name in the run's private folder, and the SHA-256 of its bytes."""

    name: str
    sha256: str
    size: int
    source: str


@dataclass(frozen=True, slots=True)
class ArchiveInspected:
    """What the archive said of itself, offline; `shares` and `threshold` are 0 where it does not say.

    `authenticity` says in words whether shares vouched for it; `cluster_id`, "" unless they did.
    """

    kind: str
    seal: str
    shares: int
    threshold: int
    raft_index: int
    kms_key: str = ""
    version: str = ""
    authenticity: str = ""
    cluster_id: str = ""

    @property
    def shamir(self) -> bool:
        """Whether people's shares open it; else a key service does."""
        return self.seal == "shamir"


@dataclass(frozen=True, slots=True)
class TargetProven:
    """The vault server that is restored into; after the restore it is known by this, not by its cluster_id."""

    address: str
    fingerprint: str


@dataclass(frozen=True, slots=True)
class VaultRestored:
    """Which archive the target holds."""

    sha256: str
    address: str


@dataclass(frozen=True, slots=True)
class TargetFresh:
    """The throw-away cluster, before the restore; `control` is how it refused to decrypt the control record."""

    cluster_id: str
    control: str


@dataclass(frozen=True, slots=True)
class SharesUsed:
    """Whose shares opened the vault: labels, never shares; none where a key service opened it."""

    labels: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ClusterSeen:
    """The identity of the restored vault, as its health says."""

    cluster_id: str


@dataclass(frozen=True, slots=True)
class SnapshotChosen:
    """The database's recovery point: a snapshot, or (`method` PITR) an instance as it was at `created_at`.

    `data_until` is when its newest transaction was, where the provider says so, or "".
    """

    id: str
    created_at: str
    kind: str
    engine: str
    size_gib: int
    method: str = "SNAPSHOT"
    data_until: str = ""


@dataclass(frozen=True, slots=True)
class SnapshotCopied:
    """The snapshot of our own that a shared one was copied to: what is restored from then on."""

    id: str
    source: str


@dataclass(frozen=True, slots=True)
class InstanceRestored:
    """The copy, asked for at `asked_at`; `snapshot` is the recovery point that it was made from."""

    id: str
    snapshot: str
    asked_at: str


@dataclass(frozen=True, slots=True)
class InstanceReady:
    """Where the copy answers; `after_s` is how long the provider took until it was available."""

    id: str
    host: str
    port: int
    after_s: int = 0
    resource_id: str = ""


@dataclass(frozen=True, slots=True)
class RouteChosen:
    """How the copy is reached: straight, or through a tunnel that ends at `hostaddr`:`port` of this machine."""

    hostaddr: str
    port: int


@dataclass(frozen=True, slots=True)
class ContentDepth:
    """How thoroughly content is compared: `full`, or `quick` with the reason."""

    depth: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class ContentVerified:
    """What was compared, and how long after the restore was asked for; `rows` by table, spared (`policy.spared`)."""

    depth: str
    tables: int
    size: int
    seconds: int
    after_s: int
    rows: Mapping[str, int | str]


@dataclass(frozen=True, slots=True)
class PatientsHeld:
    """Of how many people the copy holds data, spared (`policy.spared`); `table` is where they were counted."""

    table: str
    rows: int | str


@dataclass(frozen=True, slots=True)
class DataUntil:
    """The newest committed business row in the copy: what the recovery point really holds."""

    at: str


@dataclass(frozen=True, slots=True)
class ImagesSeen:
    """The newest images of each package, newest first: each as `steps.application.candidates.Candidate` writes it."""

    candidates: tuple[Mapping[str, Any], ...]


@dataclass(frozen=True, slots=True)
class ImagesChosen:
    """The image of each package that is deployed, by digest, in the order of the configuration.

    Each is a mapping with `package`, `ref` (NAME@DIGEST), `digest`, `commit`, `tag`, `level`.
    """

    images: tuple[Mapping[str, str], ...]


@dataclass(frozen=True, slots=True)
class Deployed:
    """By service: when our deployment call was announced on the provider's clock, and for which digest.

    `before` is the platform's last transition right before the call, where this is known: while that one is shown, the
    call is not heard of yet.  `instances` are those that the call left the service with, never 0.
    """

    at: Mapping[str, str]
    digests: Mapping[str, str]
    before: Mapping[str, str] = field(default_factory=dict)
    instances: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ToldOtherwise:
    """When it was seen that what the services are told had changed since they were deployed, on this machine's clock.

    They may have been started so: until they are started anew no deployment of before counts.
    """

    at: str


@dataclass(frozen=True, slots=True)
class ZoneKnown:
    """The zone in front of the application."""

    id: str
    name: str
