"""What a run is told about the systems it restores: frozen, validated, unknown keys refused."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class Frozen(BaseModel):
    """Base of every configuration object."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class SignIn(Frozen):
    """How the operator signs in to AWS.

    `mfa`: an IAM user's own long-term keys (of `profile`, or asked for where there is none), and a session taken with
    the device `mfa_serial` and a code: of `role_arn`, or of the user where there is no role.  `sso`: the profile of
    IAM Identity Center.  `ambient`: what botocore's chain finds (environment, container, instance).
    """

    way: Literal["mfa", "sso", "ambient"] = "ambient"
    profile: str | None = None
    role_arn: str | None = None
    mfa_serial: str | None = None
    session_hours: float = Field(default=4.0, ge=0.25, le=36.0)
    config_file: Path | None = None  # None: the operator's own (~/.aws/config)
    sso_cache: Path | None = None  # None: the operator's own (~/.aws/sso/cache)


class Aws(Frozen):
    """The account that the backups and the restored database live in; `endpoint` None = AWS's own."""

    sign_in: SignIn = SignIn()
    account_id: str = Field(pattern=r"^\d{12}$")
    region: str
    endpoint: str | None = None
    identity_patterns: tuple[str, ...]  # ARNs (with * and ?) the operator may be signed in as


class VaultBackup(Frozen):
    """Where the daily vault backups are kept; the bucket may be none of production's own."""

    bucket: str
    prefix: str
    kms_key: str  # ARN expected on the objects
    production_buckets: tuple[str, ...] = ()


class Vault(Frozen):
    """The server that the backup is restored into, and what is known of the one that made it."""

    address: str  # https://host:port
    ca_file: Path | None = None
    product: Literal["openbao", "vault"]
    production_address: str
    cluster_id: str | None = None  # production's, as last recorded
    backup: VaultBackup
    mounts: tuple[str, ...]  # expected after the restore, without trailing slash
    transit_mount: str = "transit"
    transit_keys: tuple[str, ...]
    approle_mount: str = "approle"
    seal_type: str | None = None  # as production's record says it; None: whatever the backup says
    egress_probe: str | None = None  # URL beside the vault that tries to connect from there, and says what it reached
    egress_rule: str = ""  # the rule that closes the way out, where nothing can measure it: its name, to be attested
    production_endpoints: tuple[str, ...] = ()  # host:port that the restored vault must not reach
    service: str | None = None  # on the platform, so that it can be restarted through its API; None: by hand
    database_mount: str | None = None  # the vault's database engine; None: it has none
    database_connection: str = ""  # its connection that has to lead to the restored database
    database_host: str | None = None  # how the vault reaches it; None: by the instance's own name
    custodians: tuple[str, ...]  # labels, never shares


class Database(Frozen):
    """The production instance whose snapshots are used, and how the copy of it is made and reached."""

    source_instance: str
    source_host: str
    prefix: str = "rt"
    instance_class: str
    subnet_group: str
    security_groups: tuple[str, ...]
    parameter_group: str
    name: str
    user: str
    ca_file: Path | None = None
    hostaddr: str | None = None  # the route to a private endpoint; the name stays for verify-full
    manifest_key: str | None = None  # counts and hashes per table; `{snapshot}` stands for the snapshot's id
    manifest_bucket: str | None = None
    recency_table: str
    recency_column: str


class Image(Frozen):
    """Which image counts as verified.  Level A adds provenance attestation; B says why there is none."""

    github: str  # API base URL
    registry: str  # registry base URL
    reference_host: str = "ghcr.io"  # as the platform writes it
    organisation: str
    repository: str  # owner/name
    package: str
    branch: str = "main"
    tag_pattern: str = r"^v\d+\.\d+\.\d+$"
    required_checks: tuple[str, ...] = ()
    level: Literal["A", "B"]
    level_reason: str = ""


class Application(Frozen):
    """The service on the platform, and the documents by which it is judged."""

    platform: str  # API base URL
    project: str
    service: str
    secret_group: str
    image: Image
    database_variable: str = "DATABASE_URL"
    vault_variable: str = "VAULT_ADDR"
    health_url: str
    probe_url: str  # answers an HMAC over a nonce made in this run


class Hostname(Frozen):
    """One public name and what its record must say."""

    name: str
    type: Literal["A", "AAAA", "CNAME"] = "CNAME"
    content: str


class Resolver(Frozen):
    """A DNS server by address; port 53 unless it is a practice one."""

    address: str
    port: int = 53


class Connectivity(Frozen):
    """The edge in front of the application."""

    cloudflare: str  # API base URL
    zone: str
    hostnames: tuple[Hostname, ...]
    managed_ruleset: str
    canary_path: str = "/__waf-canary"
    authoritative: tuple[Resolver, ...]  # asked first
    resolvers: tuple[Resolver, ...]
    https_port: int = 443
    ca_file: Path | None = None
    public_path: str = "/"


class Canary(Frozen):
    """The sample test record: where its ciphertext is, and the SHA-256 of its plaintext."""

    table: str
    key_column: str
    key: str
    ciphertext_column: str
    transit_key: str
    sha256: str
    control_ciphertext: str


class Environment(Frozen):
    """One of production, staging, practice: everything that a run may touch."""

    name: str
    aws: Aws
    vault: Vault
    database: Database
    application: Application
    connectivity: Connectivity
    canary: Canary


class Targets(Frozen):
    """Recovery objectives in seconds; None = no target set, recorded as NOT_SET."""

    rto_s: int | None = None
    rpo_s: int | None = None
