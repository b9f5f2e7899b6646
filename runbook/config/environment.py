"""Everything that a run may touch, and what it aims at."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Self

from pydantic import Field, model_validator

from runbook.config.application import Application
from runbook.config.aws import Aws
from runbook.config.base import Frozen
from runbook.config.connectivity import Connectivity
from runbook.config.database import Canary, Database
from runbook.config.vault import Vault
from runbook.toml_file import Mistake, Mistakes

NO_SERVICE: Final = "is no service of this environment's project"


class Environment(Frozen):
    """One of production, staging, practice."""

    name: str
    aws: Aws
    source_aws: Aws | None = None  # the account that production's backups live in, where it is another than `aws`
    vault: Vault
    database: Database
    application: Application
    connectivity: Connectivity
    canary: Canary

    @model_validator(mode="after")
    def _names_lead_to_services(self) -> Self:
        known = {"", *(service.name for service in self.application.services)}
        strays = [number for number, one in enumerate(self.connectivity.hostnames) if one.service not in known]
        if strays:
            raise Mistakes(Mistake(("connectivity", "hostnames", number, "service"), NO_SERVICE) for number in strays)
        return self


class StageBudgets(Frozen):
    """What a stage may take, in seconds; None = no budget.  Shown while it runs, and never part of a verdict."""

    identity_s: int | None = Field(default=None, ge=1)
    vault_s: int | None = Field(default=None, ge=1)
    database_s: int | None = Field(default=None, ge=1)
    application_s: int | None = Field(default=None, ge=1)
    connectivity_s: int | None = Field(default=None, ge=1)

    @property
    def by_stage(self) -> Mapping[str, int]:
        """Those that are set, by the stage's id."""
        return {name.removesuffix("_s"): seconds for name, seconds in self if seconds is not None}


class Targets(Frozen):
    """Recovery objectives in seconds; None = no target set, recorded as NOT_SET."""

    rto_s: int | None = Field(default=None, ge=1)
    rpo_s: int | None = Field(default=None, ge=1)
    stages: StageBudgets = StageBudgets()
