"""The vault that is restored, and where its backups are."""

from __future__ import annotations

from typing import Literal

from runbook.config.base import ExistingFile, Frozen


class VaultBackup(Frozen):
    """Where the daily vault backups are kept; the bucket may be none of production's own."""

    bucket: str
    prefix: str
    kms_key: str  # ARN expected on the objects
    production_buckets: tuple[str, ...] = ()


class VaultTarget(Frozen):
    """The server that the backup is restored into."""

    address: str  # https://host:port
    ca_file: ExistingFile | None = None  # None: the certificate authorities that the public trusts
    egress_probe: str | None = None  # URL beside the vault that tries to connect from there, and says what it reached
    egress_rule: str = ""  # the rule that closes the way out, where nothing can measure it: its name, to be attested
    service: str | None = None  # on the platform, so that it can be restarted through its API; None: by hand
    database_host: str | None = None  # how the vault reaches the database; None: by the instance's own name


class VaultSource(Frozen):
    """What is known of the vault that made the backup."""

    cluster_id: str | None = None  # production's, as last recorded
    backup: VaultBackup
    mounts: tuple[str, ...]  # expected after the restore, without trailing slash
    transit_mount: str = "transit"
    transit_keys: tuple[str, ...]
    approle_mount: str = "approle"
    seal_type: str | None = None  # as production's record says it; None: whatever the backup says
    database_mount: str | None = None  # the vault's database engine; None: it has none
    database_connection: str = ""  # its connection that has to lead to the restored database
    custodians: tuple[str, ...]  # labels, never shares


class Vault(VaultTarget, VaultSource):
    """Both, as a run is told them."""

    product: Literal["openbao", "vault"]
    production_address: str
    production_endpoints: tuple[str, ...] = ()  # host:port that the restored vault must not reach
