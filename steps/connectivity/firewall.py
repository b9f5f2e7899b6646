"""What the firewall must say, where it does not, and the least change that puts it right.  Nothing is called here.

Two things must act on every request: each managed ruleset, and a rule of our own that blocks one path, by which the
edge and its rules engine are seen to be in front (`connectivity.waf-live`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from runbook.engine.verdict import Finding
from runbook.estate.answers import listing, mapping
from runbook.estate.ports import Phase, Rule
from steps.connectivity.rules import (
    CUSTOM,
    EVERY,
    MANAGED,
    Firewall,
    Wanted,
    fits_all,
    parameters,
    plain,
    short,
    title,
)
from steps.connectivity.skips import Skip, for_visitors, single_rules, skips

_OURS: Final = "restoration runbook: WAF canary"
_KNOWN: Final[Mapping[str, str]] = {
    "efb7b8c949ac4650a09736fc376e9aee": "Cloudflare Managed",
    "4814384a9e5d4991b9815dcfc25d2f1f": "OWASP Core",
    "c2e184081120413c86c3ab7e14069605": "Exposed Credentials",
    "77454fe2d30c4220b5701f6fdfb893ba": "Free Managed",
}


@dataclass(frozen=True, slots=True)
class Mending:
    """One rule that is not as it must be: `rule` is the whole of it as it will be.

    `place` is where it stands in its phase; None: there is none, and it is put in front of all others.
    """

    phase: str
    place: int | None
    name: str
    before: str
    after: str
    rule: Mapping[str, Any]


def mendings(firewall: Firewall, wanted: Wanted) -> tuple[Mending, ...]:
    """Everything that is wrong; none: the protection is on."""
    managed = [one for ruleset in wanted.rulesets if (one := _managed(firewall.managed, ruleset))]
    canary = _canary(firewall.custom, wanted)
    silenced = [_silenced(one) for one in skips(firewall, wanted) if for_visitors(one.rule.expression, wanted)]
    taken = {canary.place} if canary and canary.place is not None else set()
    rest = [one for one in silenced if one.phase == MANAGED or one.place not in taken]
    return (*managed, *((canary,) if canary else ()), *rest)


def as_it_will_be(phase: Phase, wrong: Sequence[Mending]) -> tuple[Mapping[str, Any], ...]:
    """All rules of the phase: what is missing in front, then each as it stands, mended where it is wrong."""
    mended = {one.place: one.rule for one in wrong if one.place is not None}
    new = [one.rule for one in wrong if one.place is None]
    return (*new, *(mended.get(place, rule.raw) for place, rule in enumerate(phase.rules)))


# -- the managed rulesets -----------------------------------------------------------------------------------------
def ruleset_name(ruleset: str) -> str:
    """As people call it."""
    return f"managed ruleset {_KNOWN.get(ruleset, ruleset)}"


def _managed(phase: Phase, ruleset: str) -> Mending | None:
    """What is wrong with the rule that executes it, or None where one is on for every request."""
    own = [(place, rule) for place, rule in enumerate(phase.rules) if _executes(rule, ruleset)]
    if any(_fully(rule) for _, rule in own):
        return None
    name, after = ruleset_name(ruleset), "its rules are on, for every request"
    if not own:
        return Mending(MANAGED, None, name, _missing(phase), after, _managed_rule(ruleset))
    place, rule = own[0]
    return Mending(MANAGED, place, name, _said(rule), after, _unweakened(rule))


def _executes(rule: Rule, ruleset: str) -> bool:
    return rule.action == "execute" and rule.ruleset == ruleset


def _fully(rule: Rule) -> bool:
    return rule.enabled and fits_all(rule) and not _weakened(rule)


def _overrides(rule: Rule) -> Mapping[str, Any]:
    return mapping(parameters(rule).get("overrides"))


def _weakened(rule: Rule) -> str:
    """How overrides of the whole ruleset take its effect away, or ""; overrides of single rules are tuning."""
    overrides = _overrides(rule)
    if overrides.get("enabled") is False:
        return "an override switches all its rules off"
    return "an override makes all its rules only log" if overrides.get("action") == "log" else ""


def _managed_rule(ruleset: str) -> Mapping[str, Any]:
    return {
        "action": "execute",
        "action_parameters": {"id": ruleset},
        "expression": EVERY,
        "description": "restoration runbook: managed ruleset",
        "enabled": True,
    }


def _unweakened(rule: Rule) -> Mapping[str, Any]:
    """The same rule, on for every request; overrides of single rules and categories are kept."""
    overrides = dict(_overrides(rule))
    if overrides.get("enabled") is False:
        del overrides["enabled"]
    if overrides.get("action") == "log":
        del overrides["action"]
    kept = {key: value for key, value in parameters(rule).items() if key != "overrides"}
    if overrides:
        kept["overrides"] = overrides
    return {**rule.raw, "action_parameters": kept, "expression": EVERY, "enabled": True}


# -- the canary ---------------------------------------------------------------------------------------------------
def _canary(phase: Phase, wanted: Wanted) -> Mending | None:
    """What is wrong with the rule that blocks the canary path, or None where one does."""
    alike = [(place, rule) for place, rule in enumerate(phase.rules) if plain(rule.expression) == plain(wanted.canary)]
    if any(rule.enabled and rule.action == "block" for _, rule in alike):
        return None
    own = alike or [(place, rule) for place, rule in enumerate(phase.rules) if rule.raw.get("description") == _OURS]
    name, after = f"canary rule for {wanted.canary_path}", "blocks it"
    fields = {"action": "block", "expression": wanted.canary, "enabled": True}
    if not own:
        return Mending(CUSTOM, None, name, _missing(phase), after, {**fields, "description": _OURS})
    place, rule = own[0]
    # what the parameters of another action mean, `block` does not understand
    raw = {key: value for key, value in rule.raw.items() if key != "action_parameters" or rule.action == "block"}
    return Mending(CUSTOM, place, name, _blocking(rule), after, {**raw, **fields})


def _blocking(rule: Rule) -> str:
    """What a rule that should block the canary path does now."""
    if not rule.enabled:
        return "OFF"
    return f"on, for {short(rule.expression)}" if rule.action == "block" else f"does not block it: {short(rule.action)}"


# -- rules that let requests past them ----------------------------------------------------------------------------
def _silenced(one: Skip) -> Mending:
    name, before = f"skip rule '{title(one.rule)}'", f"on, and lets past the firewall: {one.words}"
    return Mending(one.phase, one.place, name, before, "OFF", {**one.rule.raw, "enabled": False})


# -- what is left as it is, and said ------------------------------------------------------------------------------
def exceptions(firewall: Firewall, wanted: Wanted) -> tuple[Finding, ...]:
    """For what the managed rules do not act, by the choice of somebody who may have had a reason."""
    others = [one for one in skips(firewall, wanted) if one.managed and not for_visitors(one.rule.expression, wanted)]
    passing = [f"skip rule '{title(one.rule)}' lets past the managed rules: {one.words}" for one in others]
    executing = [rule for rule in firewall.managed.rules if rule.enabled and wanted.executed_by(rule)]
    tuning = [finding for rule in executing if (finding := _tuned(rule))]
    single = single_rules(firewall.managed, wanted)
    skipped = [Finding(f"single managed rules that skip rules leave out: {single}")] if single else []
    return (*(Finding(words, "major") for words in passing), *tuning, *skipped)


def _tuned(rule: Rule) -> Finding | None:
    """Major where whole categories are out: that may be all there are."""
    counts = {key: sum(map(_out, listing(_overrides(rule).get(key)))) for key in ("categories", "rules")}
    words = ", ".join(f"{key} {number}" for key, number in counts.items() if number)
    if not words:
        return None
    severity = "major" if counts["categories"] else "minor"
    return Finding(f"{ruleset_name(rule.ruleset or '')}: overrides switch off, or let only log: {words}", severity)


def _out(item: Any) -> bool:
    said = mapping(item)
    return said.get("enabled") is False or said.get("action") == "log"


# -- words --------------------------------------------------------------------------------------------------------
def _said(rule: Rule) -> str:
    """What the rule that runs a managed ruleset does now."""
    if not rule.enabled:
        return "its rules are OFF"
    reach = "for every request" if fits_all(rule) else f"only for {short(rule.expression)}"
    weak = f", but {_weakened(rule)}" if _weakened(rule) else ""
    return f"its rules are on, {reach}{weak}"


def _missing(phase: Phase) -> str:
    return "no such rule" if phase.id else "the phase was never configured"
