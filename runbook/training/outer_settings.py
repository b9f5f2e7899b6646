"""What the outer layers tell a run (`application` of the configuration), and what the application is started with."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

from runbook.training.halves import Data
from runbook.training.servers import images
from runbook.training.servers.northflank_state import (
    IMAGE_NAME,
    PROJECT,
    WEB,
    WEB_GROUP,
    WORKER,
    WORKER_GROUP,
    Group,
)

OUTBOUND = {WEB_GROUP: ("OUTBOUND_MAIL", "OUTBOUND_SMS", "OUTBOUND_WEBHOOKS"), WORKER_GROUP: ("OUTBOUND_JOBS",)}
LETTERHEAD = {"/etc/clinic/letterhead.txt": {"data": "UHJhY3RpY2UgQ2xpbmlj", "encoding": "utf-8"}}
LOST = ("clinic-lost.eu-west-2.rds.practice.test", 1)
"""Where the database was before the restore: nothing listens there."""


@dataclass(frozen=True, slots=True)
class Addresses:
    """Base URLs, without a trailing slash, of what runs."""

    platform: str
    github: str
    registry: str
    web: str
    worker: str


def application(at: Addresses) -> dict[str, Any]:
    """The part `application` of `runbook.config.Environment`."""
    return {
        "platform": f"{at.platform}/v1",
        "project": PROJECT,
        "github": at.github,
        "registry": at.registry,
        "reference_host": IMAGE_NAME.partition("/")[0],
        "images": [_image()],
        "services": [
            {"name": WEB, "health": {"url": f"{at.web}/healthz"}, "probe_url": f"{at.web}/__runbook/probe"},
            {"name": WORKER, "health": {"url": f"{at.worker}/healthz"}},
        ],
        "consumers": [
            {"secret_group": WEB_GROUP, "services": [WEB]},
            {"name": WORKER, "secret_group": WORKER_GROUP, "services": [WORKER]},
        ],
        "outbound": [
            {"secret_group": group, "variable": variable} for group, names in OUTBOUND.items() for variable in names
        ],
        "probes": [{"name": "appointments page", "url": f"{at.web}/appointments", "contains": "The diary is open."}],
    }


def _image() -> dict[str, Any]:
    return {
        "organisation": images.ORGANISATION,
        "repository": images.REPOSITORY,
        "package": images.PACKAGE,
        "branch": images.BRANCH,
        "required_checks": list(images.REQUIRED_CHECKS),
        "level": "B",
        "level_reason": "a private repository on a plan without artifact attestations",
    }


def groups(data: Data, ca_file: Path) -> tuple[Group, Group]:
    """Before the restore: the addresses of what was lost, and everything that acts on others is on."""
    return (
        Group(WEB_GROUP, _variables(data, ca_file, WEB_GROUP, "clinic"), (WEB,), files=dict(LETTERHEAD)),
        Group(WORKER_GROUP, _variables(data, ca_file, WORKER_GROUP, "clinic-worker"), (WORKER,)),
    )


def _variables(data: Data, ca_file: Path, group: str, application_name: str) -> dict[str, str]:
    known = data.credentials()
    return {
        "DATABASE_URL": database_url(data, ca_file, LOST, application_name),
        "VAULT_ADDR": "https://127.0.0.1:1",
        "VAULT_CACERT": str(ca_file),
        "VAULT_ROLE_ID": known["app-vault-role-id"],
        "VAULT_SECRET_ID": known["app-vault-secret-id"],
        "TRANSIT_KEY": str(data.environment()["canary"]["transit_key"]),
        **dict.fromkeys(OUTBOUND[group], "on"),
    }


def database_url(data: Data, ca_file: Path, endpoint: tuple[str, int], application_name: str) -> str:
    """As the application signs in; `endpoint` is a host name and a port, both of 127.0.0.1."""
    known = data.credentials()
    login = f"{quote(known['app-database-user'], safe='')}:{quote(known['app-database-password'], safe='')}"
    options = {
        "sslmode": "verify-full",
        "sslrootcert": str(ca_file),
        "hostaddr": "127.0.0.1",
        "application_name": application_name,
    }
    host, port = endpoint
    name = data.environment()["database"]["name"]
    return f"postgresql://{login}@{host}:{port}/{name}?{urlencode(options)}"
