"""The application as a visitor sees it: over TLS for its public name, at an address of our choice if need be."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit, urlunsplit

from runbook.engine.errors import LayerFailed, NoVerdict, RunbookError
from runbook.estate.answers import text
from runbook.estate.door import Door
from runbook.estate.http_message import Answer, Call, Peer, Unreachable
from runbook.estate.ports import Silent, WebAnswer
from runbook.safety.interlock import Interlock

if TYPE_CHECKING:  # httpx is loaded with the first call (start-up speed)
    import httpx

_LIMIT = 1 << 20
# OpenSSL's X509_V_ERR_*: what a certificate can be guilty of, in the operator's words.
_GUILT = {
    9: "is not valid yet",
    10: "has expired",
    18: "is self-signed",
    19: "is signed by an authority of its own (self-signed chain)",
    20: "is signed by an authority that is not trusted here",
    21: "comes without its issuer's certificate",
    62: "is for another host name",
    64: "is for another address",
}
_LATE = "took the connection and did not answer in time"
_CUT = "took the connection and broke it off"
_HOW = {"timeout": _LATE, "stalled": _LATE, "network": _CUT, "dropped": _CUT}


class PublicWeb:
    """`ports.Web`.  `ca_file` takes the place of the public authorities; `https_port` that of 443 for https URLs
    that name no port.  Bodies are cut at 1 MiB."""

    def __init__(
        self,
        ca_file: Path | None,
        https_port: int,
        interlock: Interlock,
        door: Door,
        *,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self._ca_file = ca_file
        self._https_port = https_port
        self._interlock = interlock
        self._door = door
        self._transport = transport
        self._lock = threading.Lock()
        self._client: httpx.Client | None = None

    async def get(self, url: str, *, address: str | None = None) -> WebAnswer:
        return await self._door(self._ask, "GET", url, None, address)

    async def post(self, url: str, document: Mapping[str, Any], *, address: str | None = None) -> WebAnswer:
        return await self._door(self._ask, "POST", url, dict(document), address)

    def _ask(self, method: str, url: str, document: Mapping[str, Any] | None, address: str | None) -> WebAnswer:
        from runbook.estate import http_wire

        call = self._call(method, url, document, address)
        with self._lock:
            if self._client is None:
                self._client = http_wire.client(
                    "web", self._interlock, ca_file=self._ca_file, transport=self._transport
                )
            client = self._client
        try:
            answer, peer = http_wire.fetch(client, call)
        except Unreachable as trouble:
            raise _trouble(trouble, url, call.source) from None
        return _web_answer(answer, peer, address)

    def _call(self, method: str, url: str, document: Mapping[str, Any] | None, address: str | None) -> Call:
        """The URL with the address in the name's place; the name goes into Host and TLS's server name."""
        parts = urlsplit(url)
        name = parts.hostname or ""
        port = parts.port or (self._https_port if parts.scheme == "https" else 80)
        usual = port == {"https": 443, "http": 80}.get(parts.scheme)
        host = _bracketed(name) if usual else f"{_bracketed(name)}:{port}"
        route = f"{_bracketed(address or name)}:{port}"
        target = urlunsplit((parts.scheme, route, parts.path or "/", parts.query, ""))
        source = f"web: {method} {parts.scheme}://{host}{parts.path}"
        return Call(method, target, source, {"Host": host}, document=document, server_name=name, limit=_LIMIT)


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _web_answer(answer: Answer, peer: Peer, address: str | None) -> WebAnswer:
    return WebAnswer(
        status=answer.status,
        headers={text(name, 100): text(value, 2000) for name, value in answer.headers.items()},
        body=answer.body,
        address=peer.address or address or "",
        certificate_until=_until(peer),
    )


def _until(peer: Peer) -> datetime | None:
    """`notAfter` reads like `Jan  5 09:34:43 2028 GMT` (`ssl.cert_time_to_seconds`)."""
    import ssl

    until = peer.certificate.get("notAfter")
    return datetime.fromtimestamp(ssl.cert_time_to_seconds(until), UTC) if isinstance(until, str) else None


def _trouble(trouble: Unreachable, url: str, source: str) -> RunbookError:
    """A certificate is the layer's own fault; no answer may be anybody's."""
    name = text(urlsplit(url).hostname, 253)
    if trouble.kind == "certificate":
        guilt = _GUILT.get(trouble.code, "does not verify")
        return LayerFailed(
            f"The certificate shown for {name} {guilt}",
            fix="Put the certificate right at the edge (or the origin); no switch turns verification off.",
            provider_text=text(trouble.words),
            source=source,
        )
    if trouble.kind in {"tls", "alert"}:
        return LayerFailed(
            f"{name} does not speak TLS as it must",
            fix="It must speak TLS 1.2 or newer, and ask for no client certificate; is it a port of plain http?",
            provider_text=text(trouble.words),
            source=source,
        )
    kind = Silent if trouble.kind == "silent" else NoVerdict
    return kind(
        f"{name} {_HOW.get(trouble.kind, 'could not be reached')}",
        fix="Is it running? Check this machine's network and the address in runbook.toml.",
        provider_text=text(trouble.words),
        source=source,
    )
