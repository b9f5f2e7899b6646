"""The edge, names, and the web as a visitor sees it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

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
class DnsRecord:
    id: str
    name: str
    type: str
    content: str
    proxied: bool
    ttl: int


class EdgeNetwork(Protocol):
    """Cloudflare."""

    async def token(self) -> TokenIdentity: ...
    async def zone(self, name: str) -> Zone | None: ...
    async def rules(self, zone: str, phase: str) -> tuple[Rule, ...]:
        """404 with code 10003 means: no rules."""
        ...

    async def put_rules(
        self, permit: Permit, zone: str, phase: str, rules: tuple[Mapping[str, Any], ...], *, dry_run: bool
    ) -> None:
        """Replaces all rules of the phase."""
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


@dataclass(frozen=True, slots=True)
class WebAnswer:
    status: int
    headers: Mapping[str, str]  # lower-case names
    body: bytes
    address: str
    certificate_until: datetime | None


class Web(Protocol):
    """The application as a visitor sees it.  Redirects are not followed; TLS is verified for the name."""

    async def get(self, url: str, *, address: str | None = None) -> WebAnswer: ...
    async def post(self, url: str, document: Mapping[str, Any], *, address: str | None = None) -> WebAnswer: ...
