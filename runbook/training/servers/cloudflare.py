"""Cloudflare's API v4 as far as it is used, over the state in `zone`."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable
from typing import Literal

from werkzeug.wrappers import Request, Response

from runbook.training.servers import cloudflare_documents as documents
from runbook.training.servers.cloudflare_documents import body_of
from runbook.training.servers.cloudflare_limits import Limits
from runbook.training.servers.cloudflare_records import Records
from runbook.training.servers.cloudflare_rules import Rules
from runbook.training.servers.web import Api, Route
from runbook.training.servers.zone import RANGES, SECURITY_LEVELS, ZONE, Zone

BASE = "/client/v4"
SETTINGS = {"security_level": SECURITY_LEVELS, "development_mode": ("on", "off")}
_refusal = documents.refusal


class Cloudflare(Api):
    """One zone; `token` is owned by a user or by the account.  `clock` counts seconds (for the allowance)."""

    def __init__(
        self,
        zone: Zone,
        token: str,
        *,
        owner: Literal["user", "account"] = "user",
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._zone = zone
        self._token = token
        self._owner = owner
        self._limits = Limits(clock)
        self._records = Records(zone)
        self._rules = Rules(zone)
        self._lock = threading.Lock()
        self._changes: list[str] = []
        super().__init__()

    @property
    def changes(self) -> tuple[str, ...]:
        """Every call that was meant to change something and was let in, in order: `METHOD path?query`."""
        with self._lock:
            return tuple(self._changes)

    def throttle(self, calls: int, wait: int) -> None:
        """Refuse the next `calls` calls with 429, each with `wait` seconds to wait."""
        self._limits.throttle(calls, wait)

    def routes(self) -> Iterable[Route]:
        zone = BASE + "/zones/<zone_id>"
        return (
            Route("GET", BASE + "/user/tokens/verify", self.verify),
            Route("GET", BASE + "/accounts/<account>/tokens/verify", self.verify_owned),
            Route("GET", BASE + "/accounts/<account>/rulesets", self.managed),
            Route("GET", BASE + "/ips", self.ranges),
            Route("GET", BASE + "/zones", self.zones),
            Route("GET", zone, self.zone),
            Route("PATCH", zone, self.change_zone),
            Route("GET", zone + "/settings/<setting>", self.setting),
            Route("PATCH", zone + "/settings/<setting>", self.change_setting),
            *self._records.routes(zone),
            *self._rules.routes(zone),
        )

    def unknown(self, request: Request) -> Response:
        return documents.no_route(request.path.removeprefix(BASE))

    def wrong_method(self, request: Request, allowed: str) -> Response:
        del allowed
        return documents.no_route(request.path.removeprefix(BASE))

    def gate(self, request: Request) -> Response | None:
        """Who is it, is there allowance left, and is it our zone or account?  `/ips` is for everybody."""
        if request.path == BASE + "/ips":
            return None
        refused = self._stranger(request) or self._limits.refusal() or self._elsewhere(request)
        if refused is None and request.method != "GET":
            with self._lock:
                self._changes.append(f"{request.method} {request.full_path.rstrip('?')}")
        return refused

    def finish(self, request: Request, response: Response) -> Response:
        if request.path != BASE + "/ips":
            self._limits.stamp(response)
        return response

    def _stranger(self, request: Request) -> Response | None:
        given = request.headers.get("Authorization")
        if given == f"Bearer {self._token}":
            return None
        if given is None:
            return _refusal(400, 9106, "Missing X-Auth-Key, X-Auth-Email or Authorization headers")
        if not given.startswith("Bearer ") or " " in given.removeprefix("Bearer "):
            chain = [{"code": 6111, "message": "Invalid format for Authorization header"}]
            return _refusal(400, 6003, "Invalid request headers", error_chain=chain)
        if request.path.endswith("/tokens/verify"):
            return _refusal(401, 1000, "Invalid API Token")
        return _refusal(403, 10000, "Authentication error")

    def _elsewhere(self, request: Request) -> Response | None:
        parts = request.path.removeprefix(BASE + "/").split("/")
        known = {"zones": self._zone.id, "accounts": self._zone.account}
        if len(parts) < 2 or parts[0] not in known or parts[1] == known[parts[0]]:
            return None
        return documents.no_route(f"/{parts[0]}/{parts[1]}")

    # -- token, ranges, account ---------------------------------------------------------------------------------
    def verify(self, request: Request) -> Response:
        """A user's token; one that the account owns is not known here."""
        del request
        return documents.token() if self._owner == "user" else _refusal(401, 1000, "Invalid API Token")

    def verify_owned(self, request: Request, account: str) -> Response:
        """A token that the account owns; a user's is not known here."""
        del request, account
        return documents.token() if self._owner == "account" else _refusal(401, 1000, "Invalid API Token")

    def managed(self, request: Request, account: str) -> Response:
        """The managed rulesets that can be deployed."""
        del request, account
        return documents.good(documents.managed_rulesets())

    def ranges(self, request: Request) -> Response:
        del request
        return documents.good({"ipv4_cidrs": list(RANGES), "ipv6_cidrs": [], "etag": "practice"})

    # -- zone ---------------------------------------------------------------------------------------------------
    def zones(self, request: Request) -> Response:
        asked = request.args
        with self._zone.locked() as zone:
            fits = asked.get("name", ZONE) == ZONE and asked.get("status", zone.status) == zone.status
            found = [documents.zone(zone)] if fits else []
        return documents.paged(request, found, size=20, most=50)

    def zone(self, request: Request, zone_id: str) -> Response:
        del request, zone_id
        with self._zone.locked() as zone:
            return documents.good(documents.zone(zone))

    def change_zone(self, request: Request, zone_id: str) -> Response:
        del zone_id
        body = body_of(request)
        if len(body) != 1:
            return _refusal(400, 1016, "Only one zone property can be changed at a time")
        paused = body.get("paused")
        if not isinstance(paused, bool):
            return _refusal(400, 1016, "In the practice estate only `paused` of a zone can be changed")
        with self._zone.locked() as zone:
            zone.paused = paused
            return documents.good(documents.zone(zone))

    # -- settings -----------------------------------------------------------------------------------------------
    def setting(self, request: Request, zone_id: str, setting: str) -> Response:
        del request, zone_id
        with self._zone.locked() as zone:
            return documents.setting(zone, setting)

    def change_setting(self, request: Request, zone_id: str, setting: str) -> Response:
        del zone_id
        value = body_of(request).get("value")
        if setting in SETTINGS and value not in SETTINGS[setting]:
            return _refusal(400, 1007, f"Invalid value for zone setting {setting}")
        with self._zone.locked() as zone:
            if setting in zone.settings:
                zone.settings[setting] = str(value)
            return documents.setting(zone, setting)
