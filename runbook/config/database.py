"""The database whose backups are used, and how the copy of it is made, reached and judged."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, field_validator

from runbook.config.base import ExistingFile, Folder, Frozen


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


class DatabaseTarget(Frozen):
    """How the copy of the database is made, and reached."""

    prefix: str = "rt"
    instance_class: str
    hourly_cost: str = ""  # of such an instance, as it is to be shown ("0.21 USD"); "": not known
    subnet_group: str
    security_groups: tuple[str, ...]
    parameter_group: str
    multi_az: bool = False
    iam_auth: bool = False
    deletion_protection: bool = False  # of what `recovery` restores; a drill's copy never has it
    auto_minor_upgrade: bool = True  # of what `recovery` restores; a drill's copy keeps its source's version
    retention_days: int = Field(default=30, ge=0, le=35)  # of what `recovery` restores; a drill's copy keeps none
    ca_file: ExistingFile | None = None
    hostaddr: str | None = None  # the route to a private endpoint; the name stays for verify-full
    tunnel: str = ""  # the command that opens that route: {host}, {port} of the copy, {local_port} of the end here
    tunnel_port: int = Field(default=15432, ge=1024, le=65535)
    content_connections: int = Field(default=4, ge=1, le=16)
    quick_limit_mib: int = Field(default=32, ge=0)  # larger tables are only counted in a quick pass

    @field_validator("tunnel")
    @classmethod
    def _has_its_places(cls, command: str) -> str:
        """A command without one of them would open the wrong way."""
        missing = [place for place in ("{host}", "{port}", "{local_port}") if command and place not in command]
        if missing:
            raise ValueError(f"lacks {', '.join(missing)}")
        return command


class DatabaseSource(Frozen):
    """What is in the database that is backed up, whoever restores it."""

    name: str
    user: str
    recency_table: str
    recency_column: str
    patients_table: str | None = None  # one row for each person whose data the copy holds
    ciphertexts: tuple[Column, ...] = ()  # where the versions of the transit key are read
    outbound_queues: tuple[str, ...] = ()  # tables whose rows the application sends to others
    transient_tables: tuple[str, ...] = ()  # rows come and go (queues, sessions): counted, never compared
    manifest_bucket: str | None = None  # manifests made at the source: `manifest_prefix` in it, named by their time
    manifest_prefix: str = "manifests/"
    manifest_folder: Folder | None = None  # or in a folder of this machine


class Database(DatabaseTarget, DatabaseSource):
    """The production instance whose backups are used, and how the copy of it is made and reached."""

    source_instance: str
    source_host: str
    source: Literal["same-account", "shared-copy"] = (
        "same-account"  # whose backups: ours, or shared by production's job
    )
    source_account: str | None = None  # the account that shares them
    copy_kms_key: str | None = None  # our key, under which a shared one is copied
    assertions: tuple[Assertion, ...] = ()


class Canary(Frozen):
    """The sample test record: where its ciphertext is, and the SHA-256 of its plaintext."""

    table: str
    key_column: str
    key: str
    ciphertext_column: str
    transit_key: str
    sha256: str
    control_ciphertext: str
