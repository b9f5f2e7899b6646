"""Stage 5's actions: the firewall put right, then the public names routed; the doors can be closed again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from runbook.config import Hostname
from runbook.engine.errors import LayerFailed
from runbook.engine.ports import Change, Preview
from runbook.engine.run import LedgerEntry
from runbook.engine.verdict import Finding, Observation
from runbook.estate.ports import DnsRecord, Rule
from runbook.safety.outside_text import outside_text
from steps.facts import ZoneKnown
from steps.here import Here
from steps.holding import everything_holds

MANAGED = "http_request_firewall_managed"
CUSTOM = "http_request_firewall_custom"
RECORD = "cloudflare:record"


# -- zone and WAF -------------------------------------------------------------------------------------------------
async def zone_is_active(here: Here) -> Observation:
    """Active, not paused (a paused zone answers without WAF and certificate)."""
    name = here.environment.connectivity.zone
    zone = await here.estate.edge.zone(name)
    if zone is None:
        raise LayerFailed(
            f"the zone {name} is not visible",
            fix="Compare the zone's name, and whether the token is for its account.",
            source="cloudflare: GET /zones",
        )
    findings = (Finding("development mode is on: the cache is bypassed"),) if zone.development_mode else ()
    return Observation.that(
        zone.status == "active" and not zone.paused,
        expected="active, not paused",
        observed=f"{zone.status}{', PAUSED' if zone.paused else ''}, name servers {', '.join(zone.name_servers)}",
        source="cloudflare: GET /zones?name=",
        fix="Paused: dashboard → Overview → Enable Cloudflare. Not active: the registrar's name servers are wrong.",
        findings=findings,
        facts=(ZoneKnown(zone.id, zone.name),),
    )


def canary_rule(path: str) -> dict[str, Any]:
    """A rule that always blocks one path: it shows that the edge and its rules engine are in front."""
    return {
        "action": "block",
        "expression": f'(http.request.uri.path eq "{path}")',
        "description": "restoration runbook: WAF canary",
        "enabled": True,
    }


def managed_rule(ruleset: str) -> dict[str, Any]:
    """The managed ruleset, deployed for every request."""
    return {
        "action": "execute",
        "action_parameters": {"id": ruleset},
        "expression": "true",
        "description": "restoration runbook: managed ruleset",
        "enabled": True,
    }


async def _wrong_phases(here: Here) -> dict[str, tuple[tuple[Rule, ...], tuple[Mapping[str, Any], ...]]]:
    """Phase → (rules as they are, all rules as they should be), for the phases that are not right."""
    settings, zone = here.environment.connectivity, here.desk.need(ZoneKnown)
    managed = await here.estate.edge.rules(zone.id, MANAGED)
    custom = await here.estate.edge.rules(zone.id, CUSTOM)
    canary = canary_rule(settings.canary_path)
    wrong = {}
    if not any(
        rule.ruleset == settings.managed_ruleset and rule.enabled and rule.expression == "true" for rule in managed
    ):
        others = tuple(rule.raw for rule in managed if rule.ruleset != settings.managed_ruleset)
        wrong[MANAGED] = (managed, (managed_rule(settings.managed_ruleset), *others))
    if not any(rule.expression == canary["expression"] and rule.enabled and rule.action == "block" for rule in custom):
        others = tuple(rule.raw for rule in custom if rule.expression != canary["expression"])
        wrong[CUSTOM] = (custom, (canary, *others))
    return wrong


async def waf_already_on(here: Here) -> Observation | None:
    """Both rules are there and enabled."""
    return None if await _wrong_phases(here) else _waf_on(here, "found so")


async def show_waf(here: Here) -> Preview:
    """Which rules change, phase by phase."""
    wrong = await _wrong_phases(here)
    zone = here.desk.need(ZoneKnown)
    return Preview(
        what="Put the web application firewall right, before any record is changed",
        target=zone.name,
        calls=tuple(f"PUT zones/{zone.id}/rulesets/phases/{phase}/entrypoint (dry run first)" for phase in wrong),
        changes=tuple(Change(phase, _said(before), _wanted(after)) for phase, (before, after) in wrong.items()),
    )


def _said(rules: tuple[Rule, ...]) -> str:
    return "; ".join(f"{rule.action} {'on' if rule.enabled else 'OFF'}" for rule in rules) or "no rules"


def _wanted(rules: tuple[Mapping[str, Any], ...]) -> str:
    return "; ".join(
        f"{outside_text(rule.get('action'))} {'on' if rule.get('enabled', True) else 'OFF'}" for rule in rules
    )


async def put_waf_right(here: Here) -> Observation:
    """A PUT replaces all rules of a phase, so it carries the others too; validated as a dry run first."""
    zone, edge = here.desk.need(ZoneKnown), here.estate.edge
    for phase, (_, rules) in (await _wrong_phases(here)).items():
        permit = await here.desk.intend("cloudflare:PutRules", f"{zone.id}/{phase}")
        await edge.put_rules(permit, zone.id, phase, rules, dry_run=True)
        await edge.put_rules(permit, zone.id, phase, rules, dry_run=False)
    left = await _wrong_phases(here)
    if left:
        raise LayerFailed(
            f"the rules are not as they were set: {', '.join(left)}",
            fix="Set them by hand: Security → WAF.",
            source="cloudflare: PUT, then GET entrypoint",
        )
    return _waf_on(here, "put right")


def _waf_on(here: Here, how: str) -> Observation:
    settings = here.environment.connectivity
    return Observation.passed(
        expected="managed ruleset enabled, canary path blocked",
        observed=f"managed ruleset enabled and {settings.canary_path} blocked: {how}",
        source="cloudflare: GET rulesets/phases/{phase}/entrypoint",
    )


# -- records ------------------------------------------------------------------------------------------------------
async def _differing(here: Here) -> list[tuple[DnsRecord, DnsRecord]]:
    """(record as it is, as it should be) for each hostname that differs; LayerFailed where there is none."""
    zone, differing = here.desk.need(ZoneKnown), []
    for hostname in here.environment.connectivity.hostnames:
        record = await _record(here, zone.id, hostname)
        wanted = DnsRecord(record.id, hostname.name, hostname.type, hostname.content, proxied=True, ttl=1)
        if (record.content, record.proxied, record.type) != (wanted.content, True, wanted.type):
            differing.append((record, wanted))
    return differing


async def _record(here: Here, zone: str, hostname: Hostname) -> DnsRecord:
    records = await here.estate.edge.records(zone, hostname.name)
    if len(records) != 1:
        raise LayerFailed(
            f"{hostname.name} has {len(records)} records, exactly one is expected",
            fix="Put it right by hand: DNS → Records.",
            source="cloudflare: GET dns_records",
        )
    return records[0]


async def records_already_right(here: Here) -> Observation | None:
    """Every hostname is proxied and leads to our service."""
    return None if await _differing(here) else _records_right(here, "found so")


async def show_records(here: Here) -> Preview:
    """Each record's difference."""
    zone, differing = here.desk.need(ZoneKnown), await _differing(here)
    return Preview(
        what="Route the public names to the restored application, behind the edge",
        target=zone.name,
        calls=tuple(f"PATCH zones/{zone.id}/dns_records/{record.id}" for record, _ in differing),
        changes=tuple(Change(record.name, _content(record), _content(wanted)) for record, wanted in differing),
    )


def _content(record: DnsRecord) -> str:
    return f"{record.type} {record.content}, {'proxied' if record.proxied else 'NOT proxied'}"


async def set_records(here: Here) -> Observation:
    """One call a record, its former value in the ledger; first all is looked at again: an operator may think long."""
    await everything_holds(here)
    zone = here.desk.need(ZoneKnown)
    for record, wanted in await _differing(here):
        permit = await here.desk.intend(
            "cloudflare:SetRecord",
            f"{zone.id}/{record.id}",
            creates=(RECORD, f"{zone.id}/{record.id}"),
            name=record.name,
            type=record.type,
            content=record.content,
            proxied=record.proxied,
            ttl=record.ttl,
        )
        await here.estate.edge.set_record(permit, zone.id, wanted)
    left = [wanted.name for _, wanted in await _differing(here)]
    if left:
        raise LayerFailed(
            f"still not as set: {', '.join(left)}",
            fix="Set them by hand: DNS → Records; somebody or something else may be setting them back.",
            source="cloudflare: PATCH, then GET dns_records",
        )
    return _records_right(here, "set and read back")


def _records_right(here: Here, how: str) -> Observation:
    names = [hostname.name for hostname in here.environment.connectivity.hostnames]
    return Observation.passed(
        expected="every public name proxied to the restored service",
        observed=f"{', '.join(names)}: {how}",
        source="cloudflare: GET dns_records",
    )


async def close_door(here: Here, entry: LedgerEntry) -> Observation:
    """Cleanup: the record's former value."""
    zone, _, record = entry.id.partition("/")
    was = entry.detail
    before = DnsRecord(record, was["name"], was["type"], was["content"], proxied=was["proxied"], ttl=was["ttl"])
    permit = await here.desk.intend("cloudflare:SetRecord", entry.id)
    seen = await here.estate.edge.set_record(permit, zone, before)
    return Observation.that(
        (seen.content, seen.proxied) == (before.content, before.proxied),
        expected=_content(before),
        observed=_content(seen),
        source="cloudflare: PATCH dns_records",
    )
