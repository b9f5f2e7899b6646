"""GitHub's REST API, version 2022-11-28; answers of 2026-03-10 are understood too."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from runbook.engine.errors import LayerFailed, NoVerdict
from runbook.engine.ports import Secret
from runbook.estate.answers import listing, mapping, moment, number, optional, text
from runbook.estate.door import Door
from runbook.estate.http import Api, Headers, Wiring, bearer, same_origin, segment
from runbook.estate.http_errors import NotLetIn, Provider
from runbook.estate.http_message import Answer
from runbook.estate.ports import Branch, CheckRun, CombinedStatus, Commit, PackageVersion, TokenIdentity
from runbook.estate.provenance.stored import unpacked
from runbook.safety.interlock import Interlock

GITHUB = Provider(
    "github",
    "GitHub",
    sign_in="Make a new classic token with read:packages and repo (packages take no fine-grained one).",
)
_VERSION = "2022-11-28"  # in later ones each attestation's bundle is a call of its own
_MOST_PAGES = 50
_EARLIEST = datetime.min.replace(tzinfo=UTC)


class GitHub:
    """`ports.CodeHost`.  A thing that the token may not see reads as missing: GitHub answers 404 for both."""

    def __init__(
        self, base_url: str, token: Secret, interlock: Interlock, door: Door, *, wiring: Wiring | None = None
    ) -> None:
        self._api = Api(GITHUB, base_url, _headers(token), interlock, door, secrets=(token,), wiring=wiring)

    async def token(self) -> TokenIdentity:
        """`kind` is classic when GitHub lists scopes (only classic tokens have them), else fine-grained."""
        answer = await self._api.read("/user")
        listed = answer.headers.get("x-oauth-scopes")
        scopes = tuple(text(scope.strip()) for scope in (listed or "").split(",") if scope.strip())
        return TokenIdentity(
            id=text(mapping(answer.document()).get("login")),
            kind="fine-grained" if listed is None else "classic",
            expires=_expiry(answer),
            scopes=scopes,
        )

    async def repository_visible(self, repository: str) -> bool:
        answer = await self._api.read(_repository(repository), allow=(404,))
        return answer.status != 404

    async def package_versions(self, organisation: str, package: str) -> tuple[PackageVersion, ...]:
        """Newest first by `created_at` (GitHub documents no order); an owner that is a user is asked as one."""
        try:
            found = await self._versions(organisation, package)
        except NotLetIn as refused:
            if refused.status != 403:
                raise
            raise LayerFailed(
                f"GitHub does not let this token read the package {organisation}/{package} (403)",
                fix=GITHUB.sign_in,
                provider_text=refused.provider_text,
                source=refused.source,
            ) from None
        versions = [_package_version(mapping(item)) for answer in found for item in listing(answer.document())]
        return tuple(sorted(versions, key=lambda version: version.created, reverse=True))

    async def _versions(self, organisation: str, package: str) -> list[Answer]:
        path = f"packages/container/{segment(package)}/versions"
        params = {"per_page": "100", "state": "active"}
        found = await self._pages(f"/orgs/{segment(organisation)}/{path}", params, allow=(404,))
        if found[0].status == 404:
            found = await self._pages(f"/users/{segment(organisation)}/{path}", params)
        return found

    async def commit(self, repository: str, sha: str) -> Commit | None:
        answer = await self._api.read(f"{_repository(repository)}/commits/{segment(sha)}", allow=(404, 422))
        return None if answer.status in {404, 422} else _commit(mapping(answer.document()), answer.source)

    async def branch(self, repository: str, name: str) -> Branch | None:
        answer = await self._api.read(f"{_repository(repository)}/branches/{segment(name)}", allow=(404,))
        if answer.status == 404:
            return None
        document = mapping(answer.document())
        head = text(mapping(document.get("commit")).get("sha"))
        return Branch(text(document.get("name")), head, document.get("protected") is True)

    async def check_runs(self, repository: str, sha: str) -> tuple[CheckRun, ...]:
        path = f"{_repository(repository)}/commits/{segment(sha)}/check-runs"
        answers = await self._pages(path, {"per_page": "100", "filter": "latest"})
        items = [item for answer in answers for item in listing(mapping(answer.document()).get("check_runs"))]
        return tuple(_check_run(mapping(item)) for item in items)

    async def combined_status(self, repository: str, sha: str) -> CombinedStatus:
        answer = await self._api.read(f"{_repository(repository)}/commits/{segment(sha)}/status")
        document = mapping(answer.document())
        return CombinedStatus(text(document.get("state")), number(document.get("total_count")))

    async def attestations(self, repository: str, digest: str) -> tuple[Mapping[str, Any], ...]:
        """None: an empty list, or a 404."""
        path = f"{_repository(repository)}/attestations/{segment(digest).replace('%3A', ':')}"
        answers = await self._pages(path, {"predicate_type": "provenance", "per_page": "30"}, allow=(404,))
        found = [answer for answer in answers if answer.status != 404]
        items = [item for answer in found for item in listing(mapping(answer.document()).get("attestations"))]
        return tuple([await self._bundle(mapping(item), answers[0].source) for item in items])

    async def _bundle(self, attestation: Mapping[str, Any], source: str) -> Mapping[str, Any]:
        """In the answer itself; in later API versions only in a blob store, which is not told the token."""
        if inline := mapping(attestation.get("bundle")):
            return inline
        url = str(attestation.get("bundle_url") or "")
        if not url.startswith(("https://", f"{urlsplit(self._api.base_url).scheme}://")):
            raise LayerFailed(
                "GitHub lists an attestation of the image that is nowhere to be had",
                fix="Have the image attested again, or choose an older verified one.",
                provider_text=text(url, 200),
                source=source,
            )
        stored = await self._api.read(url, headers={}, operation="github:Bundle")
        return unpacked(stored.body)

    async def _pages(self, path: str, params: Mapping[str, str], *, allow: Collection[int] = ()) -> list[Answer]:
        """Follow `Link: rel="next"` while it stays on the API's own host: the token goes nowhere else."""
        answers = [await self._api.read(path, params=params, allow=allow)]
        while (following := _next(answers[-1])) and len(answers) < _MOST_PAGES:
            if not same_origin(following, self._api.base_url):
                raise NoVerdict(
                    "GitHub's next page is on another host; it is not followed",
                    fix="Retry; if it stays so, look for a proxy between here and GitHub.",
                    source=answers[-1].source,
                )
            answers.append(await self._api.read(following))
        return answers


def _headers(token: Secret) -> Headers:
    sign_in = bearer(token)
    return lambda: {**sign_in(), "Accept": "application/vnd.github+json", "X-GitHub-Api-Version": _VERSION}


def _repository(repository: str) -> str:
    owner, _, name = repository.partition("/")
    return f"/repos/{segment(owner)}/{segment(name)}"


def _next(answer: Answer) -> str | None:
    """The last page carries `prev` and no `next`; a single page has no Link header at all."""
    found = re.search(r'<([^>]+)>;[^,]*\brel="next"', answer.headers.get("link", ""))
    return found.group(1) if found else None


def _expiry(answer: Answer) -> datetime | None:
    """From `github-authentication-token-expiration: 2027-01-01 00:00:00 UTC` (or `+0100`); None = never."""
    said = answer.headers.get("github-authentication-token-expiration", "")
    return moment(said.replace(" UTC", "+00:00").replace(" +", "+").replace(" -", "-"))


def _package_version(item: Mapping[str, Any]) -> PackageVersion:
    """The version's name is the manifest's digest."""
    container = mapping(mapping(item.get("metadata")).get("container"))
    tags = tuple(text(tag) for tag in listing(container.get("tags")))
    return PackageVersion(text(item.get("name")), tags, moment(item.get("created_at")) or _EARLIEST)


def _commit(document: Mapping[str, Any], source: str) -> Commit:
    verification = mapping(mapping(document.get("commit")).get("verification"))
    reason = text(verification.get("reason"))
    if reason.startswith("gpgverify_"):  # GitHub's own verifier is down: says nothing about the signature
        raise NoVerdict(
            "GitHub could not check the commit's signature just now", fix="Retry.", provider_text=reason, source=source
        )
    parents = tuple(text(mapping(parent).get("sha")) for parent in listing(document.get("parents")))
    return Commit(text(document.get("sha")), verification.get("verified") is True, reason, parents)


def _check_run(item: Mapping[str, Any]) -> CheckRun:
    return CheckRun(text(item.get("name")), text(item.get("status")), optional(item.get("conclusion")))
