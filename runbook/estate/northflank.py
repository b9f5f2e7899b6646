"""Northflank, REST v1.

The service object changed in 2026: fields are read where they are found, in the old shape and the new one.
Targets of permits: `<project>/<service>` and `<project>/<group>`.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from runbook.engine.errors import NoVerdict
from runbook.engine.ports import Permit, Secret
from runbook.estate.answers import listing, mapping, moment, optional, text, whole
from runbook.estate.door import Door
from runbook.estate.http import Api, Wiring, bearer, segment
from runbook.estate.http_errors import Provider
from runbook.estate.http_message import Answer
from runbook.estate.ports import Deployment, Service, ServiceStatus, TokenIdentity
from runbook.safety.interlock import Interlock

NORTHFLANK = Provider(
    "northflank",
    "Northflank",
    sign_in="Make a new API token (its role needs the project).",
)
_MOST_PAGES = 50
_BY_DIGEST = re.compile(r"@(sha256:[0-9a-f]{64})$")
_EARLIEST = datetime.min.replace(tzinfo=UTC)


class Northflank:
    """`ports.Platform`.  `base_url` ends in `/v1`; 1000 calls an hour are allowed, so poll no faster than every 5 s."""

    def __init__(
        self, base_url: str, token: Secret, interlock: Interlock, door: Door, *, wiring: Wiring | None = None
    ) -> None:
        self._api = Api(NORTHFLANK, base_url, bearer(token), interlock, door, secrets=(token,), wiring=wiring)

    async def token(self) -> TokenIdentity:
        data = _data(await self._api.read("/auth"))
        scopes = listing(mapping(data.get("permissions")).get("projectScope"))
        return TokenIdentity(
            id=text(data.get("id")),
            kind=text(data.get("tokenKind")),
            expires=moment(data.get("expiresAt")),
            scopes=tuple(text(scope) for scope in scopes),
        )

    async def project_visible(self, project: str) -> bool:
        answer = await self._api.read(f"/projects/{segment(project)}", allow=(404,))
        return answer.status != 404

    async def service(self, project: str, service: str) -> Service | None:
        answer = await self._api.read(_service_path(project, service), allow=(404,))
        return None if answer.status == 404 else _service(_data(answer))

    async def statuses(self, project: str) -> Mapping[str, ServiceStatus]:
        services = await self._pages(f"/projects/{segment(project)}/services", "services")
        return {text(one.get("id")): ServiceStatus(*_status(one)) for one in services if one.get("id")}

    async def deployments(self, project: str, service: str) -> tuple[Deployment, ...]:
        """Newest first, of the newest hundred: who asks wants to know what runs now."""
        answer = await self._api.read(_service_path(project, service) + "/deployments", params={"per_page": "100"})
        found = [_deployment(mapping(item)) for item in listing(_data(answer).get("deployments"))]
        return tuple(sorted(found, key=lambda deployment: deployment.created, reverse=True))

    async def running_containers(self, project: str, service: str) -> int:
        containers = await self._pages(_service_path(project, service) + "/containers", "containers")
        return sum(container.get("status") == "TASK_RUNNING" for container in containers)

    async def secret_group(self, project: str, group: str) -> Mapping[str, Secret]:
        """In either shape of the answer.  NoVerdict when it has neither: an empty group sent back would erase it."""
        answer = await self._group(project, group)
        variables = _variables(_data(answer))
        if variables is None:
            raise NoVerdict(
                f"Northflank's answer about the secret group {group} holds no variables that this tool can read",
                fix="Look at the group in the console; may the token read its contents?",
                source=answer.source,
            )
        return {str(name): Secret(_plain(value)) for name, value in variables.items()}

    async def set_secret_group(self, permit: Permit, project: str, group: str, variables: Mapping[str, Secret]) -> None:
        """Target `<project>/<group>`.  Files of the group are read and sent again, in case PATCH replaces."""
        files = mapping(mapping(_data(await self._group(project, group)).get("secrets")).get("files"))
        contents: dict[str, Any] = {"variables": {name: value.reveal() for name, value in variables.items()}}
        if files:
            contents["files"] = files
        await self._api.change(
            permit,
            "northflank:SetSecretGroup",
            f"{project}/{group}",
            "PATCH",
            _group_path(project, group),
            document={"secrets": contents},
            secrets=(*variables.values(), *_in_files(files)),
        )

    async def deploy(
        self, permit: Permit, project: str, service: str, *, image: str, instances: int, credentials: str | None
    ) -> Service:
        """Target `<project>/<service>`.

        `instances` is required by the provider whenever `deployment` is sent.  What is answered may still
        show the previous COMPLETED: only `transition` and `deployments` tell.
        """
        external = {"imagePath": image, **({"credentials": credentials} if credentials else {})}
        answer = await self._api.change(
            permit,
            "northflank:Deploy",
            f"{project}/{service}",
            "PATCH",
            f"/projects/{segment(project)}/services/deployment/{segment(service)}",
            document={"deployment": {"instances": instances, "external": external}},
        )
        return _service(_data(answer))

    async def restart(self, permit: Permit, project: str, service: str) -> None:
        """Target `<project>/<service>`: for when the wanted digest is already set."""
        path = _service_path(project, service) + "/restart"
        await self._api.change(permit, "northflank:Restart", f"{project}/{service}", "POST", path)

    async def _group(self, project: str, group: str) -> Answer:
        return await self._api.read(_group_path(project, group), params={"show": "this"})

    async def _pages(self, path: str, key: str) -> list[Mapping[str, Any]]:
        """Every item over all pages, by cursor where one is given, else by page number."""
        found: list[Mapping[str, Any]] = []
        params = {"per_page": "100"}
        for page in range(1, _MOST_PAGES + 1):
            answer = await self._api.read(path, params=params)
            items = [mapping(item) for item in listing(_data(answer).get(key))]
            found += items
            pagination = mapping(mapping(answer.document()).get("pagination"))
            if not items or not pagination.get("hasNextPage"):
                break
            cursor = pagination.get("cursor")
            params = {"per_page": "100", **({"cursor": str(cursor)} if cursor else {"page": str(page + 1)})}
        return found


def _data(answer: Answer) -> Mapping[str, Any]:
    return mapping(mapping(answer.document()).get("data"))


def _service_path(project: str, service: str) -> str:
    return f"/projects/{segment(project)}/services/{segment(service)}"


def _group_path(project: str, group: str) -> str:
    return f"/projects/{segment(project)}/secrets/{segment(group)}"


def _service(data: Mapping[str, Any]) -> Service:
    """Paused is said by `servicePaused` (old shape) or by an `instances` of 0 (new shape); none at all says nothing."""
    deployment = mapping(data.get("deployment"))
    instances = whole(deployment.get("instances"))
    external = mapping(deployment.get("external"))
    status, transition = _status(data)
    return Service(
        id=text(data.get("id")),
        image=optional(external.get("imagePath")),
        credentials=optional(external.get("credentials")),
        instances=instances,
        status=status,
        transition=transition,
        paused=data.get("servicePaused") is True or instances == 0,
        kind=text(data.get("serviceType")),
        own={str(name): Secret(_plain(value)) for name, value in mapping(data.get("runtimeEnvironment")).items()},
    )


def _status(data: Mapping[str, Any]) -> tuple[str, datetime | None]:
    """Of a service, in its own answer and in a list's alike."""
    status = mapping(mapping(data.get("status")).get("deployment"))
    return text(status.get("status")), moment(status.get("lastTransitionTime"))


def _deployment(item: Mapping[str, Any]) -> Deployment:
    """The digest stands by itself, or only in the path that was deployed."""
    image = mapping(item.get("image"))
    deployed = _BY_DIGEST.search(text(image.get("imagePath")))
    return Deployment(
        id=text(item.get("id")),
        active=item.get("active") is True,
        digest=optional(image.get("sha")) or (deployed[1] if deployed else None),
        created=moment(item.get("createdAt")) or _EARLIEST,
    )


def _variables(data: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """`secrets.variables`, or as older answers have them: in `secrets` itself, or in `data`; None: in neither."""
    secrets = data.get("secrets")
    if isinstance(secrets, Mapping) and {"variables", "files"} & secrets.keys():
        variables = secrets.get("variables") or {}
        return variables if isinstance(variables, Mapping) else None
    for flat in (secrets, data.get("data")):
        if isinstance(flat, Mapping) and not any(isinstance(value, Mapping | list) for value in flat.values()):
            return flat
    return None


def _in_files(files: Mapping[str, Any]) -> list[Secret]:
    """The content of each file, as it is sent and, where that is base64, as it is meant."""
    sent = [_plain(file.get("data") if isinstance(file, Mapping) else file) for file in files.values()]
    return [Secret(form) for content in sent for form in (content, _decoded(content)) if form]


def _decoded(content: str) -> str:
    try:
        return base64.b64decode(content, validate=True).decode("utf-8", "replace")
    except ValueError:
        return ""


def _plain(value: object) -> str:
    """Variables are texts; whatever else came is written as JSON has it, and nothing as nothing."""
    return value if isinstance(value, str) else "" if value is None else json.dumps(value)
