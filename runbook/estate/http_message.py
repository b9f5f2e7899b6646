"""One question to a provider and what came back: plain values, no HTTP library."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from runbook.engine.errors import NoVerdict
from runbook.safety.outside_text import outside_text

BODY_LIMIT = 8 << 20


@dataclass(frozen=True, slots=True)
class Call:
    """One request.  `operation` names it to the interlock where the URL cannot (a blob store behind a registry);
    `server_name` is what TLS verifies when the URL holds an address."""

    method: str
    url: str
    source: str
    headers: Mapping[str, str]
    params: Mapping[str, str] | None = None
    document: Any = None
    operation: str | None = None
    server_name: str | None = None
    limit: int = BODY_LIMIT


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back; header names are lower-case, `source` says which call it was, without query."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    source: str

    def document(self) -> Any:
        """The JSON in the body; NoVerdict when there is none."""
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError):
            raise NoVerdict(
                f"{self.source} answered {self.status} with something that is not JSON",
                fix="Does something else answer in the provider's place (proxy, captive portal)? Retry.",
                provider_text=outside_text(self.body[:500].decode("utf-8", "replace")),
                source=self.source,
            ) from None


@dataclass(frozen=True, slots=True)
class Peer:
    """Who answered: the address, and the certificate as `ssl.SSLSocket.getpeercert` gives it (empty without TLS)."""

    address: str
    certificate: Mapping[str, Any]


class Unreachable(Exception):
    """No whole answer came; raised on the wire.

    Before anything was sent: `kind` is silent (refused, or no connection in time), connect (none for another reason),
    certificate, tls (what answered speaks none as it must), stalled or dropped (connected, then no handshake in time,
    or cut off).  After it: alert (TLS ended by one), timeout, network.  `code` is OpenSSL's of a certificate.
    """

    def __init__(self, kind: str, words: str, code: int = 0) -> None:
        super().__init__(words)
        self.kind = kind
        self.words = words
        self.code = code

    @property
    def may_have_arrived(self) -> bool:
        """True when the other side may have carried the call out."""
        return self.kind in {"alert", "timeout", "network"}
