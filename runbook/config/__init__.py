"""What a run is told about the systems it restores: frozen, validated, unknown keys refused."""

from __future__ import annotations

from runbook.config.application import Application, Consumer, Health, Image, Probe, Service, Switch
from runbook.config.aws import Aws, SignIn
from runbook.config.base import Frozen
from runbook.config.connectivity import Connectivity, Hostname, Origin, Resolver
from runbook.config.database import Assertion, Canary, Column, Database
from runbook.config.environment import Environment, Targets
from runbook.config.vault import Vault, VaultBackup

__all__ = [
    "Application",
    "Assertion",
    "Aws",
    "Canary",
    "Column",
    "Connectivity",
    "Consumer",
    "Database",
    "Environment",
    "Frozen",
    "Health",
    "Hostname",
    "Image",
    "Origin",
    "Probe",
    "Resolver",
    "Service",
    "SignIn",
    "Switch",
    "Targets",
    "Vault",
    "VaultBackup",
]
