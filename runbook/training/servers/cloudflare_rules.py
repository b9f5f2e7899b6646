"""Cloudflare's rulesets as far as they are used, over the state in `zone`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from werkzeug.wrappers import Request, Response

from runbook.training.servers import cloudflare_documents as documents
from runbook.training.servers.cloudflare_documents import body_of
from runbook.training.servers.firewall import PHASES, RULESETS
from runbook.training.servers.web import Answered, Route
from runbook.training.servers.zone import Ruleset, Zone, rule

_refusal = documents.refusal
_SKIPS = frozenset({"phases", "ruleset", "rulesets", "rules", "products"})


class Rules:
    """The handlers; each locks the zone for itself.  With `dry_run` a change is judged and not made."""

    def __init__(self, zone: Zone) -> None:
        self._zone = zone

    def routes(self, base: str) -> Iterable[Route]:
        """`base` is the zone's path."""
        entrypoint = base + "/rulesets/phases/<phase>/entrypoint"
        ruleset = base + "/rulesets/<ruleset_id>"
        return (
            Route("GET", base + "/rulesets", self.rulesets),
            Route("GET", ruleset, self.ruleset),
            Route("GET", entrypoint, self.entrypoint),
            Route("PUT", entrypoint, self.replace),
            Route("POST", ruleset + "/rules", self.add),
            Route("PATCH", ruleset + "/rules/<rule_id>", self.change),
            Route("DELETE", ruleset + "/rules/<rule_id>", self.remove),
        )

    def rulesets(self, request: Request, zone_id: str) -> Response:
        """The zone's own, and the managed ones that it can deploy."""
        del request, zone_id
        with self._zone.locked() as zone:
            own = [documents.ruleset(one, rules=False) for one in zone.rulesets.values()]
        return documents.good(own + documents.managed_rulesets())

    def ruleset(self, request: Request, zone_id: str, ruleset_id: str) -> Response:
        del request, zone_id
        with self._zone.locked() as zone:
            return documents.good(documents.ruleset(_ruleset(zone, ruleset_id)))

    def entrypoint(self, request: Request, zone_id: str, phase: str) -> Response:
        """404 with 10003 before the first PUT: the phase has no rules, which is no error."""
        del request, zone_id
        with self._zone.locked() as zone:
            found = zone.rulesets.get(phase)
            if found is None:
                return _refusal(404, 10003, f'could not find entrypoint ruleset in the "{phase}" phase')
            return documents.good(documents.ruleset(found))

    def replace(self, request: Request, zone_id: str, phase: str) -> Response:
        """Replaces all rules of the phase, and makes the ruleset when there is none."""
        del zone_id
        given = body_of(request).get("rules")
        if phase not in PHASES:
            raise _unfit(f'phase "{phase}" cannot be set here')
        if not isinstance(given, list):
            raise _unfit("rules must be a list")
        with self._zone.locked() as zone:
            held = zone.rulesets.get(phase)
            before = {one["id"]: one for one in held.rules} if held is not None else {}
            rules = [rule(one, before.get(one.get("id"))) for one in _judged(given)]
            if _dry(request):
                return documents.good(None)
            ruleset = zone.rulesets.setdefault(phase, Ruleset(phase, [], version=0))
            return _changed(ruleset, rules)

    def add(self, request: Request, zone_id: str, ruleset_id: str) -> Response:
        del zone_id
        body = body_of(request)
        with self._zone.locked() as zone:
            ruleset = _ruleset(zone, ruleset_id)
            _judged([*ruleset.rules, body])
            return documents.good(None) if _dry(request) else _changed(ruleset, [*ruleset.rules, rule(body)])

    def change(self, request: Request, zone_id: str, ruleset_id: str, rule_id: str) -> Response:
        """The body is the whole rule; what it leaves out is gone."""
        del zone_id
        body = body_of(request)
        with self._zone.locked() as zone:
            ruleset = _ruleset(zone, ruleset_id)
            before = _rule(ruleset, rule_id)
            _judged([body, *(one for one in ruleset.rules if one is not before)])
            if _dry(request):
                return documents.good(None)
            return _changed(ruleset, [rule(body, before) if one is before else one for one in ruleset.rules])

    def remove(self, request: Request, zone_id: str, ruleset_id: str, rule_id: str) -> Response:
        del zone_id
        with self._zone.locked() as zone:
            ruleset = _ruleset(zone, ruleset_id)
            gone = _rule(ruleset, rule_id)
            if _dry(request):
                return documents.good(None)
            return _changed(ruleset, [one for one in ruleset.rules if one is not gone])


def _dry(request: Request) -> bool:
    return request.args.get("dry_run") == "true"


def _changed(ruleset: Ruleset, rules: list[dict[str, Any]]) -> Response:
    ruleset.replace(rules)
    return documents.good(documents.ruleset(ruleset))


def _ruleset(zone: Zone, ruleset_id: str) -> Ruleset:
    found = next((one for one in zone.rulesets.values() if one.id == ruleset_id), None)
    if found is None:
        raise Answered(_refusal(404, 10003, "could not find ruleset"))
    return found


def _rule(ruleset: Ruleset, rule_id: str) -> dict[str, Any]:
    found = next((one for one in ruleset.rules if one["id"] == rule_id), None)
    if found is None:
        raise Answered(_refusal(404, 10002, "could not find rule"))
    return found


def _unfit(reason: str) -> Answered:
    return Answered(_refusal(400, 20022, reason))


def _judged(rules: Sequence[Any]) -> Sequence[dict[str, Any]]:
    """The rules, or the refusal of the first that is none; a managed ruleset stands once in a zone."""
    for one in rules:
        problem = _problem(one)
        if problem is not None:
            raise _unfit(problem)
    deployed = [one["action_parameters"]["id"] for one in rules if one["action"] == "execute"]
    if len(deployed) != len(set(deployed)):
        raise _unfit("a managed ruleset can be deployed once per zone")
    return rules


def _problem(one: Any) -> str | None:
    """Why this rule would be refused, or None."""
    if not isinstance(one, dict) or not one.get("action") or not one.get("expression"):
        return "a rule needs an action and an expression"
    parameters = one.get("action_parameters") or {}
    if one["action"] == "execute" and parameters.get("id") not in RULESETS:
        return "an execute rule needs the id of a managed ruleset in action_parameters"
    if one["action"] == "skip" and not _SKIPS.intersection(parameters):
        return "a skip rule needs to say in action_parameters what it skips"
    return None
