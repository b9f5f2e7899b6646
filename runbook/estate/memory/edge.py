"""The edge network in memory: one zone, its rules, its settings and its records."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

from runbook.engine.errors import LayerFailed, Refused
from runbook.engine.ports import Permit
from runbook.estate.memory import firewall, names
from runbook.estate.memory.firewall import Raw, an_id
from runbook.estate.memory.layout import Layout
from runbook.estate.memory.world import World
from runbook.estate.ports import DnsRecord, Phase, TokenIdentity, Zone, ZoneSettings

_ZONE = Zone(
    id=an_id(names.ZONE),
    name=names.ZONE,
    status="active",
    paused=False,
    name_servers=("ada.ns.practice.test", "bob.ns.practice.test"),
    development_mode=False,
)


class MemoryEdge:
    """`ports.EdgeNetwork`; before the restore each record names what was lost, and visitors reach it unprotected.

    `stale` are answers by name that public resolvers still give from before; `read_only` has it refuse every change;
    `account_owned` whether the account and not a user owns the token.
    """

    def __init__(self, world: World, layout: Layout) -> None:
        self._world = world
        self.read_only = not layout.hostnames
        self.account_owned = False
        self.zone_state = _ZONE
        self.zone_settings = ZoneSettings("medium", development_mode=False)
        self.phases: dict[str, list[Raw]] = {
            names.MANAGED_PHASE: [firewall.stored(firewall.MANAGED)],
            names.CUSTOM_PHASE: [firewall.stored(firewall.CANARY)],
        }
        self.zone_records = {name: _lost(name) for name in layout.public}
        self.stale: Counter[str] = Counter()

    # -- what visitors meet -------------------------------------------------------------------------------------
    @property
    def record(self) -> DnsRecord:
        """The first name's."""
        return self.zone_records[names.HOSTNAME]

    def proxied_to(self, name: str = names.HOSTNAME) -> str | None:
        """The origin that visitors of that name are taken to through the edge; None when they do not pass it."""
        record, zone = self.zone_records.get(name), self.zone_state
        through = zone.status == "active" and not zone.paused
        return record.content if record is not None and record.proxied and through else None

    def blocks(self, path: str, query: str) -> bool:
        """Whether a rule blocks this request."""
        return firewall.blocks(self.phases, path, query)

    @property
    def protected(self) -> bool:
        """Whether the managed rules block what they are there for, and the canary's rule the canary."""
        return self.blocks("/", "q=<script>") and self.blocks(names.CANARY_PATH, "")

    # -- what a test may set ---------------------------------------------------------------------------------------
    def waf_off(self, *, managed: bool = True, canary: bool = True, never_configured: bool = False) -> None:
        """Managed rules switched off and the canary rule deleted, as while hunting a bug.

        `never_configured`: those phases never had a rule, and have no entry point.
        """
        for phase in [*[names.MANAGED_PHASE] * managed, *[names.CUSTOM_PHASE] * canary]:
            if never_configured:
                self.phases.pop(phase, None)
            elif phase in self.phases:
                self.phases[phase] = firewall.switched_off(phase, self.phases[phase])

    def lead_back(self, answers: int) -> None:
        """Every record names the old origin, and public resolvers say so for that many answers more."""
        for name, record in self.zone_records.items():
            self.zone_records[name] = replace(record, content=names.OLD_ORIGIN, proxied=False)
            self.stale[name] = answers

    # -- its API ------------------------------------------------------------------------------------------------
    async def token(self) -> TokenIdentity:
        await self._world.ask("cloudflare", "cloudflare:Token")
        kind = "account" if self.account_owned else "user"
        return TokenIdentity(an_id("token"), kind, self._world.now() + timedelta(days=165))

    async def zone(self, name: str) -> Zone | None:
        await self._world.ask("cloudflare", "cloudflare:Zone", name)
        return self.zone_state if name == names.ZONE else None

    async def settings(self, zone: str) -> ZoneSettings:
        await self._known("Settings", zone)
        return self.zone_settings

    async def phase(self, zone: str, phase: str) -> Phase:
        await self._known("Rules", zone, phase)
        ruleset = an_id(phase) if phase in self.phases else None
        return firewall.phase_of(ruleset, self.phases.get(phase, ()))

    async def put_rules(
        self, permit: Permit, zone: str, phase: str, rules: tuple[Mapping[str, Any], ...], *, dry_run: bool
    ) -> None:
        await self._change(permit, "PutRules", zone, phase, dry_run=dry_run)
        if not dry_run:
            self.phases[phase] = [firewall.stored(rule) for rule in rules]

    async def change_rule(self, permit: Permit, zone: str, ruleset: str, rule_id: str, rule: Mapping[str, Any]) -> None:
        await self._change(permit, "ChangeRule", zone, ruleset, rule_id)
        rules = next((kept for phase, kept in self.phases.items() if an_id(phase) == ruleset), None)
        if rules is None:
            raise _unknown("ruleset", "10003 could not find ruleset")
        place = next((place for place, one in enumerate(rules) if one["id"] == rule_id), None)
        if place is None:
            raise _unknown("rule", "10002 could not find rule")
        rules[place] = firewall.stored({**rule, "id": rule_id})

    async def records(self, zone: str, name: str) -> tuple[DnsRecord, ...]:
        await self._known("Records", zone, name)
        return (self.zone_records[name],) if name in self.zone_records else ()

    async def set_record(self, permit: Permit, zone: str, record: DnsRecord) -> DnsRecord:
        await self._change(permit, "SetRecord", zone, record.id)
        known = next((one for one in self.zone_records.values() if one.id == record.id), None)
        if known is None:
            raise _unknown("record", "81044 Record does not exist")
        changed = replace(known, type=record.type, content=record.content, proxied=record.proxied, ttl=record.ttl)
        self.zone_records[known.name] = changed
        return changed

    async def ranges(self) -> tuple[str, ...]:
        await self._world.ask("cloudflare", "cloudflare:Ranges")
        return ("127.0.0.0/8",)

    async def _change(self, permit: Permit, operation: str, zone: str, *path: str, dry_run: bool = False) -> None:
        if self.read_only:
            raise Refused(f"cloudflare:{operation}: no hostnames are configured, so the zone {names.ZONE} is only read")
        target = "/".join((zone, *path))
        await self._world.change(permit, f"cloudflare:{operation}", target, dry_run=dry_run)
        self._must_know(zone)

    async def _known(self, operation: str, zone: str, *path: str) -> None:
        await self._world.ask("cloudflare", f"cloudflare:{operation}", "/".join((zone, *path)))
        self._must_know(zone)

    def _must_know(self, zone: str) -> None:
        if zone != self.zone_state.id:
            raise _unknown("zone", "7003 Could not route to /zones/x, perhaps your object identifier is invalid?")


def _lost(name: str) -> DnsRecord:
    return DnsRecord(an_id(name), name, "CNAME", names.OLD_ORIGIN, proxied=False, ttl=1)


def _unknown(what: str, words: str) -> LayerFailed:
    return LayerFailed(f"Cloudflare knows no such {what}", provider_text=words, source="cloudflare")
