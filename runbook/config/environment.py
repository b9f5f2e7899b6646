"""Everything that a run may touch, and what it aims at."""

from __future__ import annotations

from typing import Self

from pydantic import model_validator

from runbook.config.application import Application
from runbook.config.aws import Aws
from runbook.config.base import Frozen
from runbook.config.connectivity import Connectivity
from runbook.config.database import Canary, Database
from runbook.config.vault import Vault


class Environment(Frozen):
    """One of production, staging, practice."""

    name: str
    aws: Aws
    vault: Vault
    database: Database
    application: Application
    connectivity: Connectivity
    canary: Canary

    @model_validator(mode="after")
    def _names_lead_to_services(self) -> Self:
        known = {service.name for service in self.application.services}
        if strays := [one.name for one in self.connectivity.hostnames if one.service and one.service not in known]:
            raise ValueError(f"connectivity.hostnames {', '.join(strays)}: no such service")
        return self


class Targets(Frozen):
    """Recovery objectives in seconds; None = no target set, recorded as NOT_SET."""

    rto_s: int | None = None
    rpo_s: int | None = None
