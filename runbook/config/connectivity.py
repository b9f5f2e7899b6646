"""The edge in front of the application: the zone, its protection, its names, and how visitors see them."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from runbook.config.base import ExistingFile, Frozen, once
from runbook.toml_file import Mistakes

MANAGED_RULESET = "efb7b8c949ac4650a09736fc376e9aee"
"""Cloudflare Managed (WAF documentation, Managed rules); a zone on the free plan has another."""


def _plain_name(name: str) -> str:
    return name.removesuffix(".").lower()


DnsName = Annotated[str, AfterValidator(_plain_name)]
"""Lower case, without the final dot: as every provider answers it."""

Level = Literal["off", "essentially_off", "low", "medium", "high", "under_attack"]


class Hostname(Frozen):
    """One public name, what its record must say, and the ordinary page (status 200) by which it is judged."""

    name: DnsName
    type: Literal["A", "AAAA", "CNAME"] = "CNAME"
    content: str
    path: str = "/"
    service: str = ""  # whose commit the page must carry; "": the first service's


class Resolver(Frozen):
    """A DNS server by address; port 53 unless it is a practice one."""

    address: str
    port: int = 53


class Origin(Frozen):
    """A way past the edge that must be shut: its URL, and the address to try it at (None: as DNS says)."""

    url: str
    address: str | None = None


class ConnectivityTarget(Frozen):
    """One environment's zone and names.  Without `hostnames` the zone is only read: every change is refused."""

    zone: DnsName
    hostnames: tuple[Hostname, ...] = ()
    managed_rulesets: tuple[str, ...] = Field(default=(MANAGED_RULESET,), min_length=1)
    canary_path: str = Field(default="/__waf-canary", pattern=r"^/[A-Za-z0-9._~/-]+$")
    security_level: Level = "medium"
    authoritative: tuple[Resolver, ...] = ()  # none: the zone's own name servers, by their names
    resolvers: tuple[Resolver, ...] = Field(
        default=(Resolver(address="1.1.1.1"), Resolver(address="8.8.8.8"), Resolver(address="9.9.9.9")), min_length=1
    )
    https_port: int = 443
    ca_file: ExistingFile | None = None
    marker_header: str | None = None  # in which the application names its commit; None: the page carries it
    origins: tuple[Origin, ...] = ()  # none: each CNAME's own target, over https

    @model_validator(mode="after")
    def _once_each(self) -> Self:
        if found := list(once(("hostnames",), "name", [hostname.name for hostname in self.hostnames])):
            raise Mistakes(found)
        return self


class Connectivity(ConnectivityTarget):
    """Everything of stage 5."""

    cloudflare: str  # API base URL
    account_id: str | None = None  # of the account, where it and not a user owns the token
