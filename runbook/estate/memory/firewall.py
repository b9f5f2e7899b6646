"""The edge's rules engine in memory: which requests the rules of a zone block, phase by phase."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import unquote_plus

from runbook.estate import cloudflare_answers
from runbook.estate.memory import names
from runbook.estate.ports import Phase

Raw = Mapping[str, Any]
Rules = Mapping[str, Sequence[Raw]]

MANAGED: Raw = {
    "action": "execute",
    "action_parameters": {"id": names.MANAGED_RULESET, "version": "latest"},
    "expression": "true",
    "description": "Deploy Cloudflare Managed Ruleset",
    "enabled": True,
}
CANARY: Raw = {
    "action": "block",
    "expression": f'(http.request.uri.path eq "{names.CANARY_PATH}")',
    "description": "Canary: shows that the rules engine is in the path",
    "enabled": True,
}
_PATH_IS = re.compile(r'\(*\s*http\.request\.uri\.path eq "([^"]+)"\s*\)*')
_ATTACKS = ("${jndi:", "<script>")


def blocks(rules: Rules, path: str, query: str) -> bool:
    """Custom rules first, then the managed ones; a skip rule lets what it matches past what it names."""
    skipped: set[str] = set()
    for phase in (names.CUSTOM_PHASE, names.MANAGED_PHASE):
        for rule in rules.get(phase, ()) if phase not in skipped else ():
            if not _matches(rule, path):
                continue
            if rule["action"] == "block" or (rule["action"] == "execute" and _managed_blocks(rule, skipped, query)):
                return True
            if rule["action"] == "skip":
                skips = _parameters(rule)
                skipped |= {*skips.get("phases", ()), *skips.get("rulesets", ())}
                if skips.get("ruleset") == "current":
                    break
    return False


def _matches(rule: Raw, path: str) -> bool:
    """`true` and one path are understood; any other expression matches nothing here."""
    expression = str(rule.get("expression", ""))
    found = _PATH_IS.fullmatch(expression)
    return rule.get("enabled", True) is True and (expression == "true" or (found is not None and found[1] == path))


def _managed_blocks(rule: Raw, skipped: set[str], query: str) -> bool:
    """The managed ruleset itself, unless it was skipped, or overrides switch it off or let it only log."""
    parameters = _parameters(rule)
    overrides = parameters.get("overrides") or {}
    acts = overrides.get("enabled", True) is True and overrides.get("action", "block") != "log"
    named = parameters.get("id") == names.MANAGED_RULESET and parameters["id"] not in skipped
    return named and acts and any(attack in unquote_plus(query) for attack in _ATTACKS)


def _parameters(rule: Raw) -> Mapping[str, Any]:
    return rule.get("action_parameters") or {}


def switched_off(phase: str, rules: Sequence[Raw]) -> list[Raw]:
    """What is left of a phase's rules once somebody switched the firewall off: the canary's alone is deleted."""
    if phase == names.MANAGED_PHASE:
        return [{**rule, "enabled": False} for rule in rules]
    return [rule for rule in rules if rule["expression"] != CANARY["expression"]]


# -- as the provider keeps and gives them -------------------------------------------------------------------------
def stored(rule: Raw) -> Raw:
    """With an id, and enabled unless it says otherwise."""
    return {"enabled": True, **rule, "id": str(rule.get("id") or an_id(f"{rule.get('action')} {rule}"))}


def phase_of(ruleset: str | None, rules: Sequence[Raw]) -> Phase:
    """As the port gives it: read as the adapter reads it."""
    return Phase(ruleset, tuple(cloudflare_answers.rule(raw) for raw in rules))


def an_id(of: str) -> str:
    """32 hexadecimal digits, always the same for the same text."""
    return hashlib.md5(of.encode(), usedforsecurity=False).hexdigest()
