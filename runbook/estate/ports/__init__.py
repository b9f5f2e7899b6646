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
    AutomatedBackup,
    DatabaseService,
    FromSnapshot,
    Ground,
    Instance,
    RestoreSpec,
    SecurityGroup,
    Snapshot,
    ToMoment,
)
from runbook.estate.ports.edge import (
    DnsRecord,
    EdgeNetwork,
    Names,
    Phase,
    Rule,
    Silent,
    Web,
    WebAnswer,
    Zone,
    ZoneSettings,
)
from runbook.estate.ports.platform import (
    Branch,
    CheckRun,
    CodeHost,
    CombinedStatus,
    Commit,
    Deployment,
    ImageProof,
    PackageVersion,
    Platform,
    Provenance,
    Provenances,
    Registry,
    Service,
    ServiceStatus,
    TokenIdentity,
)
from runbook.estate.ports.rates import Allowance, Rates
from runbook.estate.ports.sql import (
    ContentAsk,
    ContentProgress,
    Database,
    Databases,
    DatabaseSession,
    Endpoint,
    KeyVersions,
    Login,
    Reading,
    SideEffect,
    TableContent,
    TableShape,
    Whereabouts,
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
class BackupSource:
    """The account that production's backups live in, where it is not the environment's own: signed in to by itself,
    and only ever read."""

    account: CloudAccount
    objects: ObjectStore
    keys: KeyService
    databases: DatabaseService


@dataclass(frozen=True, slots=True)
class Estate:
    """The systems of one environment, already behind the interlock.

    `source` is where backups are read from, where that is another account; `backups` is it, wherever it is.
    """

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
    provenances: Provenances
    edge: EdgeNetwork
    names: Names
    web: Web
    rates: Rates
    source: BackupSource | None = None

    @property
    def backups(self) -> BackupSource:
        """Where production's backups are read from."""
        return self.source or BackupSource(self.account, self.objects, self.keys, self.databases)


__all__ = [
    "Allowance",
    "ArchiveProof",
    "ArchiveReport",
    "Archives",
    "AutomatedBackup",
    "BackupSource",
    "Branch",
    "BucketPosture",
    "CallerIdentity",
    "CheckRun",
    "CloudAccount",
    "CodeHost",
    "CombinedStatus",
    "Commit",
    "ContentAsk",
    "ContentProgress",
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
    "FromSnapshot",
    "Ground",
    "ImageProof",
    "Instance",
    "KeyService",
    "KeyVersions",
    "Login",
    "Names",
    "ObjectStore",
    "PackageVersion",
    "Phase",
    "Platform",
    "Progress",
    "Provenance",
    "Provenances",
    "Rates",
    "Reading",
    "Registry",
    "RestoreSpec",
    "Rule",
    "SealStatus",
    "SecurityGroup",
    "Service",
    "ServiceStatus",
    "SideEffect",
    "SignInState",
    "Silent",
    "Snapshot",
    "StaticRole",
    "StoredObject",
    "TableContent",
    "TableShape",
    "ThrowAway",
    "ToMoment",
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
    "ZoneSettings",
]
