"""Northflank's documents, in the shape that its API has since 2026, and what made the older shape another one."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from werkzeug.wrappers import Response

from runbook.training.servers.northflank_state import (
    DOMAINS,
    IMAGE_NAME,
    PROJECT,
    REGISTRY_CREDENTIAL,
    TEAM,
    Deployment,
    Group,
    Service,
    stamp,
)
from runbook.training.servers.web import as_json

CLUSTER = {"id": "nf-europe-west", "name": "nf-europe-west"}
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


# -- envelopes ----------------------------------------------------------------------------------------------------
def good(data: Any) -> Response:
    """A success in its envelope."""
    return as_json({"data": data})


def page(key: str, items: Sequence[Any], arguments: Any) -> Response:
    """One page of a list; `arguments` are the query's: `per_page` (50 unless said, at most 100), `page` or `cursor`."""
    size = arguments.get("per_page", 50, int)
    number = arguments.get("page", 1, int)
    cursor = arguments.get("cursor", "")
    if not 1 <= size <= 100 or number < 1 or not (cursor == "" or cursor.isdecimal()):
        return invalid('"per_page" must be between 1 and 100, "page" at least 1, "cursor" one that was given')
    begin = int(cursor) if cursor else (number - 1) * size
    shown, following = items[begin : begin + size], begin + size
    more = following < len(items)
    pagination = {"hasNextPage": more, "count": len(shown)} | ({"cursor": str(following)} if more else {})
    return as_json({"data": {key: list(shown)}, "pagination": pagination})


def refusal(status: int, message: str, **more: Any) -> Response:
    """A refusal in its envelope."""
    return as_json({"error": {"status": status, "message": message, **more}}, status)


def invalid(*problems: str) -> Response:
    """The 400 of a body that does not validate."""
    message = "Request failed payload validation - see details."
    return refusal(400, message, id="nf-invalid-request-body", details={"object": list(problems)})


# -- account and project ------------------------------------------------------------------------------------------
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
        "cluster": CLUSTER,
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


def registries() -> list[dict[str, Any]]:
    """`GET /v1/integrations/registries`: the pull credential is there and healthy."""
    refresh = {"status": "healthy", "failureCount": 0, "retryDelay": 0}
    return [{"id": REGISTRY_CREDENTIAL, "name": REGISTRY_CREDENTIAL, "provider": "github",
             "registryUrl": "ghcr.io", "registryCredentialRefresh": refresh}]  # fmt: skip


# -- services -----------------------------------------------------------------------------------------------------
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
    return {
        **_identity(one),
        "serviceType": "deployment",
        "createdAt": stamp(now - timedelta(days=300)),
        "updatedAt": one.transition,
        "tags": [],
        "billing": {"deploymentPlan": "nf-compute-50"},
        "cluster": {**CLUSTER, "loadBalancers": ["lb.practice.test"]},
        "status": status(one),
        "deployment": {
            "type": "deployment",
            "instances": one.instances,
            "external": {"imagePath": one.image} | ({"credentials": one.credentials} if one.credentials else {}),
            "docker": {"configType": "default"},
        },
        "ports": [_port(one)],
        "healthChecks": [LIVENESS] if one.image.startswith(IMAGE_NAME) else [],
        "runtimeEnvironment": dict(one.overrides),
    }


def _port(one: Service) -> dict[str, Any]:
    port: dict[str, Any] = {"name": "p01", "internalPort": 8000, "public": one.id in DOMAINS, "protocol": "HTTP"}
    return port | {"domains": [DOMAINS[one.id]] if one.id in DOMAINS else []}


def older(document: dict[str, Any]) -> dict[str, Any]:
    """The same service as the API answered before 2026: other fields, and paused said by one of its own."""
    gone = ("uid", "healthChecks", "updatedAt")
    kept = {name: value for name, value in document.items() if name not in gone}
    deployment = document["deployment"]
    external = {**deployment["external"], "registryProvider": "github"}
    return {
        **kept,
        "projectId": PROJECT,
        "servicePaused": deployment["instances"] == 0,
        "deployment": {**deployment, "region": "europe-west", "external": external},
    }


def deployment(one: Deployment) -> dict[str, Any]:
    """An entry of the list of deployments: the proof of what runs."""
    name, _, _ = one.image.partition("@")
    name, _, tag = name.partition(":")
    image = {"imagePath": one.image, "image": name, "sha": one.digest} | ({"tag": tag} if tag else {})
    document = {
        "id": one.id,
        "name": one.name,
        "createdAt": one.created,
        "active": one.active,
        "image": image,
        "instances": one.instances,
        "reason": {"id": "service-updated", "user": {"name": one.by.partition("@")[0], "email": one.by}},
    }
    return document | ({"commit": {"sha": one.commit}} if one.commit else {})


def container(name: str, *, alive: bool, ready: bool, started: float) -> dict[str, Any]:
    """One container; times are epoch seconds."""
    state = ("TASK_RUNNING" if ready else "TASK_STARTING") if alive else "TASK_FAILED"
    return {"name": name, "status": state, "createdAt": int(started), "updatedAt": int(started)}


# -- secret groups ------------------------------------------------------------------------------------------------
def secret_entry(one: Group) -> dict[str, Any]:
    """The secret group in a list."""
    objects = [{"id": name, "type": "service"} for name in one.services]
    return {
        "id": one.id,
        "uid": one.uid,
        "projectId": PROJECT,
        "name": one.id,
        "tags": [],
        "type": "secret",
        "secretType": "environment",
        "priority": 10,
        "restrictions": {"restricted": True, "nfObjects": objects},
    }


def secret(one: Group) -> dict[str, Any]:
    """The whole group, its values in plain text."""
    contents = {"variables": dict(one.variables), "files": dict(one.files)}
    return secret_entry(one) | {"createdAt": one.updated, "updatedAt": one.updated, "secrets": contents}
