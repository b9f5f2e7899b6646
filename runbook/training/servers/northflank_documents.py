"""Northflank's documents, in the shape that its API has since 2026.

A service carries no `servicePaused` and no `projectId` any more.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from werkzeug.wrappers import Response

from runbook.training.servers.web import as_json
from runbook.training.servers.zone import ORIGIN

PROJECT = "clinic-staging"
TEAM = "practice-clinic"
WEB = "web"
VAULT = "vault"
GROUP = "clinic-env"
REGISTRY_CREDENTIAL = "ghcr-pull"
IMAGE_NAME = "ghcr.io/practice-clinic/clinic"
LIVENESS = {
    "protocol": "HTTP",
    "type": "livenessProbe",
    "path": "/livez",
    "port": 8000,
    "initialDelaySeconds": 10,
    "periodSeconds": 10,
    "timeoutSeconds": 3,
    "failureThreshold": 3,
    "successThreshold": 1,
}


def new_id() -> str:
    """An object's uid: 24 hexadecimal digits."""
    return secrets.token_hex(12)


def stamp(at: datetime) -> str:
    """The platform's time format."""
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


@dataclass
class Deployment:
    """One entry of the list of deployments: `name` is None until its first process answered."""

    image: str
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
    status: str = "COMPLETED"
    reason: str = "DEPLOYING"
    deployments: list[Deployment] = field(default_factory=list)
    overrides: dict[str, str] = field(default_factory=dict)  # the service's own variables: they win over the group's
    uid: str = field(default_factory=new_id)


def good(data: Any, *, count: int | None = None) -> Response:
    """A success in its envelope; lists carry `pagination`."""
    envelope: dict[str, Any] = {"data": data}
    if count is not None:
        envelope["pagination"] = {"hasNextPage": False, "count": count}
    return as_json(envelope)


def refusal(status: int, message: str, **more: Any) -> Response:
    """A refusal in its envelope."""
    return as_json({"error": {"status": status, "message": message, **more}}, status)


def invalid(*problems: str) -> Response:
    """The 400 of a body that does not validate."""
    message = "Request failed payload validation - see details."
    return refusal(400, message, id="nf-invalid-request-body", details={"object": list(problems)})


def auth(now: datetime) -> dict[str, Any]:
    """`GET /v1/auth`: whose token this is."""
    return {
        "tokenKind": "api",
        "id": "practice-restorer",
        "name": "Practice restorer",
        "entityId": TEAM,
        "entityUid": "507f1f77bcf86cd799439011",
        "entityType": "team",
        "role": {"name": "Restorer", "roleId": "restorer", "roleType": "team", "entityType": "team"},
        "permissions": {"teamScope": [], "projectScope": ["services.general.read"], "orgScope": []},
        "createdAt": stamp(now - timedelta(days=100)),
        "expiresAt": stamp(now + timedelta(days=265)),
    }


def project(services: Sequence[Service], now: datetime) -> dict[str, Any]:
    """`GET /v1/projects/{id}`."""
    return {
        **project_entry(),
        "createdAt": stamp(now - timedelta(days=300)),
        "cluster": {"id": "nf-europe-west", "name": "nf-europe-west"},
        "services": [{**_identity(one), "serviceType": "deployment"} for one in services],
        "jobs": [],
        "addons": [],
    }


def project_entry() -> dict[str, Any]:
    """The project in a list."""
    return {
        "id": PROJECT,
        "uid": "65f0a1b2c3d4e5f6a7b8c9d1",
        "name": PROJECT,
        "description": "",
        "lifecycleStatus": "created",
    }


def _identity(one: Service) -> dict[str, Any]:
    return {"id": one.id, "appId": f"/{TEAM}/{PROJECT}/{one.id}", "uid": one.uid, "name": one.id}


def status(one: Service) -> dict[str, Any]:
    """The `status` part of a service."""
    return {"deployment": {"status": one.status, "reason": one.reason, "lastTransitionTime": one.transition}}


def service_entry(one: Service) -> dict[str, Any]:
    """The service in a list."""
    more = {"projectId": PROJECT, "tags": [], "serviceType": "deployment", "disabledCI": False, "disabledCD": False}
    return {**_identity(one), **more, "status": status(one)}


def service(one: Service, now: datetime) -> dict[str, Any]:
    """The whole service object."""
    port: dict[str, Any] = {"name": "p01", "internalPort": 8000, "public": True, "protocol": "HTTP"}
    return {
        **_identity(one),
        "serviceType": "deployment",
        "createdAt": stamp(now - timedelta(days=300)),
        "updatedAt": one.transition,
        "tags": [],
        "billing": {"deploymentPlan": "nf-compute-50"},
        "cluster": {"id": "nf-europe-west", "name": "nf-europe-west", "loadBalancers": ["lb.practice.test"]},
        "status": status(one),
        "deployment": {
            "type": "deployment",
            "instances": one.instances,
            "external": {"imagePath": one.image, "credentials": REGISTRY_CREDENTIAL},
            "docker": {"configType": "default"},
        },
        "ports": [{**port, "domains": [ORIGIN] if one.id == WEB else []}],
        "healthChecks": [LIVENESS] if one.id == WEB else [],
    }


def deployment(one: Deployment) -> dict[str, Any]:
    """An entry of the list of deployments: the proof of what runs."""
    name, _, digest = one.image.partition("@")
    document = {
        "id": one.id,
        "name": one.name,
        "createdAt": one.created,
        "active": one.active,
        "image": {"imagePath": one.image, "image": name, "sha": digest},
        "instances": one.instances,
        "reason": {"id": "service-updated", "user": {"name": one.by.partition("@")[0], "email": one.by}},
    }
    return document | ({"commit": {"sha": one.commit}} if one.commit else {})


def container(name: str, *, alive: bool, ready: bool, started: float) -> dict[str, Any]:
    """One container; times are epoch seconds."""
    state = ("TASK_RUNNING" if ready else "TASK_STARTING") if alive else "TASK_FAILED"
    return {"name": name, "status": state, "createdAt": int(started), "updatedAt": int(started)}


def secret(updated: str, variables: Mapping[str, str] | None) -> dict[str, Any]:
    """The secret group; without `variables` as in a list."""
    document: dict[str, Any] = {
        "id": GROUP,
        "uid": "65f0a1b2c3d4e5f6a7b8c9d2",
        "projectId": PROJECT,
        "name": GROUP,
        "tags": [],
        "type": "secret",
        "secretType": "environment",
        "priority": 10,
        "restrictions": {"restricted": True, "nfObjects": [{"id": WEB, "type": "service"}]},
    }
    if variables is None:
        return document
    contents = {"variables": dict(variables), "files": {}}
    return document | {"createdAt": updated, "updatedAt": updated, "secrets": contents}


def registries() -> list[dict[str, Any]]:
    """`GET /v1/integrations/registries`: the pull credential is there and healthy."""
    refresh = {"status": "healthy", "failureCount": 0, "retryDelay": 0}
    return [{"id": REGISTRY_CREDENTIAL, "name": REGISTRY_CREDENTIAL, "provider": "github",
             "registryUrl": "ghcr.io", "registryCredentialRefresh": refresh}]  # fmt: skip
