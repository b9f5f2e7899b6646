"""What the practice project consists of: services, deployments, secret groups; plain state without behaviour."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from datetime import UTC, datetime

from runbook.training.servers.zone import ORIGIN

PROJECT = "clinic-staging"
TEAM = "practice-clinic"
WEB = "web"
WORKER = "worker"
VAULT = "vault"
WEB_GROUP = "clinic-env"
WORKER_GROUP = "worker-env"
REGISTRY_CREDENTIAL = "ghcr-pull"
IMAGE_NAME = "ghcr.io/practice-clinic/clinic"
VAULT_IMAGE = "quay.io/openbao/openbao:2.6.2"
DOMAINS = {WEB: ORIGIN}
"""The public services' names; the others are reached inside the project only."""


def new_id() -> str:
    """An object's uid: 24 hexadecimal digits."""
    return secrets.token_hex(12)


def stamp(at: datetime) -> str:
    """The platform's time format (milliseconds)."""
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def utc_now() -> str:
    """Now, in the platform's format."""
    return stamp(datetime.now(UTC))


@dataclass
class Deployment:
    """One entry of the list of deployments: `name` is None until its first process answered.

    `image` is as it was asked for; `digest` is what that was when it was pulled.
    """

    image: str
    digest: str
    instances: int
    created: str
    active: bool = False
    name: str | None = None
    commit: str | None = None
    by: str = "restorer@clinic.test"
    id: str = field(default_factory=new_id)


@dataclass
class Service:
    """A service's configuration, and what the platform says about its last rollout."""

    id: str
    image: str
    instances: int
    transition: str
    credentials: str | None = None
    status: str = "COMPLETED"
    reason: str = "DEPLOYING"
    deployments: list[Deployment] = field(default_factory=list)
    overrides: dict[str, str] = field(default_factory=dict)  # the service's own variables: they win over the groups'
    uid: str = field(default_factory=new_id)


@dataclass
class Group:
    """A secret group: its variables go to the services that it is restricted to, its files are mounted there."""

    id: str
    variables: dict[str, str]
    services: tuple[str, ...]
    updated: str = ""
    files: dict[str, dict[str, str]] = field(default_factory=dict)  # path to {"data": base64, "encoding": …}
    uid: str = field(default_factory=new_id)
