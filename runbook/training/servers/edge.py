"""The edge in front of the practice application: TLS, firewall rules, and the way to the origin."""

from __future__ import annotations

import http.client
import secrets
from collections.abc import Iterable
from typing import TYPE_CHECKING

from werkzeug.wrappers import Request, Response

from runbook.training.servers.web import BODY_LIMIT, forward
from runbook.training.servers.zone import HOSTNAME, ORIGIN, Zone

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

BLOCKED = """<!DOCTYPE html><html><head><title>Attention Required! | Cloudflare</title></head>
<body><h1>Sorry, you have been blocked</h1><p>Cloudflare Ray ID: <strong>{ray}</strong></p></body></html>
"""
BROKEN = """<!DOCTYPE html><html><head><title>{host} | {status}: {reason}</title></head>
<body><h1>Error {status}</h1><p>{reason}</p><p>Cloudflare Ray ID: <strong>{ray}</strong></p></body></html>
"""


class Edge:
    """A WSGI application; `origin_port` is where the platform's load balancer listens."""

    def __init__(self, zone: Zone, origin_port: int) -> None:
        self._zone = zone
        self._origin_port = origin_port

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        request = Request(environ)
        request.max_content_length = BODY_LIMIT
        ray = secrets.token_hex(8)
        response = self._answer(request, ray)
        # a block carries no `cf-mitigated`; that header is a challenge's
        response.headers["server"] = "cloudflare"
        response.headers["cf-ray"] = f"{ray}-LHR"
        return response(environ, start_response)

    def _answer(self, request: Request, ray: str) -> Response:
        host = request.host.partition(":")[0]
        origin = self._zone.serves(host)
        if host != HOSTNAME or origin is None:
            return _page(host, 530, "Origin DNS error: the name does not pass this network", ray)
        if self._zone.blocks(request.path, _everything(request)):
            return Response(BLOCKED.format(ray=ray), 403, content_type="text/html; charset=UTF-8")
        if origin != ORIGIN:
            return _page(host, 530, "Origin DNS error: the origin's name does not exist", ray)
        try:
            return forward(request, self._origin_port, extra={"cf-ray": f"{ray}-LHR", "cf-ipcountry": "GB"})
        except (OSError, http.client.HTTPException):
            return _page(host, 522, "Connection timed out", ray)


def _everything(request: Request) -> str:
    """What the managed rules look at: target, headers and body."""
    headers = "\n".join(value for _, value in request.headers)
    body = request.get_data(cache=True).decode("utf-8", "replace")
    query = "&".join(value for _, value in request.args.items(multi=True))
    return f"{request.path}\n{query}\n{headers}\n{body}"


def _page(host: str, status: int, reason: str, ray: str) -> Response:
    page = BROKEN.format(host=HOSTNAME if host == HOSTNAME else "unknown host", status=status, reason=reason, ray=ray)
    return Response(page, status, content_type="text/html; charset=UTF-8")
