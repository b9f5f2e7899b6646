"""The wire under every HTTP adapter: the interlock in front, TLS verified, nothing taken from the environment.

The only estate module that knows httpx; loaded when a first call is made (0.08 s).
"""

from __future__ import annotations

import json
import ssl
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, TypeVar

import httpx

from runbook import __version__
from runbook.engine.errors import WrongUse
from runbook.estate.http_message import Answer, Call, Peer, Unreachable
from runbook.safety.bounds import place
from runbook.safety.interlock import Interlock

E = TypeVar("E", bound=BaseException)
_CONNECTED: Final = "connection.connect_tcp.complete"  # httpcore's trace event
_OPERATION = "runbook.operation"  # request extension: which listed operation this is, where the URL cannot say
_TIMEOUT = httpx.Timeout(connect=5.0, read=15.0, write=15.0, pool=5.0)
_WHOLE_ANSWER_S = 60.0  # httpx's read timeout is for each block: a dripping server would never end
_ONE_CONNECTION_A_CALL = httpx.Limits(max_keepalive_connections=0)  # a stale kept one turns a change into a guess


class Guard(httpx.BaseTransport):
    """Asks the interlock about each request with what is really about to be sent, redirect targets too."""

    def __init__(self, provider: str, interlock: Interlock, inner: httpx.BaseTransport) -> None:
        self._provider = provider
        self._interlock = interlock
        self._inner = inner

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        operation = request.extensions.get(_OPERATION)
        if isinstance(operation, str):
            host, port = place(str(request.url))
            self._interlock.check_named(operation, host, port=port, secured=request.url.scheme == "https")
        else:
            self._interlock.check_url(self._provider, request.method, str(request.url), _named(request))
        return self._inner.handle_request(request)

    def close(self) -> None:
        self._inner.close()


def _named(request: httpx.Request) -> dict[str, str]:
    """Which name a change is about, where its body says it."""
    try:
        document = json.loads(request.content) if request.method in {"PATCH", "PUT", "POST"} else {}
    except ValueError:
        return {}
    name = document.get("name") if isinstance(document, dict) else None
    return {"name": name} if isinstance(name, str) else {}


def client(
    provider: str, interlock: Interlock, *, ca_file: Path | None = None, transport: httpx.BaseTransport | None = None
) -> httpx.Client:
    """A client that follows no redirect and reads no environment; `transport` takes the network's place in tests."""
    inner = transport or httpx.HTTPTransport(
        verify=tls_context(ca_file), trust_env=False, limits=_ONE_CONNECTION_A_CALL, retries=0
    )
    return httpx.Client(
        transport=Guard(provider, interlock, inner),
        trust_env=False,
        follow_redirects=False,
        timeout=_TIMEOUT,
        headers={"User-Agent": f"restoration-runbook/{__version__}"},
    )


def tls_context(ca_file: Path | None) -> ssl.SSLContext:
    """Verifies against `ca_file`, or certifi's list.

    Made by hand: `ssl.create_default_context` writes session keys to the file that SSLKEYLOGFILE names.
    """
    import certifi

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # verifies chain and name unless told otherwise
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_verify_locations(cafile=str(ca_file or certifi.where()))
    except (OSError, ssl.SSLError) as error:
        raise WrongUse(
            f"the CA file {ca_file} cannot be used: {error}", fix="Correct ca_file in runbook.toml."
        ) from None
    return context


def fetch(using: httpx.Client, call: Call) -> tuple[Answer, Peer]:
    """Send it once and read the whole answer, up to `call.limit` bytes; raises Unreachable."""
    reached: set[str] = set()  # what the connection came through, by httpcore's names
    with _translated(reached):
        request = using.build_request(
            call.method,
            call.url,
            headers=dict(call.headers),
            params=call.params,
            json=call.document,
            extensions={**_extensions(call), "trace": lambda event, _: reached.add(event)},
        )
        response = using.send(request, stream=True)
        try:
            peer = _peer(response)
            body = _read(response, call.limit)
        finally:
            response.close()
    using.cookies.clear()
    headers = {name.lower(): value for name, value in response.headers.items()}
    return Answer(response.status_code, headers, body, call.source), peer


def _extensions(call: Call) -> dict[str, Any]:
    chosen = {_OPERATION: call.operation, "sni_hostname": call.server_name}
    return {name: value for name, value in chosen.items() if value is not None}


def _read(response: httpx.Response, limit: int) -> bytes:
    """The decoded body; a longer one is cut at `limit` (judging half a JSON document fails, as it should)."""
    deadline = time.monotonic() + _WHOLE_ANSWER_S
    body = bytearray()
    for block in response.iter_bytes():
        body += block
        if len(body) >= limit:
            break
        if time.monotonic() > deadline:
            raise Unreachable("timeout", f"the answer was not complete after {_WHOLE_ANSWER_S:.0f} s")
    return bytes(body[:limit])


def _peer(response: httpx.Response) -> Peer:
    stream = response.extensions.get("network_stream")
    if stream is None:
        return Peer("", {})
    address = stream.get_extra_info("server_addr")
    tls = stream.get_extra_info("ssl_object")
    return Peer(str(address[0]) if address else "", (tls.getpeercert() or {}) if tls else {})


@contextmanager
def _translated(reached: Collection[str]) -> Iterator[None]:
    try:
        yield
    except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError) as error:
        cause = _caused(error, ssl.SSLCertVerificationError)
        if cause is not None:
            raise Unreachable("certificate", cause.verify_message, cause.verify_code) from None
        raise Unreachable(_kind(error, connected=_CONNECTED in reached), f"{type(error).__name__}: {error}") from None


def _kind(error: Exception, *, connected: bool) -> str:
    """As `Unreachable` has them."""
    tls = _caused(error, ssl.SSLError)
    refused = tls is not None and not isinstance(tls, ssl.SSLEOFError | ssl.SSLZeroReturnError)  # these two: cut off
    if isinstance(error, httpx.ConnectTimeout):
        return "stalled" if connected else "silent"
    if isinstance(error, httpx.ConnectError):
        if _caused(error, ConnectionRefusedError) is not None:
            return "silent"
        return "tls" if refused else "dropped" if connected else "connect"
    if isinstance(error, httpx.UnsupportedProtocol | httpx.InvalidURL):
        return "connect"
    if isinstance(error, httpx.TimeoutException):
        return "timeout"
    return "alert" if refused else "network"


def _caused(error: BaseException | None, kind: type[E]) -> E | None:
    """httpx wraps httpcore wraps ssl: the reason is down the chain."""
    while error is not None:
        if isinstance(error, kind):
            return error
        error = error.__cause__ or error.__context__
    return None
