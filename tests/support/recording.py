"""Stands between the product and the practice estate's providers, and keeps every request with its answer."""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from werkzeug.wrappers import Request, Response

from runbook.config import Environment
from runbook.training.servers.web import LoopbackServer, forward

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request and its answer; `path` is without the provider's base path, `headers` are the request's names."""

    provider: str
    method: str
    path: str
    query: str
    sent: bytes
    status: int
    kind: str
    body: bytes
    headers: tuple[str, ...] = ()

    @property
    def document(self) -> Any:
        """The answer's JSON."""
        return json.loads(self.body)

    def __str__(self) -> str:
        return f"{self.provider}: {self.method} {self.path}{'?' if self.query else ''}{self.query} → {self.status}"


@dataclass
class Book:
    """All exchanges, in the order of their answers."""

    exchanges: list[Exchange] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def write(self, exchange: Exchange) -> None:
        with self._lock:
            self.exchanges.append(exchange)

    def of(self, provider: str) -> list[Exchange]:
        return [one for one in self.exchanges if one.provider == provider]


@dataclass(frozen=True)
class _Between:
    """A WSGI application that passes everything on to the loopback port of `url`."""

    provider: str
    url: str
    base: str
    book: Book

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        request = Request(environ)
        sent = request.get_data(cache=True)
        answer = forward(request, urlsplit(self.url).port or 80)
        self.book.write(self._exchange(request, sent, answer))
        return answer(environ, start_response)

    def _exchange(self, request: Request, sent: bytes, answer: Response) -> Exchange:
        path, _, query = str(request.environ["REQUEST_URI"]).removeprefix(self.base).partition("?")
        kind = (answer.mimetype or "") if answer.get_data() else ""
        names = tuple(name for name, _ in request.headers)
        status, body = answer.status_code, answer.get_data()
        return Exchange(self.provider, request.method, path, query, sent, status, kind, body, names)


@contextlib.contextmanager
def recorded(environment: Environment, book: Book) -> Iterator[Environment]:
    """The same environment, with a recorder in front of Northflank, GitHub, the registry and Cloudflare."""
    application, connectivity = environment.application, environment.connectivity
    bases = {"github": "", "northflank": "", "ghcr": "", "cloudflare": "/client/v4"}
    urls = {
        "northflank": application.platform,
        "github": application.github,
        "ghcr": application.registry,
        "cloudflare": connectivity.cloudflare,
    }
    servers = {name: LoopbackServer(_Between(name, url, bases[name], book)) for name, url in urls.items()}
    through = {name: servers[name].url + urlsplit(url).path for name, url in urls.items()}
    for server in servers.values():
        server.start()
    try:
        yield environment.model_copy(
            update={
                "application": application.model_copy(
                    update={
                        "platform": through["northflank"],
                        "github": through["github"],
                        "registry": through["ghcr"],
                    }
                ),
                "connectivity": connectivity.model_copy(update={"cloudflare": through["cloudflare"]}),
            }
        )
    finally:
        for server in servers.values():
            server.stop()
