"""The edge network and the name servers in memory: one zone that both obey."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

from runbook.engine.errors import LayerFailed
from runbook.engine.ports import Permit
from runbook.estate.memory import names
from runbook.estate.memory.world import World
from runbook.estate.ports import DnsRecord, Rule, TokenIdentity, Zone

_MANAGED: Mapping[str, Any] = {
    "action": "execute",
    "action_parameters": {"id": names.MANAGED_RULESET, "version": "latest"},
    "expression": "true",
    "description": "Deploy Cloudflare Managed Ruleset",
    "enabled": True,
}
_CANARY: Mapping[str, Any] = {
    "action": "block",
    "expression": f'(http.request.uri.path eq "{names.CANARY_PATH}")',
    "description": "Canary: shows that the rules engine is in the path",
    "enabled": True,
}
_ZONE = Zone(
    id=hashlib.md5(names.ZONE.encode(), usedforsecurity=False).hexdigest(),
    name=names.ZONE,
    status="active",
    paused=False,
    name_servers=("ada.ns.practice.test", "bob.ns.practice.test"),
    development_mode=False,
)


class MemoryEdge:
    """`ports.EdgeNetwork`; before the restore the record names what was lost, and visitors reach it unprotected."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.zone_state = _ZONE
        self.phases: dict[str, list[Mapping[str, Any]]] = {
            names.MANAGED_PHASE: [_stored(_MANAGED)],
            names.CUSTOM_PHASE: [_stored(_CANARY)],
        }
        self.record = DnsRecord(_id("record"), names.HOSTNAME, "CNAME", names.OLD_ORIGIN, proxied=False, ttl=1)
        self.stale_answers = 0

    # -- what visitors meet -------------------------------------------------------------------------------------
    def proxied_to(self) -> str | None:
        """The origin that visitors are taken to through the edge; None when they do not pass it."""
        through = self.zone_state.status == "active" and not self.zone_state.paused and self.record.proxied
        return self.record.content if through else None

    def blocks(self, path: str, query: str) -> bool:
        """Whether a rule blocks this request."""
        canary = any(path in str(rule["expression"]) and _on(rule) for rule in self._of(names.CUSTOM_PHASE, "block"))
        managed = any(_on(rule) for rule in self._of(names.MANAGED_PHASE, "execute"))
        return (path == names.CANARY_PATH and canary) or (managed and ("${jndi:" in query or "<script>" in query))

    def waf_off(self) -> None:
        """Managed rules switched off and the canary rule deleted, as while hunting a bug."""
        self.phases[names.MANAGED_PHASE] = [{**rule, "enabled": False} for rule in self.phases[names.MANAGED_PHASE]]
        self.phases.pop(names.CUSTOM_PHASE, None)

    # -- its API ------------------------------------------------------------------------------------------------
    async def token(self) -> TokenIdentity:
        await self._world.ask("cloudflare")
        return TokenIdentity(_id("token"), "user", self._world.now() + timedelta(days=165))

    async def zone(self, name: str) -> Zone | None:
        await self._world.ask("cloudflare")
        return self.zone_state if name == names.ZONE else None

    async def rules(self, zone: str, phase: str) -> tuple[Rule, ...]:
        await self._known(zone)
        return tuple(_rule(raw) for raw in self.phases.get(phase, ()))

    async def put_rules(
        self, permit: Permit, zone: str, phase: str, rules: tuple[Mapping[str, Any], ...], *, dry_run: bool
    ) -> None:
        await self._world.change(permit, "cloudflare:PutRules", f"{zone}/{phase}")
        await self._known(zone)
        if dry_run:
            self._world.dry_runs.append(self._world.calls.pop())
            return
        self.phases[phase] = [_stored(rule) for rule in rules]

    async def records(self, zone: str, name: str) -> tuple[DnsRecord, ...]:
        await self._known(zone)
        return (self.record,) if name == self.record.name else ()

    async def set_record(self, permit: Permit, zone: str, record: DnsRecord) -> DnsRecord:
        await self._world.change(permit, "cloudflare:SetRecord", f"{zone}/{record.id}")
        await self._known(zone)
        if record.id != self.record.id:
            words = "81044 Record does not exist"
            raise LayerFailed("Cloudflare knows no such record", provider_text=words, source="cloudflare")
        self.record = replace(self.record, content=record.content, proxied=record.proxied, ttl=record.ttl)
        return self.record

    async def ranges(self) -> tuple[str, ...]:
        await self._world.ask("cloudflare")
        return ("127.0.0.0/8",)

    def _of(self, phase: str, action: str) -> list[Mapping[str, Any]]:
        return [rule for rule in self.phases.get(phase, ()) if rule["action"] == action]

    async def _known(self, zone: str) -> None:
        await self._world.ask("cloudflare")
        if zone != self.zone_state.id:
            words = "7003 Could not route to /zones/x, perhaps your object identifier is invalid?"
            raise LayerFailed("Cloudflare knows no such zone", provider_text=words, source="cloudflare")


class MemoryNames:
    """`ports.Names`: answers from the zone's record; the public resolver may still be stale."""

    def __init__(self, world: World, edge: MemoryEdge) -> None:
        self._world = world
        self._edge = edge

    async def addresses(self, name: str, server: str, port: int) -> tuple[str, ...]:
        await self._world.ask("dns")
        if server != "127.0.0.1" or name not in {names.HOSTNAME, *names.ORIGIN_ADDRESSES}:
            return ()
        if name != names.HOSTNAME:
            return (names.ORIGIN_ADDRESSES[name],)
        if port == names.PUBLIC_PORT and self._edge.stale_answers > 0:
            self._edge.stale_answers -= 1
            return (names.ORIGIN_ADDRESSES[names.OLD_ORIGIN],)
        return self.now()

    def now(self) -> tuple[str, ...]:
        """The truth: the edge's address when the record is proxied, else that of what it names."""
        if self._edge.proxied_to() is not None:
            return (names.EDGE_ADDRESS,)
        origin = names.ORIGIN_ADDRESSES.get(self._edge.record.content)
        return () if origin is None else (origin,)


def _stored(rule: Mapping[str, Any]) -> Mapping[str, Any]:
    """As the provider keeps it: with an id."""
    return {"enabled": True, **rule, "id": str(rule.get("id") or _id(str(rule.get("expression"))))}


def _rule(raw: Mapping[str, Any]) -> Rule:
    parameters = raw.get("action_parameters") or {}
    ruleset = str(parameters["id"]) if raw["action"] == "execute" else None
    return Rule(str(raw["id"]), str(raw["action"]), str(raw["expression"]), _on(raw), ruleset, dict(raw))


def _on(rule: Mapping[str, Any]) -> bool:
    return rule.get("enabled", True) is True


def _id(of: str) -> str:
    return hashlib.md5(of.encode(), usedforsecurity=False).hexdigest()
