"""GitHub's REST API as far as it is used: pages with Link headers, rate-limit headers, flat error bodies."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from werkzeug.wrappers import Request, Response

from runbook.training.servers import github_documents as documents
from runbook.training.servers.images import (
    BRANCH,
    ORGANISATION,
    PACKAGE,
    REPOSITORY,
    REQUIRED_CHECKS,
    Catalogue,
    Commit,
)
from runbook.training.servers.web import Answered, Api, Route, as_json

HOURLY = 5000
SCOPES = "read:packages, repo"


class GitHub(Api):
    """One organisation, one private repository, one package; `token` is a classic one with `SCOPES`."""

    def __init__(self, catalogue: Catalogue, token: str, now: datetime) -> None:
        self._catalogue = catalogue
        self._token = token
        self._now = now
        self._lock = threading.Lock()
        self._used = 0
        self._reset = int(time.time()) + 3600
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
        )

    def unknown(self, request: Request) -> Response:
        del request
        return _refusal(404, "Not Found")

    def gate(self, request: Request) -> Response | None:
        if request.headers.get("Authorization") in {f"Bearer {self._token}", f"token {self._token}"}:
            return None
        return _refusal(401, "Bad credentials")

    def finish(self, request: Request, response: Response) -> Response:
        """Count the call; the window is an hour, its end an epoch second.  The limit is not enforced."""
        with self._lock:
            if time.time() >= self._reset:
                self._used, self._reset = 0, int(time.time()) + 3600
            self._used += 1
            used, reset = self._used, self._reset
        response.headers["x-ratelimit-limit"] = str(HOURLY)
        response.headers["x-ratelimit-remaining"] = str(max(1, HOURLY - used))
        response.headers["x-ratelimit-used"] = str(used)
        response.headers["x-ratelimit-resource"] = "core"
        response.headers["x-ratelimit-reset"] = str(reset)
        response.headers["x-github-api-version-selected"] = request.headers.get("x-github-api-version", "2022-11-28")
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
        return as_json(documents.branch(_base(request), self._commit(BRANCH)))

    def commit(self, request: Request, owner: str, name: str, reference: str) -> Response:
        _known(owner, name)
        return as_json(documents.commit(_base(request), self._commit(reference)))

    def check_runs(self, request: Request, owner: str, name: str, reference: str) -> Response:
        _known(owner, name)
        made = self._commit(reference)
        runs = [documents.check_run(_base(request), made, 500 + i, n) for i, n in enumerate(REQUIRED_CHECKS)]
        return _page(request, runs, lambda part: {"total_count": len(runs), "check_runs": part})

    def status(self, request: Request, owner: str, name: str, reference: str) -> Response:
        """An Actions-only repository has no commit statuses: `pending` for ever, with a count of 0."""
        _known(owner, name)
        made, base = self._commit(reference), _base(request)
        url = f"{base}/repos/{REPOSITORY}/commits/{made.sha}"
        return as_json(
            {
                "state": "pending",
                "sha": made.sha,
                "total_count": 0,
                "statuses": [],
                "repository": documents.repository(base, made.at),
                "commit_url": url,
                "url": f"{url}/status",
            }
        )

    def attestations(self, request: Request, owner: str, name: str, digest: str) -> Response:
        """None: a private repository on this plan cannot have them, hence level B."""
        del request, digest
        _known(owner, name)
        return as_json({"attestations": []})

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


def _base(request: Request) -> str:
    return request.host_url.rstrip("/")


def _known(owner: str, name: str) -> None:
    if f"{owner}/{name}" != REPOSITORY:
        raise Answered(_refusal(404, "Not Found"))


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
