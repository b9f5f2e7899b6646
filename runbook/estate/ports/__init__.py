"""What the steps may ask of the systems being restored, as Protocols and plain values.

Every method is a coroutine.  Adapters clean each outside text (`safety.outside_text`) and raise only
`NoVerdict` (could not ask: network, timeout, 401/403, 5xx, throttled) and `LayerFailed` (the provider
refused on the merits), each with a sentence, a fix and the provider's own words.  "Not found" is None or
an empty tuple wherever a step can meet it in good order.

A method that changes something takes a `Permit`, which only the conductor makes, after the intent is on disk.
Times are aware datetimes in UTC, sizes are bytes, durations are seconds.
"""

from __future__ import annotations

from dataclasses import dataclass

from runbook.estate.ports.cloud import (
    BucketPosture,
    CallerIdentity,
    CloudAccount,
    Download,
    KeyService,
    ObjectStore,
    Progress,
    SignInState,
    StoredObject,
    WrongCode,
)
from runbook.estate.ports.databases import (
    Database,
    Databases,
    DatabaseService,
    DatabaseSession,
    Endpoint,
    Instance,
    RestoreSpec,
    Snapshot,
    TableContent,
    Whereabouts,
)
from runbook.estate.ports.edge import (
    DnsRecord,
    EdgeNetwork,
    Names,
    Rule,
    Web,
    WebAnswer,
    Zone,
)
from runbook.estate.ports.platform import (
    Branch,
    CheckRun,
    CodeHost,
    Commit,
    Deployment,
    ImageProof,
    PackageVersion,
    Platform,
    Registry,
    Service,
    TokenIdentity,
)
from runbook.estate.ports.vault import (
    ArchiveProof,
    ArchiveReport,
    Archives,
    SealStatus,
    StaticRole,
    ThrowAway,
    TransitKey,
    Undecryptable,
    Vault,
    VaultHealth,
    WrongArchiveShares,
    WrongShares,
)


@dataclass(frozen=True, slots=True)
class Estate:
    """The systems of one environment, already behind the interlock."""

    account: CloudAccount
    objects: ObjectStore
    keys: KeyService
    databases: DatabaseService
    archives: Archives
    vault: Vault
    sql: Databases
    platform: Platform
    code: CodeHost
    registry: Registry
    edge: EdgeNetwork
    names: Names
    web: Web


__all__ = [
    "ArchiveProof",
    "ArchiveReport",
    "Archives",
    "Branch",
    "BucketPosture",
    "CallerIdentity",
    "CheckRun",
    "CloudAccount",
    "CodeHost",
    "Commit",
    "Database",
    "DatabaseService",
    "DatabaseSession",
    "Databases",
    "Deployment",
    "DnsRecord",
    "Download",
    "EdgeNetwork",
    "Endpoint",
    "Estate",
    "ImageProof",
    "Instance",
    "KeyService",
    "Names",
    "ObjectStore",
    "PackageVersion",
    "Platform",
    "Progress",
    "Registry",
    "RestoreSpec",
    "Rule",
    "SealStatus",
    "Service",
    "SignInState",
    "Snapshot",
    "StaticRole",
    "StoredObject",
    "TableContent",
    "ThrowAway",
    "TokenIdentity",
    "TransitKey",
    "Undecryptable",
    "Vault",
    "VaultHealth",
    "Web",
    "WebAnswer",
    "Whereabouts",
    "WrongArchiveShares",
    "WrongCode",
    "WrongShares",
    "Zone",
]
