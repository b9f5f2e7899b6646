"""What the steps may ask of the systems being restored, as Protocols and plain values.

Every method is a coroutine.  Adapters clean each outside text (`safety.outside_text`) and raise only
`NoVerdict` (could not ask: network, timeout, 401/403, 5xx, throttled) and `LayerFailed` (the provider
refused on the merits), each with a sentence, a fix and the provider's own words.  "Not found" is None or
an empty tuple wherever a step can meet it in good order.

A method that changes something takes a `Permit`, which only the conductor makes, after the intent is on disk.
Times are aware datetimes in UTC, sizes are bytes, durations are seconds.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

from runbook.engine.ports import Permit, Secret

Progress = Callable[[int, int], None]
"""Called with (done, total) bytes; may be called from any thread; total 0 = unknown."""


# -- cloud account ------------------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class CallerIdentity:
    account: str
    arn: str


class CloudAccount(Protocol):
    """STS."""

    async def identity(self) -> CallerIdentity: ...
    async def clock_offset(self) -> float:
        """Seconds by which this machine is ahead of the provider's HTTP `Date` (negative: behind)."""
        ...

    @property
    def loopback(self) -> bool:
        """True when any provider endpoint is on this machine: the run is not a test of the real one."""
        ...


# -- objects and keys ---------------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class StoredObject:
    bucket: str
    key: str
    size: int
    modified: datetime
    version: str | None = None
    encryption: str | None = None  # "aws:kms", "AES256", None = unknown
    kms_key: str | None = None
    sha256: str | None = None  # from the object's metadata `sha256`, full-file, lower-case hex


@dataclass(frozen=True, slots=True)
class BucketPosture:
    public_access_blocked: bool | None  # None = could not be read
    versioned: bool
    object_lock: bool


@dataclass(frozen=True, slots=True)
class Download:
    path: Path
    size: int
    sha256: str


class ObjectStore(Protocol):
    """S3."""

    async def list(self, bucket: str, prefix: str) -> tuple[StoredObject, ...]:
        """Every object under the prefix, over all pages, oldest first by LastModified; only listing fields filled."""
        ...

    async def head(self, bucket: str, key: str) -> StoredObject: ...
    async def posture(self, bucket: str) -> BucketPosture: ...
    async def download(self, stored: StoredObject, to: Path, progress: Progress) -> Download:
        """Stream that version into `to` (mode 0600, bounded memory), hashing on the way."""
        ...

    async def read(self, bucket: str, key: str, limit: int = 8 << 20) -> bytes:
        """A small object whole; larger than `limit` is refused (LayerFailed)."""
        ...


class KeyService(Protocol):
    """KMS."""

    async def state(self, key: str) -> str | None:
        """`Enabled`, `Disabled`, `PendingDeletion` … or None when there is no such key."""
        ...


# -- managed databases --------------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class Snapshot:
    id: str
    instance: str
    kind: str  # automated, manual
    status: str
    created: datetime
    size_gib: int
    engine: str
    engine_version: str
    encrypted: bool
    kms_key: str | None
    data_until: datetime | None = None  # SnapshotDatabaseTime where the provider gives it


@dataclass(frozen=True, slots=True)
class RestoreSpec:
    """Every parameter explicit: the provider's defaults are not ours (`RestoreDBInstanceFromDBSnapshot`)."""

    instance: str
    snapshot: str
    instance_class: str
    subnet_group: str
    security_groups: tuple[str, ...]
    parameter_group: str
    multi_az: bool
    deletion_protection: bool
    retention_days: int
    tags: Mapping[str, str]
    public: bool = False
    iam_auth: bool = False


@dataclass(frozen=True, slots=True)
class Instance:
    id: str
    status: str
    host: str
    port: int
    percent: int | None
    created: datetime | None
    tags: Mapping[str, str] = field(default_factory=dict)
    public: bool | None = None


class DatabaseService(Protocol):
    """RDS."""

    async def snapshots(self, instance: str) -> tuple[Snapshot, ...]:
        """Automated and manual, over all pages, oldest first."""
        ...

    async def instance(self, instance: str) -> Instance | None: ...
    async def tagged(self, key: str, value: str) -> tuple[Instance, ...]: ...
    async def restore(self, permit: Permit, spec: RestoreSpec) -> Instance: ...
    async def delete(self, permit: Permit, instance: str) -> None:
        """Without a final snapshot, its automated backups with it; a missing one is no error."""
        ...

    async def automated_backups(self, instance: str) -> int:
        """How many automated backups of that instance are still kept."""
        ...


# -- vault --------------------------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class SealStatus:
    initialised: bool
    sealed: bool
    seal_type: str
    threshold: int
    shares: int
    progress: int
    nonce: str
    version: str
    storage: str
    cluster_id: str | None = None
    recovery_seal: bool = False


@dataclass(frozen=True, slots=True)
class VaultHealth:
    status: int  # 200 active, 429 standby or broken, 501 uninitialised, 503 sealed
    cluster_id: str | None
    server_time: datetime | None


@dataclass(frozen=True, slots=True)
class ThrowAway:
    """Keys and root token of a fresh cluster; in memory only, dead after the restore."""

    keys: tuple[Secret, ...]
    root_token: Secret


@dataclass(frozen=True, slots=True)
class TransitKey:
    name: str
    versions: tuple[int, ...]
    latest: int
    min_decryption: int


class Undecryptable(Exception):
    """Raised by `Vault.decrypt`; `reason` is one of: sealed, authentication, unknown-key, version-too-new,
    version-too-old, malformed, other; `text` is the server's cleaned answer, `status` its HTTP status."""

    def __init__(self, reason: str, status: int, text: str) -> None:
        super().__init__(text)
        self.reason = reason
        self.status = status
        self.text = text


class WrongShares(Exception):
    """Raised by `Vault.unseal`: the threshold was reached with a set that opens nothing; `text` as the server said."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text


@dataclass(frozen=True, slots=True)
class ArchiveReport:
    """What a vault backup is and needs, read offline without any key; None where it does not say.

    `kind` is raft-snapshot, consul-snapshot or file-storage; `size` the archive's bytes, `members` name → SHA-256;
    `problems` are sentences about what a restore should know and that damage nothing.
    """

    kind: str
    raft_index: int | None
    size: int
    seal_type: str | None
    shares: int | None
    threshold: int | None
    kms_key: str | None
    members: Mapping[str, str]
    problems: tuple[str, ...] = ()


class Archives(Protocol):
    """Reads a vault backup before any server is touched."""

    async def inspect(self, path: Path) -> ArchiveReport:
        """LayerFailed, naming the member where it can be, when the archive is damaged."""
        ...


class Vault(Protocol):
    """The target server; the token of a login is kept inside the adapter, in memory."""

    async def seal_status(self) -> SealStatus: ...
    async def health(self) -> VaultHealth: ...
    async def fingerprint(self) -> str:
        """SHA-256 of the certificate the server shows (`sha256:…`)."""
        ...

    async def initialise(self, permit: Permit, *, shares: int, threshold: int) -> ThrowAway: ...
    async def unseal(self, permit: Permit, share: Secret) -> SealStatus:
        """One share; raises WrongShares when the completed set is refused (progress is then 0)."""
        ...

    async def reset_unseal(self, permit: Permit) -> SealStatus: ...
    async def restore(self, permit: Permit, archive: Path, *, token: Secret, force: bool, progress: Progress) -> None:
        """Send the archive; the 204 that answers proves nothing: the server works on it afterwards."""
        ...

    async def login(self, permit: Permit, *, role_id: Secret, secret_id: Secret, mount: str) -> str:
        """AppRole; keeps the token, answers its accessor-free display name (role name)."""
        ...

    async def token_works(self, token: Secret) -> bool:
        """lookup-self with that token: False on 403."""
        ...

    @property
    def signed_in(self) -> bool: ...
    async def mounts(self) -> tuple[str, ...]: ...
    async def transit_key(self, mount: str, name: str) -> TransitKey | None: ...
    async def decrypt(self, mount: str, key: str, ciphertext: str) -> Secret:
        """Plaintext (decoded), or Undecryptable.  Without a sign-in the call is still made (sealed → 503)."""
        ...

    async def sign_out(self, permit: Permit) -> None:
        """Revoke the adapter's own token; without one nothing happens."""
        ...


# -- the restored database, from inside ---------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where to connect: TLS is always verify-full against `host`; `hostaddr` only changes the route (a tunnel)."""

    host: str
    port: int
    hostaddr: str | None = None


@dataclass(frozen=True, slots=True)
class Whereabouts:
    address: str
    port: int
    started: datetime
    in_recovery: bool
    version: str
    tls: bool
    server_time: datetime


@dataclass(frozen=True, slots=True)
class TableContent:
    """`digest` is the order-independent sum of row hashes, as text; None where it was not asked for."""

    table: str
    rows: int
    digest: str | None


@dataclass(frozen=True, slots=True)
class DatabaseSession:
    application: str
    client: str
    started: datetime
    user: str


class Database(Protocol):
    """Read-only, row_security off, statement timeout set, text settings pinned."""

    async def ping(self) -> None: ...
    async def whereabouts(self) -> Whereabouts: ...
    async def tables(self) -> tuple[str, ...]:
        """Ordinary tables outside the system schemas, as `schema.table`, sorted."""
        ...

    async def rows(self, table: str) -> int: ...
    async def content(self, table: str) -> TableContent: ...
    async def newest(self, table: str, column: str) -> datetime | None: ...
    async def text_value(self, table: str, key_column: str, key: str, column: str) -> str | None: ...
    async def sessions(self, application: str) -> tuple[DatabaseSession, ...]:
        """Live sessions by `application_name`, our own left out."""
        ...


class Databases(Protocol):
    def at(self, endpoint: Endpoint) -> Database: ...


# -- platform -----------------------------------------------------------------------------------------------------
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


# -- code host and registry ---------------------------------------------------------------------------------------
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


# -- edge, names, web ---------------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class Zone:
    id: str
    name: str
    status: str
    paused: bool
    name_servers: tuple[str, ...]
    development_mode: bool


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule of a phase's entry point; `raw` is the whole rule as the provider gave it."""

    id: str | None
    action: str
    expression: str
    enabled: bool
    ruleset: str | None  # of an execute rule
    raw: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class DnsRecord:
    id: str
    name: str
    type: str
    content: str
    proxied: bool
    ttl: int


class EdgeNetwork(Protocol):
    """Cloudflare."""

    async def token(self) -> TokenIdentity: ...
    async def zone(self, name: str) -> Zone | None: ...
    async def rules(self, zone: str, phase: str) -> tuple[Rule, ...]:
        """404 with code 10003 means: no rules."""
        ...

    async def put_rules(
        self, permit: Permit, zone: str, phase: str, rules: tuple[Mapping[str, Any], ...], *, dry_run: bool
    ) -> None:
        """Replaces all rules of the phase."""
        ...

    async def records(self, zone: str, name: str) -> tuple[DnsRecord, ...]: ...
    async def set_record(self, permit: Permit, zone: str, record: DnsRecord) -> DnsRecord: ...
    async def ranges(self) -> tuple[str, ...]:
        """The published CIDR ranges, IPv4 and IPv6."""
        ...


class Names(Protocol):
    """DNS."""

    async def addresses(self, name: str, server: str, port: int) -> tuple[str, ...]:
        """A and AAAA as that server answers; empty on NXDOMAIN or no answer records."""
        ...


@dataclass(frozen=True, slots=True)
class WebAnswer:
    status: int
    headers: Mapping[str, str]  # lower-case names
    body: bytes
    address: str
    certificate_until: datetime | None


class Web(Protocol):
    """The application as a visitor sees it.  Redirects are not followed; TLS is verified for the name."""

    async def get(self, url: str, *, address: str | None = None) -> WebAnswer: ...
    async def post(self, url: str, document: Mapping[str, Any], *, address: str | None = None) -> WebAnswer: ...


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
