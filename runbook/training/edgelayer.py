"""The practice estate's edge: the zone with its API, the edge itself, the names, and the origin's own ingress."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from typing import Any, get_args

from runbook.training.certificates import Authority, Guilt
from runbook.training.servers import zone
from runbook.training.servers.cloudflare import Cloudflare
from runbook.training.servers.edge import Edge
from runbook.training.servers.firewall import MANAGED_RULESET
from runbook.training.servers.ingress import EDGE_HEADER, Ingress
from runbook.training.servers.names import NameServer
from runbook.training.servers.web import LoopbackServer, Upstream
from runbook.training.servers.zone import Zone

MARKER_HEADER = "x-clinic-commit"


class EdgeLayer:
    """All blocking, safe to call from several threads.

    `balancer_port` is the application's load balancer.  `public_names` "none": the run is given no hostnames.
    """

    def __init__(self, authority: Authority, balancer_port: int, *, public_names: str = "staging") -> None:
        self._authority = authority
        self._public_names = public_names
        self._token = secrets.token_urlsafe(30)
        self.zone = Zone()
        self.api = Cloudflare(self.zone, self._token)
        self._ingress = Ingress(balancer_port)
        self._origin = LoopbackServer(self._ingress, tls=authority.issue(zone.ORIGIN).server_context())
        origin = Upstream(self._origin.port, zone.ORIGIN, authority.client_context())
        self._front = Edge(self.zone, origin, {EDGE_HEADER: self._ingress.passes})
        self._edge = LoopbackServer(self._front, tls=authority.issue(*zone.HOSTNAMES, days=60).server_context())
        self._cloudflare = LoopbackServer(self.api)
        self._authoritative = NameServer(self.zone, public=False)
        self._resolver = NameServer(self.zone, public=True)

    # -- life ---------------------------------------------------------------------------------------------------
    def _servers(self) -> tuple[LoopbackServer | NameServer, ...]:
        return self._cloudflare, self._origin, self._edge, self._authoritative, self._resolver

    def start(self) -> None:
        """Serve from now on."""
        for server in self._servers():
            server.start()

    def stop(self) -> None:
        """Close every port; may be called twice, and without `start`."""
        for server in self._servers():
            server.stop()

    # -- what the run is told -----------------------------------------------------------------------------------
    def credentials(self) -> dict[str, str]:
        """`cloudflare-token`: a user's own."""
        return {"cloudflare-token": self._token}

    def environment(self) -> dict[str, Any]:
        """The part `connectivity` of `runbook.config.Environment`."""
        names = zone.HOSTNAMES if self._public_names == "staging" else ()
        return {
            "cloudflare": self._cloudflare.url + "/client/v4",
            "zone": zone.ZONE,
            "hostnames": [{"name": name, "type": "CNAME", "content": zone.ORIGIN} for name in names],
            "managed_rulesets": [MANAGED_RULESET],
            "canary_path": zone.CANARY_PATH,
            "security_level": "medium",
            "authoritative": [{"address": "127.0.0.1", "port": self._authoritative.port}],
            "resolvers": [{"address": "127.0.0.1", "port": self._resolver.port}],
            "https_port": self._edge.port,
            "ca_file": str(self._authority.ca_file),
            "marker_header": MARKER_HEADER,
            "origins": [{"url": f"https://{zone.ORIGIN}:{self._origin.port}/", "address": "127.0.0.1"}],
        }

    # -- what can go wrong --------------------------------------------------------------------------------------
    @property
    def faults(self) -> Mapping[str, Callable[..., None]]:
        """The kinds of `faults.EDGE_FAULTS`, each with what does it; ValueError names what is known."""
        return {
            "waf-off": self.zone.drop_protection,
            "dns-old-origin": self.zone.go_stale,
            "zone-paused": self.zone.pause,
            "open-origin": self.open_origin,
            "bad-certificate": self.bad_certificate,
            "http-redirect": self.redirect_to_http,
            "security-level": self.security_level,
        }

    def open_origin(self) -> None:
        """The ingress lets everybody in."""
        self._ingress.open = True

    def bad_certificate(self, guilt: str = "self-signed") -> None:
        """Every connection to the edge from now on is shown it."""
        for known in get_args(Guilt):
            if guilt == known:
                self._edge.show(self._authority.bad(known, *zone.HOSTNAMES).server_context())
                return
        raise ValueError(f"no certificate is {guilt!r}; known: {', '.join(get_args(Guilt))}")

    def redirect_to_http(self) -> None:
        """Every visitor is sent to http."""
        self._front.to_http = True

    def security_level(self, level: str = "essentially_off") -> None:
        """Set at the provider, as somebody might in its own pages."""
        self.zone.set_security_level(level)

    def throttle(self, calls: int = 3, wait: int = 2) -> None:
        """The provider refuses its next `calls` calls, and asks for `wait` seconds of patience each time."""
        self.api.throttle(calls, wait)

    @property
    def calls(self) -> tuple[str, ...]:
        """Every call to the provider's API that was meant to change something, in order: `METHOD path?query`."""
        return self.api.changes
