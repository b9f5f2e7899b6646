"""`runbook.toml` as a whole, and the environments that runs are given from it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any, Final

from pydantic import Field

from runbook.config.application import Application, ApplicationTarget, Probe
from runbook.config.aws import Aws, AwsAccount
from runbook.config.base import Frozen
from runbook.config.connectivity import Connectivity, ConnectivityTarget
from runbook.config.database import Canary, Database, DatabaseSource, DatabaseTarget
from runbook.config.environment import Environment, Targets
from runbook.config.sections import (
    ApplicationParts,
    DatabaseChecks,
    People,
    Platform,
    PolicyFigures,
    Production,
    Providers,
    Records,
    Rehearsal,
    Staging,
)
from runbook.config.vault import Vault, VaultSource, VaultTarget
from runbook.policy import Policy

ENVIRONMENT_OF: Final[Mapping[str, str]] = MappingProxyType(
    {"drill": "staging", "rehearsal": "staging", "recovery": "production"}
)
"""Which environment each mode acts on; training has its own."""
_OTHER: Final = MappingProxyType({"staging": "production", "production": "staging"})


class Configuration(Frozen):
    """The file.  Everything in it is public: secrets are in the credential store, or asked for."""

    platform: Platform
    targets: Targets = Targets()
    figures: PolicyFigures = Field(default=PolicyFigures(), alias="policy")
    people: People = People()
    records: Records = Records()
    rehearsal: Rehearsal = Rehearsal()
    providers: Providers
    production: Production
    staging: Staging
    canary: Canary
    database: DatabaseChecks = DatabaseChecks()
    application: ApplicationParts

    def environment(self, mode: str) -> Environment:
        """What that mode acts on; ValueError for a mode that has none here (training has the practice estate)."""
        return self._named(_of(mode))

    def other(self, mode: str) -> Environment:
        """What that mode must not change."""
        return self._named(_OTHER[_of(mode)])

    def policy(self) -> Policy:
        """The built-in figures, with those of the file in their place."""
        figures, built_in = self.figures, Policy()
        reference = figures.reference or built_in.reference
        return replace(
            built_in,
            reference=f"{reference}, version {figures.version}" if figures.version else reference,
            retention_days=figures.retention_days or built_in.retention_days,
            quarter_months=figures.quarter_months or built_in.quarter_months,
        )

    # -- an environment, put together ------------------------------------------------------------------------------
    def _named(self, name: str) -> Environment:
        side = self.production if name == "production" else self.staging
        accounts = {self.production.aws.account_id, side.aws.account_id}
        return Environment(
            name=name,
            aws=self._aws(side.aws),
            source_aws=self._read_only() if len(accounts) > 1 else None,
            vault=self._vault(side.vault),
            database=self._database(side.database),
            application=self._application(name),
            connectivity=self._connectivity(side.connectivity),
            canary=self.canary,
        )

    def _aws(self, account: AwsAccount) -> Aws:
        return Aws(**_fields(AwsAccount, account), endpoint=self.providers.aws.endpoint)

    def _read_only(self) -> Aws:
        account = self.production.aws
        return self._aws(account).model_copy(update={"sign_in": account.reader})

    def _vault(self, target: VaultTarget) -> Vault:
        production = self.production.vault
        return Vault(
            **_fields(VaultTarget, target),
            **_fields(VaultSource, production),
            product=self.providers.vault.product,
            production_address=production.address,
            production_endpoints=production.endpoints,
        )

    def _database(self, target: DatabaseTarget) -> Database:
        source = self.production.database
        staging = self.staging.database
        ours = {}
        if target is staging and staging.source == "shared-copy":
            ours = {
                "source": staging.source,
                "source_account": self.production.aws.account_id,
                "copy_kms_key": staging.copy_kms_key,
            }
        return Database(
            **_fields(DatabaseTarget, target),
            **_fields(DatabaseSource, source),
            **ours,
            source_instance=source.instance,
            source_host=source.host,
            assertions=self.database.assertions,
        )

    def _application(self, name: str) -> Application:
        side = self.production if name == "production" else self.staging
        providers = self.providers
        return Application(
            **_fields(ApplicationTarget, side.application),
            platform=providers.northflank.api.rstrip("/").removesuffix("/v1") + "/v1",
            github=providers.github.api,
            registry=providers.github.registry,
            reference_host=providers.github.reference_host,
            images=self.application.images,
            probes=self._probes(name),
        )

    def _probes(self, name: str) -> tuple[Probe, ...]:
        urls = [
            (one, one.production_url if name == "production" else one.staging_url) for one in self.application.probes
        ]
        return tuple(
            Probe(name=one.name, url=url, status=one.status, contains=one.contains, fields=one.fields)
            for one, url in urls
            if url
        )

    def _connectivity(self, target: ConnectivityTarget | None) -> Connectivity:
        read_only = self.production.connectivity.model_copy(update={"hostnames": ()})
        cloudflare = self.providers.cloudflare
        return Connectivity(
            **_fields(ConnectivityTarget, target or read_only),
            cloudflare=cloudflare.api,
            account_id=cloudflare.account_id,
        )


def _of(mode: str) -> str:
    if mode not in ENVIRONMENT_OF:
        raise ValueError(f"{mode}: no environment of runbook.toml; known: {', '.join(ENVIRONMENT_OF)}")
    return ENVIRONMENT_OF[mode]


def _fields(part: type[Frozen], of: Frozen) -> dict[str, Any]:
    """The values of `of` that `part` has."""
    return {name: getattr(of, name) for name in part.model_fields}
