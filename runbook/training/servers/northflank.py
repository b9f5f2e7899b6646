"""Northflank's REST API v1 as far as it is used, over the state in `platform`."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from werkzeug.wrappers import Request, Response

from runbook.training.servers import northflank_documents as documents
from runbook.training.servers.northflank_documents import GROUP, PROJECT, WEB, Service, invalid
from runbook.training.servers.platform import Platform
from runbook.training.servers.web import Answered, Api, Route, json_object

HOURLY = 1000
_IMAGE = re.compile(r"[a-z0-9.-]+(?::\d+)?(?:/[a-z0-9._-]+)+(?::[\w.-]+|@sha256:[0-9a-f]{64})")


class Northflank(Api):
    """One project; `token` is an API token."""

    def __init__(self, platform: Platform, token: str) -> None:
        self._platform = platform
        self._token = token
        self._lock = threading.Lock()
        self._calls = 0
        self._window = time.monotonic()
        super().__init__()

    def routes(self) -> Iterable[Route]:
        project = "/v1/projects/<project>"
        service = project + "/services/<service>"
        return (
            Route("GET", "/v1/auth", self.auth),
            Route("GET", "/v1/projects", self.projects),
            Route("GET", project, self.project),
            Route("GET", project + "/services", self.services),
            Route("GET", service, self.service),
            Route("PATCH", project + "/services/deployment/<service>", self.deploy),
            Route("GET", service + "/deployments", self.deployments),
            Route("GET", service + "/containers", self.containers),
            Route("POST", service + "/restart", self.restart),
            Route("GET", project + "/secrets", self.secrets),
            Route("GET", project + "/secrets/<group>", self.secret),
            Route("PATCH", project + "/secrets/<group>", self.change_secret),
            Route("GET", "/v1/integrations/registries", self.registries),
        )

    def unknown(self, request: Request) -> Response:
        del request
        return documents.refusal(404, "Not found. The requested route does not exist")

    def gate(self, request: Request) -> Response | None:
        if request.headers.get("Authorization") == f"Bearer {self._token}":
            return None
        return documents.refusal(401, "Unauthorized")

    def finish(self, request: Request, response: Response) -> Response:
        """Count the call; the window is an hour from its first call, `reset` the seconds to go.  Not enforced."""
        del request
        with self._lock:
            if time.monotonic() - self._window >= 3600:
                self._calls, self._window = 0, time.monotonic()
            self._calls += 1
            calls, left = self._calls, 3600 - int(time.monotonic() - self._window)
        response.headers["x-ratelimit-limit"] = str(HOURLY)
        response.headers["x-ratelimit-remaining"] = str(max(1, HOURLY - calls))
        response.headers["x-ratelimit-reset"] = str(left)
        return response

    # -- project ------------------------------------------------------------------------------------------------
    def auth(self, request: Request) -> Response:
        del request
        return documents.good(documents.auth(datetime.now(UTC)))

    def projects(self, request: Request) -> Response:
        del request
        return documents.good({"projects": [documents.project_entry()]}, count=1)

    def project(self, request: Request, project: str) -> Response:
        del request
        _known(project)
        with self._platform.locked():
            return documents.good(documents.project(list(self._platform.services.values()), self._platform.now))

    def registries(self, request: Request) -> Response:
        del request
        return documents.good({"credentials": documents.registries()}, count=1)

    # -- services -----------------------------------------------------------------------------------------------
    def services(self, request: Request, project: str) -> Response:
        del request
        _known(project)
        with self._platform.locked():
            listed = [documents.service_entry(one) for one in self._platform.services.values()]
        return documents.good({"services": listed}, count=len(listed))

    def service(self, request: Request, project: str, service: str) -> Response:
        del request
        found = self._service(project, service)
        with self._platform.locked():
            return documents.good(documents.service(self._platform.read(found), self._platform.now))

    def deploy(self, request: Request, project: str, service: str) -> Response:
        """`deployment.instances` is required whenever `deployment` is sent."""
        found = self._service(project, service)
        if found.id != WEB:
            return documents.refusal(409, "This service is not deployed from here in the practice estate")
        body = json_object(request)
        change = body.get("deployment") if body is not None else None
        problem = _unfit(change)
        if problem is not None or not isinstance(change, dict):
            return invalid(problem or '"deployment" is required. Received "undefined"')
        image = change.get("external", {}).get("imagePath", found.image)
        with self._platform.locked():
            document = documents.service(self._platform.configure(image, change["instances"]), self._platform.now)
        document["status"]["deployment"]["status"] = "IN_PROGRESS"
        return documents.good(document)

    def deployments(self, request: Request, project: str, service: str) -> Response:
        del request
        found = self._service(project, service)
        with self._platform.locked():
            listed = [documents.deployment(one) for one in found.deployments]
        return documents.good({"deployments": listed}, count=len(listed))

    def containers(self, request: Request, project: str, service: str) -> Response:
        del request
        found = self._service(project, service)
        listed = [
            documents.container(one.name, alive=one.child.alive, ready=one.port is not None, started=one.started)
            for one in self._platform.containers(found.id)
        ]
        return documents.good({"containers": listed}, count=len(listed))

    def restart(self, request: Request, project: str, service: str) -> Response:
        del request
        self._platform.restart(self._service(project, service).id)
        return documents.good({})

    # -- secrets ------------------------------------------------------------------------------------------------
    def secrets(self, request: Request, project: str) -> Response:
        del request
        _known(project)
        return documents.good({"secrets": [documents.secret("", None)]}, count=1)

    def secret(self, request: Request, project: str, group: str) -> Response:
        del request
        self._group(project, group)
        with self._platform.locked():
            return documents.good(documents.secret(self._platform.updated, self._platform.variables))

    def change_secret(self, request: Request, project: str, group: str) -> Response:
        """The variables given are merged into the group's."""
        self._group(project, group)
        body = json_object(request)
        given = (body or {}).get("secrets", {}).get("variables")
        if not isinstance(given, dict) or not all(isinstance(value, str) for value in given.values()):
            return invalid('"secrets.variables" must be an object of strings')
        self._platform.set_variables(given)
        with self._platform.locked():
            return documents.good(documents.secret(self._platform.updated, self._platform.variables))

    def _group(self, project: str, group: str) -> None:
        _known(project)
        if group != GROUP:
            raise Answered(documents.refusal(404, "Secret group not found"))

    def _service(self, project: str, service: str) -> Service:
        _known(project)
        found = self._platform.services.get(service)
        if found is None:
            raise Answered(documents.refusal(404, "Service not found"))
        return found


def _known(project: str) -> None:
    if project != PROJECT:
        raise Answered(documents.refusal(404, "Project not found"))


def _unfit(change: Any) -> str | None:
    """Why this `deployment` part would be refused, or None."""
    if not isinstance(change, dict):
        return '"deployment" must be of type object'
    instances = change.get("instances")
    if isinstance(instances, bool) or not isinstance(instances, int) or not 0 <= instances <= 10:
        return f'"deployment.instances" is required. Received "{"undefined" if instances is None else instances}"'
    external = change.get("external", {})
    image = external.get("imagePath") if isinstance(external, dict) else external
    if external and not (isinstance(image, str) and _IMAGE.fullmatch(image)):
        return '"deployment.external.imagePath" must be name:tag or name@sha256:digest'
    return None
