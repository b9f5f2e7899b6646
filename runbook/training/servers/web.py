"""Small HTTP plumbing that the simulated providers share: routes, a server in threads, forwarding."""

from __future__ import annotations

import contextlib
import http.client
import json
import socket
import ssl
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from werkzeug.exceptions import MethodNotAllowed, NotFound
from werkzeug.routing import Map, Rule
from werkzeug.serving import WSGIRequestHandler, make_server
from werkzeug.wrappers import Request, Response

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

Handler = Callable[..., Response]
BODY_LIMIT = 1 << 20
_HOP_BY_HOP = frozenset({"connection", "keep-alive", "transfer-encoding", "upgrade", "content-length", "te", "trailer"})


class Answered(Exception):
    """Raised inside a handler to answer at once with `response`."""

    def __init__(self, response: Response) -> None:
        super().__init__(response.status)
        self.response = response


@dataclass(frozen=True, slots=True)
class Route:
    """`handler(request, **parts of the path)` answers `method` on `path` (werkzeug's rule syntax)."""

    method: str
    path: str
    handler: Handler


def as_json(document: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """A JSON answer."""
    return Response(json.dumps(document), status, headers, content_type="application/json; charset=utf-8")


class Api:
    """A WSGI application of routes; subclasses give the routes and the provider's way to refuse."""

    def __init__(self) -> None:
        rules = [Rule(route.path, methods=[route.method], endpoint=route.handler) for route in self.routes()]
        self._map = Map(rules, merge_slashes=False)

    def routes(self) -> Iterable[Route]:
        """All routes; asked once, when the object is made."""
        raise NotImplementedError

    def gate(self, request: Request) -> Response | None:
        """A refusal (not signed in, wrong host …) before the handler, or None."""
        del request
        return None

    def unknown(self, request: Request) -> Response:
        """The answer to a path that is not there."""
        raise NotImplementedError

    def wrong_method(self, request: Request, allowed: str) -> Response:
        """The answer to a method that the path does not have."""
        del request
        return Response("Method Not Allowed", 405, {"Allow": allowed}, content_type="text/plain; charset=utf-8")

    def finish(self, request: Request, response: Response) -> Response:
        """Last touch on every answer, such as rate-limit headers."""
        del request
        return response

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        request = Request(environ)
        request.max_content_length = BODY_LIMIT
        return self.finish(request, self._answer(request))(environ, start_response)

    def _answer(self, request: Request) -> Response:
        try:
            handler, parts = self._map.bind_to_environ(request.environ).match()
        except MethodNotAllowed as refusal:
            return self.wrong_method(request, ", ".join(sorted(refusal.valid_methods or ())))
        except NotFound:
            return self.unknown(request)
        try:
            return self.gate(request) or handler(request, **parts)
        except Answered as early:
            return early.response


def json_object(request: Request) -> dict[str, Any] | None:
    """The request's JSON object, or None when the body is anything else."""
    try:
        document = json.loads(request.get_data() or b"{}")
    except ValueError:
        return None
    return document if isinstance(document, dict) else None


class _Quiet(WSGIRequestHandler):
    """No log lines (tokens stand in headers), no Nagle delay, TLS handshakes in the request's own thread."""

    disable_nagle_algorithm = True
    tls: ssl.SSLContext | None = None

    def setup(self) -> None:
        if self.tls is not None:
            self.request.settimeout(10)
            self.request = self.tls.wrap_socket(self.request, server_side=True)
        super().setup()

    def finish(self) -> None:
        super().finish()
        if self.tls is not None:
            self.request.close()

    def send_response(self, code: int, message: str | None = None) -> None:
        """Status line and date; `Server` is the application's to say, and the library would say it a second time."""
        self.send_response_only(code, message)
        self.send_header("Date", self.date_time_string())

    def log(self, type: str, message: str, *args: Any) -> None:  # noqa: A002  # werkzeug's own parameter name
        """Say nothing: the supervisor has no terminal."""


def _say_nothing(*_: Any) -> None:
    """A failed request is the client's business; there is no terminal to tell."""


class LoopbackServer:
    """One WSGI application on a free port of 127.0.0.1, a thread for each connection; TLS when given."""

    def __init__(self, app: WSGIApplication, tls: ssl.SSLContext | None = None) -> None:
        self._tls = tls is not None
        self._handler: type[_Quiet] = type("Handler", (_Quiet,), {"tls": tls})
        self._server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=self._handler)
        self._server.handle_error = _say_nothing  # type: ignore[assignment,method-assign]  # werkzeug has no seam for it
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)

    @property
    def port(self) -> int:
        """The port that the system chose."""
        return self._server.port

    @property
    def url(self) -> str:
        """`http(s)://127.0.0.1:port`, without a trailing slash."""
        return f"{'https' if self._tls else 'http'}://127.0.0.1:{self.port}"

    def show(self, tls: ssl.SSLContext) -> None:
        """Another certificate for every connection from now on; ValueError where the server speaks no TLS."""
        if not self._tls:
            raise ValueError("this server speaks no TLS")
        self._handler.tls = tls

    def start(self) -> None:
        """Serve from now on."""
        self._thread.start()

    def stop(self) -> None:
        """Close the port; connections under way end with the process."""
        if self._thread.is_alive():
            self._server.shutdown()
            self._thread.join()
        self._server.server_close()


@dataclass(frozen=True, slots=True)
class Upstream:
    """A loopback server that requests are passed on to; with `trust`, over TLS and for `name`, which is verified."""

    port: int
    name: str = ""
    trust: ssl.SSLContext | None = None

    def connection(self, timeout: float) -> http.client.HTTPConnection:
        """Not connected yet, or (TLS) connected and verified."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        if self.trust is not None:
            connection.connect()
            connection.sock = self.trust.wrap_socket(connection.sock, server_hostname=self.name)
        return connection


def forward(
    request: Request, to: Upstream | int, *, extra: Mapping[str, str] | None = None, timeout: float = 20
) -> Response:
    """Pass a request on to a loopback port as it came; OSError or HTTPException when nothing answers there."""
    target = request.environ.get("REQUEST_URI") or request.full_path
    headers = {name: value for name, value in request.headers if name.lower() not in _HOP_BY_HOP}
    upstream = to if isinstance(to, Upstream) else Upstream(to)
    with contextlib.closing(upstream.connection(timeout)) as connection:
        connection.request(request.method, target, request.get_data() or None, {**headers, **(extra or {})})
        answer = connection.getresponse()
        dropped = _HOP_BY_HOP | {"date", "server"}
        kept = [(name, value) for name, value in answer.getheaders() if name.lower() not in dropped]
        return Response(answer.read(), answer.status, kept)


def answers(port: int, path: str, timeout: float = 1.0) -> bool:
    """True when a GET on that loopback port is answered at all with a status below 500."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)
    with contextlib.closing(connection):
        try:
            connection.request("GET", path)
            return connection.getresponse().status < 500
        except (OSError, http.client.HTTPException):
            return False


def bound_socket(kind: socket.SocketKind, port: int = 0) -> socket.socket:
    """A socket bound on 127.0.0.1; port 0 lets the system choose; OSError when the port is taken."""
    bound = socket.socket(socket.AF_INET, kind)
    try:
        bound.bind(("127.0.0.1", port))
    except OSError:
        bound.close()
        raise
    return bound
