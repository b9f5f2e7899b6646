"""What the edge's firewall makes of a request: the part of the rules engine that the practice estate understands."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

CUSTOM_PHASE = "http_request_firewall_custom"
MANAGED_PHASE = "http_request_firewall_managed"
PHASES = (CUSTOM_PHASE, MANAGED_PHASE)
"""In the order in which the edge walks them."""

MANAGED_RULESET = "efb7b8c949ac4650a09736fc376e9aee"
FREE_RULESET = "77454fe2d30c4220b5701f6fdfb893ba"
OWASP_RULESET = "4814384a9e5d4991b9815dcfc25d2f1f"
RULESETS: Mapping[str, str] = {
    MANAGED_RULESET: "Cloudflare Managed Ruleset",
    FREE_RULESET: "Cloudflare Managed Free Ruleset",
    OWASP_RULESET: "Cloudflare OWASP Core Ruleset",
}
EMPTY_AGENT = "b57df4f17f7f4ea4b8db33e20a6dbbd3"
"""The documented probe: off by default, switched on by an override."""

Rule = Mapping[str, Any]
_STOPS = frozenset({"block", "managed_challenge", "js_challenge", "challenge"})
_EQUALS = re.compile(r'\(*\s*(http\.request\.uri\.path|http\.host) eq "([^"]*)"\s*\)*')


@dataclass(frozen=True, slots=True)
class Visit:
    """One request; `text` is its target, headers and body as one."""

    host: str
    path: str
    agent: str
    text: str


@dataclass(frozen=True, slots=True)
class _Managed:
    """One of the provider's own rules."""

    id: str
    category: str
    marker: str
    enabled: bool = True

    def hits(self, visit: Visit) -> bool:
        return not visit.agent if self.id == EMPTY_AGENT else self.marker in visit.text


_LOG4J = _Managed("0c054d4e4dd5455c9ff8f01efe5abb10", "apache", "${jndi:")
_SCRIPT = _Managed("6afe6795ee6a48d6a1dfe59255395a76", "xss", "<script>")
_AGENT = _Managed(EMPTY_AGENT, "cloudflare-specials", "", enabled=False)
_RULES: Mapping[str, tuple[_Managed, ...]] = {
    MANAGED_RULESET: (_LOG4J, _SCRIPT, _AGENT),
    FREE_RULESET: (_LOG4J,),
    OWASP_RULESET: (_Managed("6179ae15870a4bb7b2d480d4843b323c", "owasp", "<script>"),),
}


@dataclass
class _Skips:
    """What skip rules have taken out so far."""

    phases: set[str] = field(default_factory=set)
    rulesets: set[str] = field(default_factory=set)
    rules: set[str] = field(default_factory=set)

    def add(self, parameters: Mapping[str, Any], phase: str) -> None:
        self.phases.update(parameters.get("phases") or ())
        if parameters.get("ruleset") == "current":
            self.phases.add(phase)
        self.rulesets.update(parameters.get("rulesets") or ())
        for named in (parameters.get("rules") or {}).values():
            self.rules.update(named)


def blocks(phases: Mapping[str, Sequence[Rule]], visit: Visit) -> bool:
    """Whether these rules (by phase) keep the visit from the origin."""
    skips = _Skips()
    return any(_stops(phases.get(phase, ()), phase, visit, skips) for phase in PHASES)


def _stops(rules: Sequence[Rule], phase: str, visit: Visit, skips: _Skips) -> bool:
    for rule in rules:
        if phase in skips.phases:
            return False
        if not rule.get("enabled", True) or not matches(rule, visit):
            continue
        parameters = rule.get("action_parameters") or {}
        if rule.get("action") == "skip":
            skips.add(parameters, phase)
        elif rule.get("action") == "execute":
            if parameters.get("id") not in skips.rulesets and _managed_stops(parameters, visit, skips):
                return True
        elif rule.get("action") in _STOPS:
            return True
    return False


def matches(rule: Rule, visit: Visit) -> bool:
    """`true`, or path or host equal to a text; any other expression matches nothing here."""
    expression = str(rule.get("expression", "")).strip()
    if expression == "true":
        return True
    found = _EQUALS.fullmatch(expression)
    return found is not None and found[2] == (visit.host if found[1] == "http.host" else visit.path)


def _managed_stops(parameters: Mapping[str, Any], visit: Visit, skips: _Skips) -> bool:
    overrides = parameters.get("overrides") or {}
    known = _RULES.get(str(parameters.get("id")), ())
    return any(
        rule.id not in skips.rules and rule.hits(visit) and _effective(rule, overrides) in _STOPS for rule in known
    )


def _effective(rule: _Managed, overrides: Mapping[str, Any]) -> str:
    """The action left after overrides: those of the rule beat those of its category, which beat the ruleset's."""
    by_category = [one for one in overrides.get("categories") or () if one.get("category") == rule.category]
    by_rule = [one for one in overrides.get("rules") or () if one.get("id") == rule.id]
    enabled, action = rule.enabled, "block"
    for one in (overrides, *by_category, *by_rule):
        enabled = one.get("enabled", enabled)
        action = one.get("action", action)
    return str(action) if enabled else ""
