"""Cloudflare's API v4 as far as it is used, over the state in `zone`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from werkzeug.wrappers import Request, Response

from runbook.training.servers import cloudflare_documents as documents
from runbook.training.servers.web import Answered, Api, Route, json_object
from runbook.training.servers.zone import RANGES, ZONE, Record, Ruleset, Zone, rule, stamp

_refusal = documents.refusal
PHASES = ("http_request_firewall_managed", "http_request_firewall_custom")


class Cloudflare(Api):
    """One zone; `token` is a user-owned API token."""

    def __init__(self, zone: Zone, token: str) -> None:
        self._zone = zone
        self._token = token
        super().__init__()

    def routes(self) -> Iterable[Route]:
        base = "/client/v4"
        zone = base + "/zones/<zone_id>"
        entrypoint = zone + "/rulesets/phases/<phase>/entrypoint"
        return (
            Route("GET", base + "/user/tokens/verify", self.verify),
            Route("GET", base + "/accounts/<account>/tokens/verify", self.verify_owned),
            Route("GET", base + "/ips", self.ranges),
            Route("GET", base + "/zones", self.zones),
            Route("GET", zone, self.zone),
            Route("PATCH", zone, self.change_zone),
            Route("GET", zone + "/dns_records", self.records),
            Route("GET", zone + "/dns_records/<record_id>", self.record),
            Route("PATCH", zone + "/dns_records/<record_id>", self.change_record),
            Route("GET", zone + "/rulesets", self.rulesets),
            Route("GET", entrypoint, self.entrypoint),
            Route("PUT", entrypoint, self.replace_rules),
            Route("POST", zone + "/rulesets/<ruleset_id>/rules", self.add_rule),
            Route("PATCH", zone + "/rulesets/<ruleset_id>/rules/<rule_id>", self.change_rule),
            Route("GET", zone + "/settings/<setting>", self.setting),
            Route("PATCH", zone + "/settings/<setting>", self.change_setting),
        )

    def unknown(self, request: Request) -> Response:
        return documents.no_route(request.path.removeprefix("/client/v4"))

    def wrong_method(self, request: Request, allowed: str) -> Response:
        del allowed
        return documents.no_route(request.path.removeprefix("/client/v4"))

    def gate(self, request: Request) -> Response | None:
        given = request.headers.get("Authorization")
        if request.path == "/client/v4/ips" or given == f"Bearer {self._token}":
            return self._other_zone(request)
        if given is None:
            return _refusal(400, 9106, "Missing X-Auth-Key, X-Auth-Email or Authorization headers")
        if not given.startswith("Bearer ") or " " in given.removeprefix("Bearer "):
            chain = [{"code": 6111, "message": "Invalid format for Authorization header"}]
            return _refusal(400, 6003, "Invalid request headers", error_chain=chain)
        if request.path.endswith("/tokens/verify"):
            return _refusal(401, 1000, "Invalid API Token")
        return _refusal(403, 10000, "Authentication error")

    def _other_zone(self, request: Request) -> Response | None:
        asked = (request.path.removeprefix("/client/v4/zones/").split("/"))[0]
        if request.path.startswith("/client/v4/zones/") and asked != self._zone.id:
            return documents.no_route(f"/zones/{asked}")
        return None

    # -- token, ranges, zone ------------------------------------------------------------------------------------
    def verify(self, request: Request) -> Response:
        del request
        return documents.token()

    def verify_owned(self, request: Request, account: str) -> Response:
        """This token is a user's: the account's endpoint does not know it."""
        del request, account
        return _refusal(401, 1000, "Invalid API Token")

    def ranges(self, request: Request) -> Response:
        del request
        return documents.good({"ipv4_cidrs": list(RANGES), "ipv6_cidrs": [], "etag": "practice"})

    def zones(self, request: Request) -> Response:
        with self._zone.locked() as zone:
            found = [documents.zone(zone)] if request.args.get("name", ZONE) == ZONE else []
        return documents.paged(request, found, 20)

    def zone(self, request: Request, zone_id: str) -> Response:
        del request, zone_id
        with self._zone.locked() as zone:
            return documents.good(documents.zone(zone))

    def change_zone(self, request: Request, zone_id: str) -> Response:
        del zone_id
        body = _body(request)
        if len(body) != 1:
            return _refusal(400, 1016, "Only one zone property can be changed at a time")
        with self._zone.locked() as zone:
            zone.paused = bool(body.get("paused", zone.paused))
            return documents.good(documents.zone(zone))

    # -- records ------------------------------------------------------------------------------------------------
    def records(self, request: Request, zone_id: str) -> Response:
        del zone_id
        name = request.args.get("name.exact", request.args.get("name"))
        kind = request.args.get("type")
        with self._zone.locked() as zone:
            found = [r for r in zone.records if name in {None, r.name} and kind in {None, r.type}]
            return documents.paged(request, [documents.record(one) for one in found], 100)

    def record(self, request: Request, zone_id: str, record_id: str) -> Response:
        del request, zone_id
        with self._zone.locked() as zone:
            return documents.good(documents.record(_record(zone, record_id)))

    def change_record(self, request: Request, zone_id: str, record_id: str) -> Response:
        """The documents of the API want type, name, content and ttl in every PATCH."""
        del zone_id
        body = _body(request)
        missing = [key for key in ("type", "name", "content", "ttl") if key not in body]
        if missing:
            return _refusal(400, 1004, f"DNS Validation Error: {', '.join(missing)} missing")
        with self._zone.locked() as zone:
            changed = _record(zone, record_id)
            changed.content, changed.ttl = str(body["content"]), int(body["ttl"])
            changed.proxied = bool(body.get("proxied", changed.proxied))
            changed.comment = body.get("comment", changed.comment)
            changed.modified = stamp()
            return documents.good(documents.record(changed))

    # -- rules --------------------------------------------------------------------------------------------------
    def rulesets(self, request: Request, zone_id: str) -> Response:
        del request, zone_id
        with self._zone.locked() as zone:
            return documents.good([documents.ruleset(one, rules=False) for one in zone.rulesets.values()])

    def entrypoint(self, request: Request, zone_id: str, phase: str) -> Response:
        """404 with 10003 before the first PUT: the phase has no rules, which is no error."""
        del request, zone_id
        with self._zone.locked() as zone:
            found = zone.rulesets.get(phase)
            if found is None:
                return _refusal(404, 10003, f'could not find entrypoint ruleset in the "{phase}" phase')
            return documents.good(documents.ruleset(found))

    def replace_rules(self, request: Request, zone_id: str, phase: str) -> Response:
        """Replaces all rules of the phase and makes the ruleset when there is none; `dry_run` only judges."""
        del zone_id
        given = _body(request).get("rules")
        problem = _unfit(given) if phase in PHASES else f"unknown phase {phase}"
        if problem is not None:
            return _refusal(400, 20022, problem)
        if request.args.get("dry_run") == "true":
            return documents.good(None)
        with self._zone.locked() as zone:
            ruleset = zone.rulesets.setdefault(phase, Ruleset(phase, [], version=0))
            ruleset.replace([rule(one) for one in given or ()])
            return documents.good(documents.ruleset(ruleset))

    def add_rule(self, request: Request, zone_id: str, ruleset_id: str) -> Response:
        del zone_id
        body = _body(request)
        with self._zone.locked() as zone:
            ruleset = _ruleset(zone, ruleset_id)
            _judge([body])
            ruleset.replace([*ruleset.rules, rule(body)])
            return documents.good(documents.ruleset(ruleset))

    def change_rule(self, request: Request, zone_id: str, ruleset_id: str, rule_id: str) -> Response:
        """The body is the whole rule; what it leaves out is gone."""
        del zone_id
        body = _body(request)
        with self._zone.locked() as zone:
            ruleset = _ruleset(zone, ruleset_id)
            _judge([body])
            if all(one["id"] != rule_id for one in ruleset.rules):
                return _refusal(404, 10002, "could not find rule")
            changed = rule({**body, "id": rule_id})
            ruleset.replace([changed if one["id"] == rule_id else one for one in ruleset.rules])
            return documents.good(documents.ruleset(ruleset))

    # -- settings -----------------------------------------------------------------------------------------------
    def setting(self, request: Request, zone_id: str, setting: str) -> Response:
        del request, zone_id
        with self._zone.locked() as zone:
            return documents.setting(zone, setting)

    def change_setting(self, request: Request, zone_id: str, setting: str) -> Response:
        del zone_id
        value = _body(request).get("value")
        with self._zone.locked() as zone:
            if setting in zone.settings and isinstance(value, str):
                zone.settings[setting] = value
            return documents.setting(zone, setting)


def _body(request: Request) -> dict[str, Any]:
    body = json_object(request)
    if body is None:
        raise Answered(_refusal(400, 6007, "Malformed JSON in request body"))
    return body


def _record(zone: Zone, record_id: str) -> Record:
    found = next((one for one in zone.records if one.id == record_id), None)
    if found is None:
        raise Answered(_refusal(404, 81044, "Record does not exist"))
    return found


def _ruleset(zone: Zone, ruleset_id: str) -> Ruleset:
    found = next((one for one in zone.rulesets.values() if one.id == ruleset_id), None)
    if found is None:
        raise Answered(_refusal(404, 10003, "could not find ruleset"))
    return found


def _judge(rules: Any) -> None:
    problem = _unfit(rules)
    if problem is not None:
        raise Answered(_refusal(400, 20022, problem))


def _unfit(rules: Any) -> str | None:
    """Why these rules would be refused, or None."""
    if not isinstance(rules, list):
        return "rules must be a list"
    for one in rules:
        if not isinstance(one, dict) or "action" not in one or "expression" not in one:
            return "a rule needs an action and an expression"
        if one["action"] == "execute" and "id" not in (one.get("action_parameters") or {}):
            return "an execute rule needs action_parameters.id"
    return None
