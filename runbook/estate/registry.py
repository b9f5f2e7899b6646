"""The image registry: the pull half of OCI Distribution v1.1, as GHCR speaks it."""

from __future__ import annotations

import base64
import hashlib
import re
import threading
from collections.abc import Mapping
from typing import Any
from urllib.parse import urljoin, urlsplit

from runbook.engine.errors import LayerFailed, NoVerdict
from runbook.engine.ports import Secret
from runbook.estate.answers import listing, mapping, optional, text
from runbook.estate.door import Door
from runbook.estate.http import Api, Wiring, same_origin, segment
from runbook.estate.http_errors import Provider
from runbook.estate.http_message import Answer
from runbook.estate.ports import ImageProof
from runbook.safety.interlock import Interlock

REGISTRY = Provider(
    "registry",
    "The image registry",
    sign_in="Make a new classic token with read:packages.",
)
# Without the index type GHCR answers 404 for a multi-platform image.
_ACCEPT = (
    "application/vnd.oci.image.index.v1+json, application/vnd.oci.image.manifest.v1+json, "
    "application/vnd.docker.distribution.manifest.list.v2+json, application/vnd.docker.distribution.manifest.v2+json"
)
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_REVISION = "org.opencontainers.image.revision"
_SOURCE = "org.opencontainers.image.source"


class Registry:
    """`ports.Registry`.  `token` None asks anonymously, which is enough for a public image."""

    def __init__(
        self, base_url: str, token: Secret | None, interlock: Interlock, door: Door, *, wiring: Wiring | None = None
    ) -> None:
        secrets = () if token is None else (token,)
        self._api = Api(REGISTRY, base_url, dict, interlock, door, secrets=secrets, wiring=wiring)
        self._interlock = interlock
        self._token = token
        self._lock = threading.Lock()
        self._pull_tokens: dict[str, Secret] = {}  # by repository; GHCR's live five minutes

    async def image(self, repository: str, reference: str) -> ImageProof | None:
        """What `repository:reference` (or `@sha256:…`) names; None when the registry knows no such thing.

        `computed` is over the bytes of the manifest that the reference names: the index, where there is one.
        The labels come from the linux/amd64 image's configuration; each digest on the way is checked.
        """
        answer = await self._get(repository, f"manifests/{segment_of_reference(reference)}")
        if answer.status == 404:
            return None
        labels = await self._labels(repository, answer)
        return ImageProof(
            stated=text(answer.headers.get("docker-content-digest")),
            computed=_sha256(answer.body),
            revision=optional(labels.get(_REVISION)),
            source=optional(labels.get(_SOURCE)),
            labels={text(name): text(value) for name, value in labels.items()},
        )

    async def digest(self, repository: str, tag: str) -> str | None:
        """LayerFailed when the registry's own header does not say what the bytes hash to."""
        answer = await self._get(repository, f"manifests/{segment_of_reference(tag)}")
        if answer.status == 404:
            return None
        computed, stated = _sha256(answer.body), text(answer.headers.get("docker-content-digest"))
        if stated != computed:
            raise LayerFailed(
                f"What {text(tag, 100)} leads to hashes to {computed[:19]}…, "
                f"the registry says {f'{stated[:19]}…' if stated else 'nothing'}",
                fix="Do not deploy by this tag; look for a proxy between here and the registry.",
                source=answer.source,
            )
        return computed

    async def _labels(self, repository: str, answer: Answer) -> Mapping[str, Any]:
        document = mapping(answer.document())
        if listing(document.get("manifests")):
            answer = await self._checked(repository, "manifests", _platform_digest(document, answer.source))
            document = mapping(answer.document())
        config = str(mapping(document.get("config")).get("digest") or "")
        if not config:
            return {}
        blob = await self._checked(repository, "blobs", config)
        return mapping(mapping(mapping(blob.document()).get("config")).get("Labels"))

    async def _checked(self, repository: str, kind: str, digest: str) -> Answer:
        """A manifest or blob by digest, its bytes held to that digest."""
        if not _DIGEST.fullmatch(digest):
            raise LayerFailed(
                "The image's manifest names a part by something that is no SHA-256 digest",
                fix="Do not deploy this image; build it again.",
                provider_text=text(digest, 100),
                source=f"registry: {repository}",
            )
        answer = await self._get(repository, f"{kind}/{digest}")
        if answer.status == 404 or _sha256(answer.body) != digest:
            state = "is missing in the registry" if answer.status == 404 else "has other bytes than its digest says"
            raise LayerFailed(
                f"A part of the image {state}: {kind}/{digest}",
                fix="Do not deploy this image; choose an older verified one or build it again.",
                source=answer.source,
            )
        return answer

    async def _get(self, repository: str, rest: str) -> Answer:
        """GET, with a pull token where the registry asks for one, once more when a kept one has run out."""
        path = f"/v2/{'/'.join(segment(part) for part in repository.split('/'))}/{rest}"
        answer = await self._try(path, repository)
        if answer.status == 401:
            await self._sign_in(repository, answer)
            answer = await self._try(path, repository, last=True)
        return await self._blob_store(answer) if answer.status in {302, 303, 307, 308} else answer

    async def _try(self, path: str, repository: str, *, last: bool = False) -> Answer:
        with self._lock:
            token = self._pull_tokens.get(repository)
        headers = {"Accept": _ACCEPT, "Accept-Encoding": "identity"}
        if token is not None:
            headers["Authorization"] = f"Bearer {token.reveal()}"
        allow = (404, 302, 303, 307, 308) if last else (401, 404, 302, 303, 307, 308)
        return await self._api.read(path, headers=headers, allow=allow)

    async def _sign_in(self, repository: str, refusal: Answer) -> None:
        """The 401's challenge names where a pull token is to be had; our own token goes to this registry only."""
        challenge = dict(re.findall(r'(\w+)="([^"]*)"', refusal.headers.get("www-authenticate", "")))
        realm = challenge.get("realm", "")
        if not same_origin(realm, self._api.base_url):
            raise NoVerdict(
                f"The registry sends us to {text(urlsplit(realm).hostname, 100) or 'nowhere'} to sign in; our token is "
                "not told to another host",
                fix="Check the registry's address in runbook.toml.",
                source=refusal.source,
            )
        params = {"service": challenge.get("service", ""), "scope": f"repository:{repository}:pull"}
        answer = await self._api.read(realm, params=params, headers=self._basic())
        document = mapping(answer.document())
        token = Secret(str(document.get("token") or document.get("access_token") or ""))
        self._interlock.guard(token)
        with self._lock:
            self._pull_tokens[repository] = token

    def _basic(self) -> Mapping[str, str]:
        """GHCR takes any user name with a token; empty credentials are refused where none at all are not."""
        if self._token is None:
            return {}
        pair = base64.b64encode(f"runbook:{self._token.reveal().strip()}".encode()).decode()
        return {"Authorization": f"Basic {pair}"}

    async def _blob_store(self, answer: Answer) -> Answer:
        """Follow one redirect to the blob store, without sign-in; the digest judges what it answers."""
        here = self._api.base_url
        url = urljoin(here, answer.headers.get("location", ""))
        if urlsplit(url).scheme != urlsplit(here).scheme:
            raise NoVerdict(
                "The registry points to a place without TLS; it is not followed",
                fix="Look for a proxy between here and the registry.",
                source=answer.source,
            )
        return await self._api.read(url, headers={}, operation="registry:Blob", allow=(404,))


def segment_of_reference(reference: str) -> str:
    """A tag or a digest as a path's last part (the colon of a digest stays)."""
    return reference if _DIGEST.fullmatch(reference) else segment(reference)


def _platform_digest(index: Mapping[str, Any], source: str) -> str:
    """linux/amd64's manifest, else the first real one; `unknown/unknown` is buildx's attestation."""
    manifests = [mapping(item) for item in listing(index.get("manifests"))]
    real = [item for item in manifests if mapping(item.get("platform")).get("os") != "unknown"]
    amd64 = [item for item in real if mapping(item.get("platform")).get("architecture") == "amd64"]
    if not real:
        raise LayerFailed("The image's index lists no image", fix="Choose another version.", source=source)
    return str((amd64 or real)[0].get("digest") or "")


def _sha256(body: bytes) -> str:
    return "sha256:" + hashlib.sha256(body).hexdigest()
