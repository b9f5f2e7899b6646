"""Northflank, REST v1.

The service object changed in 2026: fields are read where they are found, in the old shape and the new one.
Targets of permits: `<project>/<service>` and `<project>/<group>`.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from runbook.engine.ports import Permit, Secret
from runbook.estate.answers import listing, mapping, moment, number, optional, text
from runbook.estate.door import Door
from runbook.estate.http import Api, Wiring, bearer, segment
from runbook.estate.http_errors import Provider
from runbook.estate.http_message import Answer
from runbook.estate.ports import Deployment, Service, TokenIdentity
from runbook.safety.interlock import Interlock

NORTHFLANK = Provider(
    "northflank",
    "Northflank",
    sign_in="Make a new API token (its role needs the project).",
)
_MOST_PAGES = 50
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

    async def deployments(self, project: str, service: str) -> tuple[Deployment, ...]:
        """Newest first, of the newest hundred: who asks wants to know what runs now."""
        answer = await self._api.read(_service_path(project, service) + "/deployments", params={"per_page": "100"})
        found = [_deployment(mapping(item)) for item in listing(_data(answer).get("deployments"))]
        return tuple(sorted(found, key=lambda deployment: deployment.created, reverse=True))

    async def running_containers(self, project: str, service: str) -> int:
        containers = await self._pages(_service_path(project, service) + "/containers", "containers")
        return sum(container.get("status") == "TASK_RUNNING" for container in containers)

    async def secret_group(self, project: str, group: str) -> Mapping[str, Secret]:
        variables = mapping((await self._secrets(project, group)).get("variables"))
        return {str(name): Secret(str(value)) for name, value in variables.items()}

    async def set_secret_group(self, permit: Permit, project: str, group: str, variables: Mapping[str, Secret]) -> None:
        """Target `<project>/<group>`.  Files of the group are read and sent again, in case PATCH replaces."""
        files = mapping((await self._secrets(project, group)).get("files"))
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
            secrets=tuple(variables.values()),
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

    async def _secrets(self, project: str, group: str) -> Mapping[str, Any]:
        answer = await self._api.read(_group_path(project, group), params={"show": "this"})
        return mapping(_data(answer).get("secrets"))

    async def _pages(self, path: str, key: str) -> list[Mapping[str, Any]]:
        """Every item over all pages, by cursor where one is given, else by page number."""
        found: list[Mapping[str, Any]] = []
        params = {"per_page": "100"}
        for page in range(1, _MOST_PAGES + 1):
            answer = await self._api.read(path, params=params)
            found += [mapping(item) for item in listing(_data(answer).get(key))]
            pagination = mapping(mapping(answer.document()).get("pagination"))
            if not pagination.get("hasNextPage"):
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
    """Paused is said by `servicePaused` (old shape) or by no instances (new shape)."""
    deployment = mapping(data.get("deployment"))
    external = mapping(deployment.get("external"))
    status = mapping(mapping(data.get("status")).get("deployment"))
    return Service(
        id=text(data.get("id")),
        image=optional(external.get("imagePath")),
        credentials=optional(external.get("credentials")),
        instances=number(deployment.get("instances")),
        status=text(status.get("status")),
        transition=moment(status.get("lastTransitionTime")),
        paused=data.get("servicePaused") is True or deployment.get("instances") == 0,
    )


def _deployment(item: Mapping[str, Any]) -> Deployment:
    return Deployment(
        id=text(item.get("id")),
        active=item.get("active") is True,
        digest=optional(mapping(item.get("image")).get("sha")),
        created=moment(item.get("createdAt")) or _EARLIEST,
    )
