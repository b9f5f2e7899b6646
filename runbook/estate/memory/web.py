"""The web in memory: the platform's internal addresses, the edge, and origins behind it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from urllib.parse import SplitResult, urlsplit

from runbook.engine.errors import LayerFailed, NoVerdict
from runbook.estate.memory import names
from runbook.estate.memory.application import Application, Reply
from runbook.estate.memory.edge import MemoryEdge, MemoryNames
from runbook.estate.memory.world import World
from runbook.estate.ports import WebAnswer

_BLOCKED = b"<title>Attention Required! | Cloudflare</title><p>Sorry, you have been blocked"


class MemoryWeb:
    """`ports.Web`; `origin_open` lets visitors past the edge; `certificate_guilt` says what its certificate is."""

    def __init__(self, world: World, application: Application, edge: MemoryEdge, dns: MemoryNames) -> None:
        self._world = world
        self._application = application
        self._edge = edge
        self._dns = dns
        self.origin_open = False
        self.egress_open = False  # whether the vault's way out to production is open
        self.certificate_guilt: str | None = None

    async def get(self, url: str, *, address: str | None = None) -> WebAnswer:
        return await self._visit("GET", url, {}, address)

    async def post(self, url: str, document: Mapping[str, Any], *, address: str | None = None) -> WebAnswer:
        # through JSON, as on the wire: what a real server could not be sent is refused here too
        return await self._visit("POST", url, json.loads(json.dumps(document)), address)

    async def _visit(self, method: str, url: str, document: Mapping[str, Any], address: str | None) -> WebAnswer:
        await self._world.ask("web")
        parts = urlsplit(url)
        if parts.hostname != names.HOSTNAME:
            return _answer(self._inside(method, url, document), address or "127.0.0.1")
        address = address or next(iter(self._dns.now()), None)
        if address == names.EDGE_ADDRESS and parts.port in {None, names.HTTPS_PORT}:
            return self._through_edge(parts, address)
        if self.origin_open and address is not None and address in names.ORIGIN_ADDRESSES.values():
            return _answer(_there(self._application.page(), url), address)
        raise _unreachable(url)

    def _inside(self, method: str, url: str, document: Mapping[str, Any]) -> Reply:
        """What the platform's own addresses answer: 405 for the wrong method, nothing while no process runs."""
        if url == names.HEALTH_URL:
            return _there(self._application.health(), url) if method == "GET" else Reply(405, {}, b"")
        if url == names.PROBE_URL:
            return _there(self._application.probe(document), url) if method == "POST" else Reply(405, {}, b"")
        if url == names.EGRESS_PROBE:
            return self._egress(document)
        raise _unreachable(url)

    def _egress(self, document: Mapping[str, Any]) -> Reply:
        """The probe beside the vault: what it tried to connect to, and what came of it."""
        targets = list(document.get("targets", ()))
        reached, refused = (targets, []) if self.egress_open else ([], targets)
        body = json.dumps({"rule": "vault-staging-no-egress", "reached": reached, "refused": refused})
        return Reply(200, {"content-type": "application/json"}, body.encode())

    def _through_edge(self, parts: SplitResult, address: str) -> WebAnswer:
        if self.certificate_guilt is not None:
            raise LayerFailed(f"The certificate shown for {parts.hostname} {self.certificate_guilt}", source="web")
        reply = self._edged(parts.path or "/", parts.query)
        ray = hashlib.sha256(parts.geturl().encode()).hexdigest()[:16] + "-LHR"
        marked = Reply(reply.status, {**reply.headers, "server": "cloudflare", "cf-ray": ray}, reply.body)
        answer = _answer(marked, address)
        return WebAnswer(answer.status, answer.headers, answer.body, address, self._world.now() + timedelta(days=60))

    def _edged(self, path: str, query: str) -> Reply:
        origin = self._edge.proxied_to()
        if origin is None:
            return Reply(530, {}, b"error code: 1001")
        if self._edge.blocks(path, query):
            return Reply(403, {"content-type": "text/html"}, _BLOCKED)
        page = self._application.page() if origin == names.ORIGIN else None
        return page or Reply(522, {}, b"error code: 522")


def _there(reply: Reply | None, url: str) -> Reply:
    if reply is None:
        raise _unreachable(url)
    return reply


def _answer(reply: Reply, address: str) -> WebAnswer:
    return WebAnswer(reply.status, dict(reply.headers), reply.body, address, None)


def _unreachable(url: str) -> NoVerdict:
    host = urlsplit(url).hostname
    return NoVerdict(f"{host} could not be reached", fix="Is it running?", source=f"web: {url}")
