"""How GitHub hands out attestations: inline until API version 2026-03-10, and always as Snappy behind a URL."""

from __future__ import annotations

import base64
import json
import secrets
from collections.abc import Mapping
from typing import Any

from werkzeug.wrappers import Request, Response

from runbook.training.servers.images import Catalogue
from runbook.training.servers.web import as_json

STORE = "/attestation-store/"
WITHOUT_BUNDLES = "2026-03-10"
_SLSA = "https://slsa.dev/provenance/"
_LITERAL_OF_TWO_BYTES = 61 << 2
_CHUNK = 1 << 16


class Attestations:
    """The list of a digest's attestations, and the store that its URLs lead to.

    `store` is the store's base URL; "": the API's own address, whose path begins with `STORE`.
    """

    def __init__(self, catalogue: Catalogue, store: str = "") -> None:
        self._catalogue = catalogue
        self._store = store
        self._signature = secrets.token_urlsafe(24)

    def listed(self, request: Request, digest: str, version: str) -> Response:
        """One page, by cursor: `after` is what a Link header said."""
        kind = request.args.get("predicate_type", "")
        every = self._catalogue.bundles(digest)
        found = [(number, one) for number, one in enumerate(every) if _is_of(one, kind)]
        size = min(max(request.args.get("per_page", 30, int), 1), 100)
        begin = request.args.get("after", 0, int)
        items = [self._item(request, digest, number, one, version) for number, one in found[begin : begin + size]]
        answer = as_json({"attestations": items})
        if begin + size < len(found):
            others = "".join(f"{name}={value}&" for name, value in request.args.items() if name != "after")
            answer.headers["Link"] = f'<{request.base_url}?{others}after={begin + size}>; rel="next"'
        return answer

    def _item(
        self, request: Request, digest: str, number: int, bundle: Mapping[str, Any], version: str
    ) -> dict[str, Any]:
        store = self._store or request.host_url.rstrip("/")
        url = f"{store}{STORE}{digest}/{number}.json.sn?sig={self._signature}"
        item = {"repository_id": 70001, "bundle_url": url, "initiator": "github"}
        return item if version >= WITHOUT_BUNDLES else {"bundle": bundle, **item}

    def stored(self, request: Request, digest: str, name: str) -> Response:
        """The URL's signature is the sign-in; anything else that signs in is refused, as the real store does."""
        number = name.removesuffix(".json.sn")
        every = self._catalogue.bundles(digest)
        signed = request.args.get("sig") == self._signature
        if "Authorization" in request.headers or not signed:
            return Response("AuthenticationFailed", 403, content_type="application/xml")
        if not number.isdecimal() or int(number) >= len(every):
            return Response("BlobNotFound", 404, content_type="application/xml")
        body = block(json.dumps(every[int(number)]).encode())
        return Response(body, 200, content_type="application/x-snappy")


def _is_of(bundle: Mapping[str, Any], kind: str) -> bool:
    """Whether the predicate is of that kind; of what cannot be read the kind is not known, and it is listed."""
    try:
        payload = json.loads(base64.b64decode(bundle["dsseEnvelope"]["payload"]))
        said = str(payload["predicateType"])
    except (KeyError, TypeError, ValueError):
        return True
    return said.startswith(_SLSA) if kind == "provenance" else kind in {"", said}


def block(content: bytes) -> bytes:
    """`content` in Snappy's block format, all of it as literals: valid, though nothing gets smaller."""
    made = bytearray()
    left = len(content)
    while left >= 0x80:
        made.append(left & 0x7F | 0x80)
        left >>= 7
    made.append(left)
    for begin in range(0, len(content), _CHUNK):
        chunk = content[begin : begin + _CHUNK]
        made += bytes([_LITERAL_OF_TWO_BYTES]) + (len(chunk) - 1).to_bytes(2, "little") + chunk
    return bytes(made)
