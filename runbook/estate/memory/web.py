"""The web in memory: the platform's internal addresses, the edge, and the origins behind it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any
from urllib.parse import SplitResult, urlsplit

from runbook.engine.errors import LayerFailed
from runbook.estate.memory import names
from runbook.estate.memory.application import Application, Reply
from runbook.estate.memory.edge import MemoryEdge
from runbook.estate.memory.layout import Layout
from runbook.estate.memory.resolvers import MemoryNames
from runbook.estate.memory.world import World
from runbook.estate.ports import Silent, WebAnswer

_BLOCKED = b"<title>Attention Required! | Cloudflare</title><p>Sorry, you have been blocked"
_CHALLENGE = b"<title>Just a moment...</title>"
_LASTS = timedelta(days=60)  # a certificate
GUILT = {
    "self-signed": "is self-signed",
    "expired": "has expired",
    "wrong-host": "is for another host name",
}
"""What the edge's certificate can be guilty of, as the adapter says it."""


class MemoryWeb:
    """`ports.Web`; `origin_open` lets visitors past the edge; `certificate_guilt` is one of `GUILT`.

    `redirects` has the edge send visitors to http; `egress_open` opens the vault's way out to production.
    """

    def __init__(
        self, world: World, application: Application, edge: MemoryEdge, dns: MemoryNames, layout: Layout
    ) -> None:
        self._world = world
        self._application = application
        self._edge = edge
        self._dns = dns
        self._inside = _addresses(application, layout)
        self.origin_open = False
        self.egress_open = False
        self.redirects = False
        self.certificate_guilt: str | None = None

    async def get(self, url: str, *, address: str | None = None) -> WebAnswer:
        return await self._visit("GET", url, {}, address)

    async def post(self, url: str, document: Mapping[str, Any], *, address: str | None = None) -> WebAnswer:
        # through JSON, as on the wire: what a real server could not be sent is refused here too
        return await self._visit("POST", url, json.loads(json.dumps(document)), address)

    async def _visit(self, method: str, url: str, document: Mapping[str, Any], address: str | None) -> WebAnswer:
        await self._world.ask("web", f"web:{'Get' if method == 'GET' else 'Probe'}", url)
        parts = urlsplit(url)
        name = parts.hostname or ""
        if name == names.ORIGIN or name in self._edge.zone_records:
            return self._outside(parts, address or next(iter(self._dns.now(name)), None))
        return _answer(self._from_inside(method, url, document), address or "127.0.0.1")

    # -- the platform's own addresses ----------------------------------------------------------------------------
    def _from_inside(self, method: str, url: str, document: Mapping[str, Any]) -> Reply:
        """405 for the wrong method; nothing answers while no process runs."""
        if url == names.EGRESS_PROBE:
            return self._egress(document)
        if url not in self._inside:
            raise _unreachable(url)
        wanted, reply = self._inside[url]
        return _there(reply(document), url) if method == wanted else Reply(405, {}, b"")

    def _egress(self, document: Mapping[str, Any]) -> Reply:
        """The probe beside the vault: what it tried to connect to, and what came of it."""
        targets = list(document.get("targets", ()))
        reached, refused = (targets, []) if self.egress_open else ([], targets)
        body = json.dumps({"rule": "vault-staging-no-egress", "reached": reached, "refused": refused})
        return Reply(200, {"content-type": "application/json"}, body.encode())

    # -- as visitors come ----------------------------------------------------------------------------------------
    def _outside(self, parts: SplitResult, address: str | None) -> WebAnswer:
        """To the edge, or past it: the platform's ingress answers at the origin's name and address."""
        at_origin = parts.hostname == names.ORIGIN and address in {names.EDGE_ADDRESS, _ORIGIN_ADDRESS}
        if at_origin or address == _ORIGIN_ADDRESS:
            return self._certified(self._ingress(parts.geturl()), str(address))
        if address == names.EDGE_ADDRESS and parts.port in {None, names.HTTPS_PORT}:
            return self._through_edge(parts, address)
        raise _unreachable(parts.geturl())

    def _ingress(self, url: str) -> Reply:
        """It refuses who does not come through the edge."""
        if not self.origin_open:
            return Reply(403, {"content-type": "text/plain"}, b"forbidden\n")
        return _there(self._application.page(), url)

    def _through_edge(self, parts: SplitResult, address: str) -> WebAnswer:
        if self.certificate_guilt is not None:
            guilt = GUILT.get(self.certificate_guilt, self.certificate_guilt)
            raise LayerFailed(
                f"The certificate shown for {parts.hostname} {guilt}",
                fix="Put the certificate right at the edge (or the origin); no switch turns verification off.",
                source=f"web: {parts.geturl()}",
            )
        reply = self._edged(parts)
        ray = hashlib.sha256(parts.geturl().encode()).hexdigest()[:16] + "-LHR"
        marked = Reply(reply.status, {**reply.headers, "server": "cloudflare", "cf-ray": ray}, reply.body)
        return self._certified(marked, address)

    def _edged(self, parts: SplitResult) -> Reply:
        name, path = parts.hostname or "", parts.path or "/"
        origin = self._edge.proxied_to(name)
        if origin is None:
            return Reply(530, {}, b"error code: 1001")
        if self._edge.blocks(path, parts.query):
            return Reply(403, {"content-type": "text/html"}, _BLOCKED)
        if self._edge.zone_settings.security_level == "under_attack":
            return Reply(403, {"content-type": "text/html", "cf-mitigated": "challenge"}, _CHALLENGE)
        if self.redirects:
            query = f"?{parts.query}" if parts.query else ""
            return Reply(301, {"location": f"http://{name}{path}{query}"}, b"")
        page = self._application.page() if origin == names.ORIGIN else None
        return page or Reply(522, {}, b"error code: 522")

    def _certified(self, reply: Reply, address: str) -> WebAnswer:
        return WebAnswer(reply.status, dict(reply.headers), reply.body, address, self._world.now() + _LASTS)


_ORIGIN_ADDRESS = names.ORIGIN_ADDRESSES[names.ORIGIN]
_Inside = Mapping[str, tuple[str, Callable[[Mapping[str, Any]], Reply | None]]]


def _addresses(application: Application, layout: Layout) -> _Inside:
    """URL → method, and what answers it.  Looked up at each call, so that a test may put another in its place."""
    found: dict[str, tuple[str, Callable[[Mapping[str, Any]], Reply | None]]] = {
        names.APPOINTMENTS_URL: ("GET", lambda _: application.appointments()),
    }
    for place in layout.services:
        found[place.health_url] = ("GET", lambda _, name=place.name: application.health(name))  # type: ignore[misc]
        if place.probe_url is not None:
            found[place.probe_url] = ("POST", lambda said, name=place.name: application.probe(said, name))  # type: ignore[misc]
    return found


def _there(reply: Reply | None, url: str) -> Reply:
    if reply is None:
        raise _unreachable(url)
    return reply


def _answer(reply: Reply, address: str) -> WebAnswer:
    return WebAnswer(reply.status, dict(reply.headers), reply.body, address, None)


def _unreachable(url: str) -> Silent:
    host = urlsplit(url).hostname
    return Silent(f"{host} could not be reached", fix="Is it running?", source=f"web: {url}")
