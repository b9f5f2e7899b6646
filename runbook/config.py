"""What a run is told about the systems it restores: frozen, validated, unknown keys refused."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator


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


class Assertion(Frozen):
    """A data check of one's own: the query answers one number or boolean, `expect` is that value as text."""

    name: str
    sql: str
    expect: str


class Column(Frozen):
    """A column of ciphertexts."""

    table: str
    column: str
    transit_key: str | None = None  # None: the canary's


class Database(Frozen):
    """The production instance whose backups are used, and how the copy of it is made and reached."""

    source_instance: str
    source_host: str
    source: Literal["same-account", "shared-copy"] = (
        "same-account"  # whose backups: ours, or shared by production's job
    )
    source_account: str | None = None  # the account that shares them
    copy_kms_key: str | None = None  # our key, under which a shared one is copied
    prefix: str = "rt"
    instance_class: str
    subnet_group: str
    security_groups: tuple[str, ...]
    parameter_group: str
    multi_az: bool = False
    iam_auth: bool = False
    deletion_protection: bool = False  # of what `recovery` restores; a drill's copy never has it
    auto_minor_upgrade: bool = True  # of what `recovery` restores; a drill's copy keeps its source's version
    retention_days: int = Field(default=30, ge=0, le=35)  # of what `recovery` restores; a drill's copy keeps none
    name: str
    user: str
    ca_file: Path | None = None
    hostaddr: str | None = None  # the route to a private endpoint; the name stays for verify-full
    tunnel: str = ""  # the command that opens that route: {host}, {port} of the copy, {local_port} of the end here
    tunnel_port: int = Field(default=15432, ge=1024, le=65535)
    manifest_bucket: str | None = None  # manifests made at the source: `manifest_prefix` in it, named by their time
    manifest_prefix: str = "manifests/"
    manifest_folder: Path | None = None  # or in a folder of this machine
    content_connections: int = Field(default=4, ge=1, le=16)
    quick_limit_mib: int = Field(default=32, ge=0)  # larger tables are only counted in a quick pass
    transient_tables: tuple[str, ...] = ()  # rows come and go (queues, sessions): counted, never compared
    recency_table: str
    recency_column: str
    patients_table: str | None = None  # one row for each person whose data the copy holds
    ciphertexts: tuple[Column, ...] = ()  # where the versions of the transit key are read
    outbound_queues: tuple[str, ...] = ()  # tables whose rows the application sends to others
    assertions: tuple[Assertion, ...] = ()

    @field_validator("tunnel")
    @classmethod
    def _has_its_places(cls, command: str) -> str:
        """A command without one of them would open the wrong way."""
        missing = [place for place in ("{host}", "{port}", "{local_port}") if command and place not in command]
        if missing:
            raise ValueError(f"lacks {', '.join(missing)}")
        return command


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
