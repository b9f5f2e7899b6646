"""The edge, names, and the web as a visitor sees it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from runbook.engine.errors import NoVerdict
from runbook.engine.ports import Permit
from runbook.estate.ports.platform import TokenIdentity


@dataclass(frozen=True, slots=True)
class Zone:
    id: str
    name: str
    status: str
    paused: bool
    name_servers: tuple[str, ...]
    development_mode: bool


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule of a phase's entry point; `raw` is the whole rule as the provider gave it."""

    id: str | None
    action: str
    expression: str
    enabled: bool
    ruleset: str | None  # of an execute rule
    raw: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Phase:
    """The entry point of one phase; `id` None and no rules: it was never configured."""

    id: str | None
    rules: tuple[Rule, ...]


@dataclass(frozen=True, slots=True)
class ZoneSettings:
    """`security_level`: off, essentially_off, low, medium, high, under_attack."""

    security_level: str
    development_mode: bool


@dataclass(frozen=True, slots=True)
class DnsRecord:
    id: str
    name: str
    type: str
    content: str
    proxied: bool
    ttl: int


class EdgeNetwork(Protocol):
    """Cloudflare.  Made read-only, it refuses every change (Refused) before anything is sent."""

    async def token(self) -> TokenIdentity: ...
    async def zone(self, name: str) -> Zone | None: ...
    async def settings(self, zone: str) -> ZoneSettings: ...
    async def phase(self, zone: str, phase: str) -> Phase:
        """404 with code 10003 means: never configured."""
        ...

    async def put_rules(
        self, permit: Permit, zone: str, phase: str, rules: tuple[Mapping[str, Any], ...], *, dry_run: bool
    ) -> None:
        """Replaces all rules of the phase, and makes its entry point where there is none; target `zone/phase`."""
        ...

    async def change_rule(self, permit: Permit, zone: str, ruleset: str, rule_id: str, rule: Mapping[str, Any]) -> None:
        """`rule` is the whole rule: what it leaves out is gone; target `zone/ruleset/rule`."""
        ...

    async def records(self, zone: str, name: str) -> tuple[DnsRecord, ...]: ...
    async def set_record(self, permit: Permit, zone: str, record: DnsRecord) -> DnsRecord: ...
    async def ranges(self) -> tuple[str, ...]:
        """The published CIDR ranges, IPv4 and IPv6."""
        ...


class Names(Protocol):
    """DNS."""

    async def addresses(self, name: str, server: str, port: int) -> tuple[str, ...]:
        """A and AAAA as that server answers; empty on NXDOMAIN or no answer records."""
        ...

    async def name_servers(self, zone: str, server: str, port: int) -> tuple[str, ...]:
        """NS of the zone as that server answers: names without the final dot, in lower case, sorted."""
        ...


@dataclass(frozen=True, slots=True)
class WebAnswer:
    status: int
    headers: Mapping[str, str]  # lower-case names
    body: bytes
    address: str
    certificate_until: datetime | None


class Silent(NoVerdict):
    """Nothing is there: the connection was refused, or nobody took it in time."""


class Web(Protocol):
    """The application as a visitor sees it.  Redirects are not followed; TLS is verified for the name.

    LayerFailed: the certificate, or TLS itself, is not as it must be.  Silent: no connection came about; any other
    NoVerdict leaves open whether somebody is there.
    """

    async def get(self, url: str, *, address: str | None = None) -> WebAnswer: ...
    async def post(self, url: str, document: Mapping[str, Any], *, address: str | None = None) -> WebAnswer: ...
