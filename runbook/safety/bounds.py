"""What a run may touch: the environment that its mode acts on, what belongs to the other one, and the record's place.

Made from the configuration once, before anything is called; the interlock's rules judge every call by it.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from runbook.config import Environment

HEADS: Final = "heads/"
"""Below the prefix of the evidence bucket: the only things there that nobody can remove."""

Place = tuple[str, int]
"""Host and port, as they are called."""


@dataclass(frozen=True, slots=True)
class RecordsPlace:
    """The evidence bucket: only below `prefix`, only where that account owns it; `locks`: heads are locked there."""

    bucket: str
    prefix: str
    account_id: str
    locks: bool = False


@dataclass(frozen=True, slots=True)
class Territory:
    """What belongs to one environment, by the names under which it is called."""

    name: str
    account: str
    region: str
    vault: Place
    instance_prefix: str  # of every name that is generated for a database there
    services: frozenset[tuple[str, str]]  # (project, service)
    groups: frozenset[tuple[str, str]]  # (project, secret group)
    zone: str
    names: frozenset[str]  # public names whose records may be changed
    places: frozenset[Place]  # the providers' APIs and the vault
    pages: frozenset[tuple[Place, str]]  # that are posted to, with their paths; any page may be read
    aws_endpoint: Place | None  # None: AWS's own


@dataclass(frozen=True, slots=True)
class Source:
    """Production as backups know it: read, and never to be taken for what was restored."""

    instance: str
    host: str
    vault: Place
    cluster_id: str


@dataclass(frozen=True, slots=True)
class Bounds:
    """`target` None: nothing is told apart (training, which reaches this machine only; a command that only reads)."""

    mode: str
    loopback_only: bool = False
    changes: bool = True  # False: a command that only reads
    target: Territory | None = None
    other: Territory | None = None
    source: Source | None = None
    records: RecordsPlace | None = None

    @property
    def shares_its_zone(self) -> bool:
        """Whether the other environment's names live in the same zone: its rules are everybody's there."""
        return self.target is not None and self.other is not None and self.target.zone == self.other.zone


def practice() -> Bounds:
    """Training: no address outside this machine, whatever it is."""
    return Bounds("training", loopback_only=True)


def reading() -> Bounds:
    """A command that changes nothing anywhere (`runbook manifest`)."""
    return Bounds("reading", changes=False)


def of(mode: str, target: Environment, other: Environment | None, records: RecordsPlace | None = None) -> Bounds:
    """A drill's, a rehearsal's or a recovery's; `other` is the environment that it must not change."""
    database, vault = target.database, target.vault
    return Bounds(
        mode,
        target=territory(target),
        other=territory(other) if other else None,
        source=Source(
            database.source_instance, database.source_host, place(vault.production_address), vault.cluster_id or ""
        ),
        records=records,
    )


def territory(environment: Environment) -> Territory:
    """What belongs to that environment."""
    application, edge = environment.application, environment.connectivity
    project = application.project
    restarted = (environment.vault.service,) if environment.vault.service else ()
    return Territory(
        name=environment.name,
        account=environment.aws.account_id,
        region=environment.aws.region,
        vault=place(environment.vault.address),
        instance_prefix=environment.database.prefix.lower(),
        services=frozenset((project, name) for name in (*(each.name for each in application.services), *restarted)),
        groups=frozenset((project, group) for group in application.secret_groups),
        zone=edge.zone,
        names=frozenset(each.name for each in edge.hostnames),
        places=frozenset(place(url) for url in _called(environment) if url),
        pages=frozenset(_posted_to(environment)),
        aws_endpoint=place(environment.aws.endpoint) if environment.aws.endpoint else None,
    )


def _called(environment: Environment) -> Iterable[str | None]:
    """The providers' APIs and the vault."""
    application = environment.application
    return (
        environment.aws.endpoint,
        environment.vault.address,
        application.platform,
        application.github,
        application.registry,
        environment.connectivity.cloudflare,
    )


def _posted_to(environment: Environment) -> Iterable[tuple[Place, str]]:
    """What measures the vault's way out, and what answers a nonce."""
    pages = (environment.vault.egress_probe, *(each.probe_url for each in environment.application.services))
    https = environment.connectivity.https_port
    return ((place(page, https=https), urlsplit(page).path or "/") for page in pages if page)


def place(url: str, *, https: int = 443) -> Place:
    """Host (lower case, no final dot) and port of a URL; the scheme's own port where it names none, for https this."""
    parts = urlsplit(url)
    return (parts.hostname or "").rstrip("."), parts.port or {"https": https, "http": 80}.get(parts.scheme, 0)


def is_loopback(host: str) -> bool:
    """True for 127.0.0.0/8, ::1 and `localhost`; any other name is not."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def same(one: Place, other: Place) -> bool:
    """Whether both lead to one server, as far as names tell: this machine has several."""
    return one == other or (one[1] == other[1] and is_loopback(one[0]) and is_loopback(other[0]))


def said(there: Place) -> str:
    """host:port."""
    host, port = there
    return f"{host}:{port}" if port else host
