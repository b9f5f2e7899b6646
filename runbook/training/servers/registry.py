"""GHCR as far as it is used: the token dance, manifests, blobs; every digest is that of the bytes served."""

from __future__ import annotations

import base64
import secrets
import threading
from collections.abc import Iterable

from werkzeug.wrappers import Request, Response

from runbook.training.servers.images import INDEX, MANIFEST, REPOSITORY, Blob, Catalogue
from runbook.training.servers.web import Answered, Api, Route, as_json

SCOPE = f"repository:{REPOSITORY}:pull"


class Registry(Api):
    """Pull only; `token` is the classic personal access token that GitHub knows too."""

    def __init__(self, catalogue: Catalogue, token: str) -> None:
        self._catalogue = catalogue
        self._token = token
        self._lock = threading.Lock()
        self._issued: set[str] = set()
        super().__init__()

    def routes(self) -> Iterable[Route]:
        base = "/v2/<owner>/<image>"
        return (
            Route("GET", "/token", self.give_token),
            Route("GET", "/v2/", self.version),
            Route("GET", base + "/tags/list", self.tags),
            Route("GET", base + "/manifests/<reference>", self.manifest),
            Route("GET", base + "/blobs/<digest>", self.blob),
            Route("GET", "/store/<digest>", self.stored),
        )

    def unknown(self, request: Request) -> Response:
        del request
        return _refusal(404, "NAME_UNKNOWN", "repository name not known to registry")

    def gate(self, request: Request) -> Response | None:
        if request.path == "/token" or request.path.startswith("/store/") or self._signed_in(request):
            return None
        scope = SCOPE if request.path.startswith(f"/v2/{REPOSITORY}/") else "repository:user/image:pull"
        host = request.host
        challenge = f'Bearer realm="{request.scheme}://{host}/token",service="ghcr.io",scope="{scope}"'
        refusal = _refusal(401, "UNAUTHORIZED", "authentication required")
        refusal.headers["WWW-Authenticate"] = challenge
        return refusal

    def give_token(self, request: Request) -> Response:
        """Basic credentials with the access token as password; read-only scope."""
        known = request.authorization is not None and request.authorization.password == self._token
        if not known or request.args.get("scope") != SCOPE:
            return _refusal(403, "DENIED", "requested access to the resource is denied")
        issued = secrets.token_urlsafe(24)
        with self._lock:
            self._issued.add(issued)
        return as_json({"token": issued})

    def version(self, request: Request) -> Response:
        del request
        return as_json({})

    def tags(self, request: Request, owner: str, image: str) -> Response:
        del request
        self._known(owner, image)
        return as_json({"name": REPOSITORY, "tags": self._catalogue.tags()})

    def manifest(self, request: Request, owner: str, image: str, reference: str) -> Response:
        """404 when `Accept` does not name the document's type, as GHCR does for an index."""
        self._known(owner, image)
        found = self._catalogue.blob(reference)
        if found is None or found.media_type not in {INDEX, MANIFEST}:
            return _refusal(404, "MANIFEST_UNKNOWN", "manifest unknown")
        if found.media_type not in request.headers.get("Accept", ""):
            kind = "index" if found.media_type == INDEX else "manifest"
            plural = "indexes" if kind == "index" else "manifests"
            return _refusal(
                404, "MANIFEST_UNKNOWN", f"OCI {kind} found, but Accept header does not support OCI {plural}"
            )
        return _bytes(found)

    def blob(self, request: Request, owner: str, image: str, digest: str) -> Response:
        """Blobs lie in another store: 307, and the registry's token is not for it."""
        self._known(owner, image)
        if self._catalogue.blob(digest) is None:
            return _refusal(404, "BLOB_UNKNOWN", "blob unknown to registry")
        return Response(status=307, headers={"Location": f"{request.host_url}store/{digest}"})

    def stored(self, request: Request, digest: str) -> Response:
        found = self._catalogue.blob(digest)
        if "Authorization" in request.headers or found is None:
            return Response("AuthenticationFailed", 403, content_type="text/plain")
        return Response(found.content, 200, content_type="application/octet-stream")

    def _known(self, owner: str, image: str) -> None:
        if f"{owner}/{image}" != REPOSITORY:
            raise Answered(_refusal(404, "NAME_UNKNOWN", "repository name not known to registry"))

    def _signed_in(self, request: Request) -> bool:
        given = request.headers.get("Authorization", "").removeprefix("Bearer ")
        with self._lock:
            return given in self._issued or given == base64.b64encode(self._token.encode()).decode()


def _refusal(status: int, code: str, message: str) -> Response:
    return as_json({"errors": [{"code": code, "message": message}]}, status)


def _bytes(blob: Blob) -> Response:
    headers = {"Docker-Content-Digest": blob.digest, "ETag": f'"{blob.digest}"'}
    return Response(blob.content, 200, headers, content_type=blob.media_type)
