"""The platform's own ingress, the origin behind the edge: it lets in who comes from the edge, and nobody else."""

from __future__ import annotations

import hmac
import http.client
import secrets
from collections.abc import Iterable
from typing import TYPE_CHECKING

from werkzeug.wrappers import Request, Response

from runbook.training.servers.web import BODY_LIMIT, forward

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

EDGE_HEADER = "x-practice-edge"
"""What stands for the address ranges that a real ingress admits: here every client has the same address."""


class Ingress:
    """A WSGI application in front of the load balancer at `balancer_port`; `passes` is known to the edge alone."""

    def __init__(self, balancer_port: int) -> None:
        self._balancer_port = balancer_port
        self.passes = secrets.token_urlsafe(24)
        self.open = False
        """True: it lets everybody in."""

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        shown = environ.pop("HTTP_" + EDGE_HEADER.upper().replace("-", "_"), "")
        request = Request(environ)
        request.max_content_length = BODY_LIMIT
        return self._answer(request, shown)(environ, start_response)

    def _answer(self, request: Request, shown: str) -> Response:
        if not (self.open or hmac.compare_digest(shown, self.passes)):
            return Response("Access denied by IP policy\n", 403, content_type="text/plain")
        try:
            return forward(request, self._balancer_port)
        except (OSError, http.client.HTTPException):
            return Response("no healthy upstream\n", 503, content_type="text/plain")
