"""The edge in front of the practice application: TLS, firewall rules, and the way to the origin."""

from __future__ import annotations

import http.client
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from werkzeug.wrappers import Request, Response

from runbook.training.servers.firewall import Visit
from runbook.training.servers.web import BODY_LIMIT, Upstream, forward
from runbook.training.servers.zone import HOSTNAMES, ORIGIN, Zone

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

BLOCKED = """<!DOCTYPE html><html><head><title>Attention Required! | Cloudflare</title></head>
<body><h1>Sorry, you have been blocked</h1><p>Cloudflare Ray ID: <strong>{ray}</strong></p></body></html>
"""
CHALLENGE = """<!DOCTYPE html><html><head><title>Just a moment...</title></head>
<body><p>Checking your browser. Cloudflare Ray ID: <strong>{ray}</strong></p></body></html>
"""
BROKEN = """<!DOCTYPE html><html><head><title>{host} | {status}: {reason}</title></head>
<body><h1>Error {status}</h1><p>{reason}</p><p>Cloudflare Ray ID: <strong>{ray}</strong></p></body></html>
"""
_HTML = "text/html; charset=UTF-8"


@dataclass
class Edge:
    """A WSGI application; `extra` are the headers by which the origin knows that a request comes from here."""

    zone: Zone
    origin: Upstream
    extra: Mapping[str, str] = field(default_factory=dict)
    to_http: bool = False
    """True: every visitor over https is sent to http, as a wrong page rule does."""

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        request = Request(environ)
        request.max_content_length = BODY_LIMIT
        ray = secrets.token_hex(8)
        response = self._answer(request, ray)
        response.headers["server"] = "cloudflare"
        response.headers["cf-ray"] = f"{ray}-LHR"
        return response(environ, start_response)

    def _answer(self, request: Request, ray: str) -> Response:
        host = request.host.partition(":")[0]
        target = self.zone.serves(host)
        if target is None:
            return _page(host, 530, "Origin DNS error: the name does not pass this network", ray)
        refused = self._refusal(host, request, ray)
        if refused is not None:
            return refused
        if target != ORIGIN:
            return _page(host, 530, "Origin DNS error: the origin's name does not exist", ray)
        extra = {**self.extra, "cf-ray": f"{ray}-LHR", "cf-ipcountry": "GB"}
        try:
            return forward(request, self.origin, extra=extra)
        except (OSError, http.client.HTTPException):
            return _page(host, 522, "Connection timed out", ray)

    def _refusal(self, host: str, request: Request, ray: str) -> Response | None:
        """What the edge answers by itself: the firewall, a challenge for everybody, a redirect."""
        if self.zone.blocks(_visit(host, request)):
            # a block carries no `cf-mitigated`; that header is a challenge's
            return Response(BLOCKED.format(ray=ray), 403, content_type=_HTML)
        if self.zone.challenges():
            return Response(CHALLENGE.format(ray=ray), 403, {"cf-mitigated": "challenge"}, content_type=_HTML)
        if self.to_http:
            return Response(status=301, headers={"Location": f"http://{host}{request.full_path.rstrip('?')}"})
        return None


def _visit(host: str, request: Request) -> Visit:
    """What the rules look at: host, path, client, and target, headers and body in one text."""
    headers = "\n".join(value for _, value in request.headers)
    body = request.get_data(cache=True).decode("utf-8", "replace")
    query = "&".join(value for _, value in request.args.items(multi=True))
    text = f"{request.path}\n{query}\n{headers}\n{body}"
    return Visit(host, request.path, request.headers.get("User-Agent", ""), text)


def _page(host: str, status: int, reason: str, ray: str) -> Response:
    page = BROKEN.format(host=host if host in HOSTNAMES else "unknown host", status=status, reason=reason, ray=ray)
    return Response(page, status, content_type=_HTML)
