"""GitHub's REST API as far as it is used: pages with Link headers, rate-limit headers, flat error bodies."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from werkzeug.wrappers import Request, Response

from runbook.training.servers import github_documents as documents
from runbook.training.servers.allowance import Allowance, Spent
from runbook.training.servers.github_attestations import STORE, WITHOUT_BUNDLES, Attestations
from runbook.training.servers.images import (
    BRANCH,
    ORGANISATION,
    PACKAGE,
    REPOSITORY,
    Catalogue,
    Commit,
)
from runbook.training.servers.web import Answered, Api, Route, as_json

HOURLY = 5000
SCOPES = "read:packages, repo"
VERSIONS = ("2022-11-28", WITHOUT_BUNDLES)
_SPENT = "runbook.spent"
_SECONDARY = (
    "You have exceeded a secondary rate limit. Please wait a few minutes before you try again. If you reach out to "
    "GitHub Support for help, please include the request ID."
)


class GitHub(Api):
    """One organisation, one private repository, one package; `token` is a classic one with `SCOPES`.

    `store` is where bundles of attestations lie; "": on this server too.  `retired`: the older API version is gone, and
    whoever asks for it is answered as by the newer.
    """

    def __init__(
        self,
        catalogue: Catalogue,
        token: str,
        now: datetime,
        *,
        store: str = "",
        allowance: Allowance | None = None,
    ) -> None:
        self._catalogue = catalogue
        self._token = token
        self._now = now
        self._attestations = Attestations(catalogue, store)
        self.retired = False
        self.allowance = allowance or Allowance(HOURLY)
        super().__init__()

    def routes(self) -> Iterable[Route]:
        repository = "/repos/<owner>/<name>"
        versions = "packages/container/<package>/versions"
        return (
            Route("GET", "/user", self.user),
            Route("GET", repository, self.repository),
            Route("GET", repository + "/branches/<branch>", self.branch),
            Route("GET", repository + "/commits/<reference>", self.commit),
            Route("GET", repository + "/commits/<reference>/check-runs", self.check_runs),
            Route("GET", repository + "/commits/<reference>/status", self.status),
            Route("GET", repository + "/attestations/<digest>", self.attestations),
            Route("GET", "/orgs/<organisation>/" + versions, self.versions),
            Route("GET", STORE + "<digest>/<name>", self._attestations.stored),
        )

    def unknown(self, request: Request) -> Response:
        del request
        return _refusal(404, "Not Found")

    def gate(self, request: Request) -> Response | None:
        """The limits come first; the store of bundles has none of this."""
        if request.path.startswith(STORE):
            return None
        spent = request.environ[_SPENT] = self.allowance.spend()
        if spent.wait_s is not None:
            return _too_many(spent)
        if request.headers.get("Authorization") not in {f"Bearer {self._token}", f"token {self._token}"}:
            return _refusal(401, "Bad credentials")
        if _version(request) not in VERSIONS:
            return _refusal(400, f"API version {_version(request)} is not supported")
        return None

    def finish(self, request: Request, response: Response) -> Response:
        """The window is an hour, `reset` its end as an epoch second."""
        if request.path.startswith(STORE):
            return response
        spent: Spent = request.environ.get(_SPENT) or self.allowance.spend()
        response.headers["x-ratelimit-limit"] = str(self.allowance.limit)
        response.headers["x-ratelimit-remaining"] = str(spent.remaining)
        response.headers["x-ratelimit-used"] = str(spent.used)
        response.headers["x-ratelimit-resource"] = "core"
        response.headers["x-ratelimit-reset"] = str(int(time.time()) + spent.reset_s)
        response.headers["x-github-api-version-selected"] = _version(request)
        return response

    # -- answers ------------------------------------------------------------------------------------------------
    def user(self, request: Request) -> Response:
        expiry = (datetime.now(UTC) + timedelta(days=60)).strftime("%Y-%m-%d %H:%M:%S UTC")
        headers = {"X-OAuth-Scopes": SCOPES, "GitHub-Authentication-Token-Expiration": expiry}
        return as_json(documents.user(_base(request), self._now), headers=headers)

    def repository(self, request: Request, owner: str, name: str) -> Response:
        _known(owner, name)
        return as_json(documents.repository(_base(request), self._commit(BRANCH).at))

    def branch(self, request: Request, owner: str, name: str, branch: str) -> Response:
        _known(owner, name)
        if branch != BRANCH:
            return _refusal(404, "Branch not found")
        return as_json(documents.branch(_base(request), self._commit(BRANCH), protected=self._catalogue.protected))

    def commit(self, request: Request, owner: str, name: str, reference: str) -> Response:
        _known(owner, name)
        return as_json(documents.commit(_base(request), self._commit(reference)))

    def check_runs(self, request: Request, owner: str, name: str, reference: str) -> Response:
        _known(owner, name)
        made = self._commit(reference)
        runs = [documents.check_run(_base(request), made, 500 + i, name) for i, name in enumerate(made.checks)]
        return _page(request, runs, lambda part: {"total_count": len(runs), "check_runs": part})

    def status(self, request: Request, owner: str, name: str, reference: str) -> Response:
        """An Actions-only repository has no commit statuses: `pending` for ever, with a count of 0."""
        _known(owner, name)
        return as_json(documents.combined_status(_base(request), self._commit(reference)))

    def attestations(self, request: Request, owner: str, name: str, digest: str) -> Response:
        """None unless published: a private repository on this plan cannot have them, hence level B."""
        _known(owner, name)
        version = WITHOUT_BUNDLES if self.retired else _version(request)
        return self._attestations.listed(request, digest, version)

    def versions(self, request: Request, organisation: str, package: str) -> Response:
        if (organisation, package) != (ORGANISATION, PACKAGE):
            return _refusal(404, "Package not found.")
        base = _base(request)
        listed = [documents.version(base, package, one) for one in self._catalogue.versions()]
        return _page(request, listed, lambda part: part)

    def _commit(self, reference: str) -> Commit:
        found = self._catalogue.commit(reference)
        if found is None:
            raise Answered(_refusal(422, f"No commit found for SHA: {reference}"))
        return found


def _version(request: Request) -> str:
    return request.headers.get("x-github-api-version", VERSIONS[0])


def _base(request: Request) -> str:
    return request.host_url.rstrip("/")


def _known(owner: str, name: str) -> None:
    if f"{owner}/{name}" != REPOSITORY:
        raise Answered(_refusal(404, "Not Found"))


def _too_many(spent: Spent) -> Response:
    """The hour's calls are spent; or there were too many at once, and only that refusal says how long to wait."""
    if spent.remaining == 0:
        return _refusal(403, "API rate limit exceeded for user ID 4001.")
    refusal = _refusal(403, _SECONDARY)
    refusal.headers["retry-after"] = str(spent.wait_s)
    return refusal


def _refusal(status: int, message: str) -> Response:
    link = "https://docs.github.com/rest"
    return as_json({"message": message, "documentation_url": link, "status": str(status)}, status)


def _page(request: Request, items: Sequence[Any], shape: Any) -> Response:
    """One page, with the Link header that GitHub leaves out when there is only one."""
    size = min(max(request.args.get("per_page", 30, int), 1), 100)
    page = max(request.args.get("page", 1, int), 1)
    last = max(1, -(-len(items) // size))
    answer = as_json(shape(list(items[(page - 1) * size : page * size])))
    wanted = {"prev": page - 1, "next": page + 1, "last": last, "first": 1}
    if page <= 1:
        wanted = {"next": page + 1, "last": last}
    if page >= last:
        wanted = {"prev": page - 1, "first": 1}
    if last > 1:
        answer.headers["Link"] = ", ".join(f'<{_at(request, n)}>; rel="{rel}"' for rel, n in wanted.items())
    return answer


def _at(request: Request, page: int) -> str:
    others = "&".join(f"{key}={value}" for key, value in request.args.items() if key != "page")
    return f"{request.base_url}?{others}&page={page}" if others else f"{request.base_url}?page={page}"
