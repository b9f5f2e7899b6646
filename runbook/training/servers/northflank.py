"""Northflank's REST API v1 as far as it is used, over the state in `platform`."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Any

from werkzeug.wrappers import Request, Response

from runbook.training.servers import northflank_bodies as bodies
from runbook.training.servers import northflank_documents as documents
from runbook.training.servers.allowance import Allowance, Spent
from runbook.training.servers.hosted import Hosted
from runbook.training.servers.northflank_documents import invalid
from runbook.training.servers.northflank_state import PROJECT, VAULT, Group, Service
from runbook.training.servers.platform import Platform
from runbook.training.servers.web import Answered, Api, Route, json_object

HOURLY = 1000
_SPENT = "runbook.spent"


class Northflank(Api):
    """One project; `token` is an API token.

    Two things about the real one are not known, or changed: `replaces` (PATCH of a secret group puts the variables
    sent in place of all of them; else it merges), `old_shape` (a service as it was answered before 2026).
    """

    def __init__(
        self,
        platform: Platform,
        token: str,
        *,
        replaces: bool = False,
        old_shape: bool = False,
        allowance: Allowance | None = None,
    ) -> None:
        self._platform = platform
        self._token = token
        self.replaces = replaces
        self.old_shape = old_shape
        self.allowance = allowance or Allowance(HOURLY)
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
            Route("POST", service + "/pause", self.pause),
            Route("POST", service + "/resume", self.resume),
            Route("GET", project + "/secrets", self.secrets),
            Route("GET", project + "/secrets/<group>", self.secret),
            Route("PATCH", project + "/secrets/<group>", self.change_secret),
            Route("GET", "/v1/integrations/registries", self.registries),
        )

    def unknown(self, request: Request) -> Response:
        del request
        return documents.refusal(404, "Not found. The requested route does not exist")

    def gate(self, request: Request) -> Response | None:
        spent = request.environ[_SPENT] = self.allowance.spend()
        if spent.wait_s is not None:
            return documents.refusal(429, "Too many requests")
        if request.headers.get("Authorization") == f"Bearer {self._token}":
            return None
        return documents.refusal(401, "Unauthorized")

    def finish(self, request: Request, response: Response) -> Response:
        """`reset` is in seconds to go, unlike GitHub's; there is no `retry-after`."""
        spent: Spent = request.environ.get(_SPENT) or self.allowance.spend()
        refused = spent.wait_s is not None
        response.headers["x-ratelimit-limit"] = str(self.allowance.limit)
        response.headers["x-ratelimit-remaining"] = "0" if refused else str(spent.remaining)
        response.headers["x-ratelimit-reset"] = str(spent.wait_s if refused else spent.reset_s)
        return response

    # -- project ------------------------------------------------------------------------------------------------
    def auth(self, request: Request) -> Response:
        del request
        return documents.good(documents.auth(datetime.now(UTC)))

    def projects(self, request: Request) -> Response:
        return documents.page("projects", [documents.project_entry()], request.args)

    def project(self, request: Request, project: str) -> Response:
        del request
        _known(project)
        with self._platform.locked():
            services = [hosted.service for hosted in self._platform.hosted.values()]
            return documents.good(documents.project(services, self._platform.now))

    def registries(self, request: Request) -> Response:
        return documents.page("credentials", documents.registries(), request.args)

    # -- services -----------------------------------------------------------------------------------------------
    def services(self, request: Request, project: str) -> Response:
        """To list is to read: the status of each lags as it does for one alone."""
        _known(project)
        with self._platform.locked():
            listed = [documents.service_entry(hosted.read()) for hosted in self._platform.hosted.values()]
        return documents.page("services", listed, request.args)

    def service(self, request: Request, project: str, service: str) -> Response:
        del request
        found = self._hosted(project, service)
        with self._platform.locked():
            return documents.good(self._document(found.read()))

    def deploy(self, request: Request, project: str, service: str) -> Response:
        """`deployment.instances` is required whenever `deployment` is sent; the answer says IN_PROGRESS."""
        found = self._hosted(project, service)
        if found.service.id == VAULT:
            return documents.refusal(409, "This service is not deployed from here in the practice estate")
        wanted = bodies.deployment(json_object(request), found.service)
        if isinstance(wanted, str):
            return invalid(wanted)
        if not self._platform.pulls(wanted.image):
            return documents.refusal(400, "Unable to verify external image")
        with self._platform.locked():
            self._platform.deploy(service, wanted.image, wanted.instances, credentials=wanted.credentials)
            document = self._document(found.service)
        document["status"]["deployment"]["status"] = "IN_PROGRESS"
        return documents.good(document)

    def deployments(self, request: Request, project: str, service: str) -> Response:
        """Newest first."""
        found = self._hosted(project, service)
        with self._platform.locked():
            listed = [documents.deployment(one) for one in found.service.deployments]
        return documents.page("deployments", listed, request.args)

    def containers(self, request: Request, project: str, service: str) -> Response:
        listed = [
            documents.container(one.name, alive=one.child.alive, ready=one.port is not None, started=one.started)
            for one in self._hosted(project, service).containers
        ]
        return documents.page("containers", listed, request.args)

    def restart(self, request: Request, project: str, service: str) -> Response:
        del request
        self._hosted(project, service).restart()
        return documents.good({})

    def pause(self, request: Request, project: str, service: str) -> Response:
        """A paused service has no instances; to pause one again changes nothing."""
        del request
        self._scaled(project, service, lambda before: 0 if before else None)
        return documents.good({})

    def resume(self, request: Request, project: str, service: str) -> Response:
        wanted = bodies.instances(json_object(request))
        if isinstance(wanted, str):
            return invalid(wanted)
        if not self._scaled(project, service, lambda before: None if before else wanted):
            return documents.refusal(409, "A service that is not paused cannot be resumed")
        return documents.good({})

    def _scaled(self, project: str, service: str, to: Callable[[int], int | None]) -> bool:
        """Whether it was scaled to what `to` says of the instances before."""
        found = self._hosted(project, service)
        with self._platform.locked():
            instances = to(found.service.instances)
            if instances is not None:
                found.scale(instances)
            return instances is not None

    # -- secrets ------------------------------------------------------------------------------------------------
    def secrets(self, request: Request, project: str) -> Response:
        _known(project)
        listed = [documents.secret_entry(one) for one in self._platform.groups.values()]
        return documents.page("secrets", listed, request.args)

    def secret(self, request: Request, project: str, group: str) -> Response:
        del request
        found = self._group(project, group)
        with self._platform.locked():
            return documents.good(documents.secret(found))

    def change_secret(self, request: Request, project: str, group: str) -> Response:
        """Variables and files; whether they are merged is `replaces`."""
        found = self._group(project, group)
        given = bodies.contents(json_object(request))
        if isinstance(given, str):
            return invalid(given)
        with self._platform.locked():
            self._platform.change_group(found, given.variables, given.files, replace=self.replaces)
            return documents.good(documents.secret(found))

    def _document(self, service: Service) -> dict[str, Any]:
        document = documents.service(service, self._platform.now)
        return documents.older(document) if self.old_shape else document

    def _group(self, project: str, group: str) -> Group:
        _known(project)
        found = self._platform.groups.get(group)
        if found is None:
            raise Answered(documents.refusal(404, "Secret group not found"))
        return found

    def _hosted(self, project: str, service: str) -> Hosted:
        _known(project)
        found = self._platform.hosted.get(service)
        if found is None:
            raise Answered(documents.refusal(404, "Service not found"))
        return found


def _known(project: str) -> None:
    if project != PROJECT:
        raise Answered(documents.refusal(404, "Project not found"))
