"""The tables of `runbook.toml`: each thing once, shared by both environments where it is the same in both."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from runbook.config.application import ApplicationTarget, Image
from runbook.config.aws import AwsAccount, SourceAccount
from runbook.config.base import AccountId, Folder, Frozen
from runbook.config.connectivity import ConnectivityTarget
from runbook.config.database import Assertion, DatabaseSource, DatabaseTarget
from runbook.config.signers import Signer
from runbook.config.vault import VaultSource, VaultTarget

Month = Annotated[int, Field(ge=1, le=12)]


class Platform(Frozen):
    """What is restored, by the name that people use."""

    name: str = Field(min_length=1)


class PolicyFigures(Frozen):
    """Figures of the policy that are not the built-in ones; None = the built-in one."""

    reference: str | None = None
    version: str = ""
    retention_days: int | None = Field(default=None, ge=1, le=35)
    quarter_months: tuple[Month, ...] | None = Field(default=None, min_length=1)


class People(Frozen):
    """Whom the declaration of a run offers, each to be changed there; `signers` are who signs runs off with a key."""

    operator: str = ""
    operator_role: str = ""
    witness: str = ""
    witness_role: str = ""
    clinical_safety_officer: str = ""
    signers: tuple[Signer, ...] = ()


def _folder(prefix: str) -> str:
    """A prefix is a folder: `runbook` must not also mean `runbook-old/`."""
    return prefix if prefix.endswith("/") or not prefix else f"{prefix}/"


class RecordsBucket(Frozen):
    """The evidence bucket: journals and locks are mirrored there, so that a run can be handed over.

    `retain_days`: the log's head is put there under Object Lock after each run, and nobody can remove it for so long.
    """

    bucket: str = Field(min_length=1)
    prefix: Annotated[str, AfterValidator(_folder)] = "runbook/"
    account_id: AccountId
    region: str
    retain_days: int | None = Field(default=None, ge=1, le=36_500)


class Records(Frozen):
    """Where records are kept, and what they refer to."""

    folder: Folder = Field(default=Path("compliance"), validate_default=True)
    dpia_ref: str = ""
    evidence_refs: tuple[str, ...] = ()
    bucket: RecordsBucket | None = None


class Rehearsal(Frozen):
    """`policy_exception` says who allowed an unattended run without a sign-in that proves MFA."""

    policy_exception: str = ""


class AwsProvider(Frozen):
    """`endpoint` None = AWS's own; else a VPC or gateway endpoint."""

    endpoint: str | None = None


class VaultProvider(Frozen):
    """Which product the vault is; checked against what answers."""

    product: Literal["openbao", "vault"]


class NorthflankProvider(Frozen):
    """The platform's API, with or without the final /v1."""

    api: str = "https://api.northflank.com"


class GithubProvider(Frozen):
    """`reference_host` is the registry as the platform writes it in an image's name."""

    api: str = "https://api.github.com"
    registry: str = "https://ghcr.io"
    reference_host: str = "ghcr.io"


class CloudflareProvider(Frozen):
    """`account_id` where the account and not a user owns the token."""

    api: str = "https://api.cloudflare.com/client/v4"
    account_id: str | None = None


class Providers(Frozen):
    """Whom the tool talks to."""

    aws: AwsProvider = AwsProvider()
    vault: VaultProvider
    northflank: NorthflankProvider = NorthflankProvider()
    github: GithubProvider = GithubProvider()
    cloudflare: CloudflareProvider = CloudflareProvider()


class ProductionVault(VaultTarget, VaultSource):
    """`endpoints` are host:port of what the restored vault must not reach: production's databases and APIs."""

    endpoints: tuple[str, ...] = ()


class ProductionDatabase(DatabaseTarget, DatabaseSource):
    """The instance that is backed up, and how a recovery makes its successor."""

    instance: str
    host: str
    prefix: str = "recovered"  # another than staging's: instances are told apart by it


class StagingDatabase(DatabaseTarget):
    """How a drill's copy is made, and from whose backups."""

    source: Literal["same-account", "shared-copy"] = "same-account"
    copy_kms_key: str | None = None  # staging's key, under which a shared snapshot is copied


class Production(Frozen):
    """What a recovery acts on."""

    aws: SourceAccount
    vault: ProductionVault
    database: ProductionDatabase
    application: ApplicationTarget
    connectivity: ConnectivityTarget


class Staging(Frozen):
    """What drills and rehearsals act on.  Without `connectivity`, production's zone is read and never changed."""

    aws: AwsAccount
    vault: VaultTarget
    database: StagingDatabase
    application: ApplicationTarget
    connectivity: ConnectivityTarget | None = None


class DatabaseChecks(Frozen):
    """Data checks of one's own, in both environments."""

    assertions: tuple[Assertion, ...] = ()


class FileProbe(Frozen):
    """A probe by its URL in each environment; it is not made where it has none."""

    name: str
    production_url: str | None = None
    staging_url: str | None = None
    status: int = 200
    contains: str = ""
    fields: Mapping[str, str] = {}


class ApplicationParts(Frozen):
    """What is the same in both environments: where images come from, and the pages that are asked for."""

    images: tuple[Image, ...] = Field(min_length=1)
    probes: tuple[FileProbe, ...] = ()
