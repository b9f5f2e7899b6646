"""The way past the edge: whether the origin answers somebody who does not come through it."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, replace
from typing import Final, Literal
from urllib.parse import urlsplit

from runbook.config import Hostname, Origin
from runbook.engine.errors import LayerFailed, NoVerdict
from runbook.engine.verdict import Finding, Observation
from runbook.estate.ports import Silent, WebAnswer
from steps.application.chosen import chosen
from steps.connectivity.dns_records import place
from steps.connectivity.resolving import Sweep, resolvers
from steps.connectivity.unrouted import not_exercised, routes
from steps.connectivity.visitors import REDIRECTS, from_application, visit
from steps.here import Here
from steps.many import listed, side_by_side, told

_SOURCE: Final = "HTTPS to the origin itself"


@dataclass(frozen=True, slots=True)
class _Door:
    """One origin as it was found: `words` is what it answered."""

    url: str
    state: Literal["shut", "silent", "open", "unclear", "ill"]
    words: str


@dataclass(frozen=True, slots=True)
class _Way:
    """One try past the edge: a URL, and the name or address at which it is asked for."""

    url: str
    at: str
    label: str  # as sentences call it


def _ways(here: Here) -> tuple[_Way, ...]:
    """To the configured origins, else to what the public names' records lead to, each once."""
    settings = here.environment.connectivity
    if settings.origins:
        return tuple(_configured(origin) for origin in settings.origins)
    return tuple(dict.fromkeys(way for hostname in settings.hostnames for way in _behind(hostname)))


def _configured(origin: Origin) -> _Way:
    host = urlsplit(origin.url).hostname or ""
    return _Way(origin.url, host if origin.address is None else origin.address, origin.url)


def _behind(hostname: Hostname) -> tuple[_Way, ...]:
    """The public name asked for at the place itself, as the edge does; and a CNAME's target by its own name."""
    at = place(hostname.content)
    own, url = f"https://{hostname.name}{hostname.path}", f"https://{at}{hostname.path}"
    by_name = _Way(own, at, f"{own} at {at}")
    return (_Way(url, at, url), by_name) if hostname.type == "CNAME" else (by_name,)


async def origin_is_shut(here: Here) -> Observation:
    """Nobody gets past the edge, or a finding that says where.

    Judged by what it answers alone: addresses inside the edge's ranges are shared by all of the edge's customers.
    """
    if not routes(here):
        return not_exercised(here, "whether the origin can be reached past the edge; it was not asked")

    sweep = Sweep(here)

    async def look(way: _Way) -> _Door:
        return await _tried(here, way, sweep)

    doors = await side_by_side(here, _ways(here), look, doing="trying origins", named=lambda one: one.label)
    await _connected(here, doors, sweep)
    findings = (*_opened(doors), *_unclear(doors))
    expected = "every origin refuses whoever does not come through the edge"
    if ill := [f"{door.url}: {door.words}" for door in doors if door.state == "ill"]:
        said = Observation.inconclusive(
            expected=expected,
            observed=f"not clear whether it is shut: {told(ill, of=len(doors))}",
            source=_SOURCE,
            fix="Look at the platform's status; try again when the origin is well.",
        )
        return replace(said, findings=findings)
    return Observation.passed(expected=expected, observed=_words(doors), source=_SOURCE, findings=findings)


async def _tried(here: Here, way: _Way, sweep: Sweep) -> _Door:
    """Silent is only what refuses the connection or never takes it; who takes it and says nothing may be slow."""
    try:
        address = await _address(here, way.at, sweep)
        if address == "":
            return _Door(way.label, "shut", "has no public address")
        answer = await here.estate.web.get(way.url, address=address)
    except Silent as silence:
        return _Door(way.label, "silent", silence.sentence)
    except NoVerdict as trouble:
        return _Door(way.label, "ill", trouble.sentence)
    except LayerFailed as guilt:
        return _Door(way.label, "unclear", f"answers, not TLS as it must be ({guilt.sentence}): cannot tell")
    return _judged(here, way, answer)


def _judged(here: Here, way: _Way, answer: WebAnswer) -> _Door:
    said = f"HTTP {answer.status}"
    if from_application(here, answer, [image.commit for image in chosen(here)]):
        return _Door(way.label, "open", f"{said} with our own commit")
    if front := _to_the_front(here, way, answer):
        return _Door(way.label, "unclear", f"answers {said} to {front}, which is behind the edge: cannot tell")
    if answer.status < 400:
        return _Door(way.label, "open", said)
    if answer.status == 403:
        return _Door(way.label, "shut", said)
    if answer.status >= 500:
        return _Door(way.label, "ill", said)
    return _Door(way.label, "unclear", f"answers {said}: cannot tell")


def _to_the_front(here: Here, way: _Way, answer: WebAnswer) -> str:
    """The public name to which it sends on, or ""; sent on to where it was asked is not sent away."""
    target, asked = urlsplit(answer.headers.get("location", "")), urlsplit(way.url)
    host = target.hostname or ""
    public = {hostname.name for hostname in here.environment.connectivity.hostnames}
    away = (target.scheme, host) != (asked.scheme, asked.hostname)
    return host if answer.status in REDIRECTS and target.scheme == "https" and host in public and away else ""


async def _address(here: Here, at: str, sweep: Sweep) -> str:
    """Where it is tried; "" where DNS knows no address of it."""
    try:
        return str(ipaddress.ip_address(at))
    except ValueError:
        pass
    try:
        return (await sweep.addresses_of(at, resolvers(here)))[0]
    except LayerFailed:
        return ""


async def _connected(here: Here, doors: list[_Door], sweep: Sweep) -> None:
    """Silence means a shut door only while the front door can be reached from here; NoVerdict when it cannot."""
    if any(door.state == "silent" for door in doors):
        hostname = here.environment.connectivity.hostnames[0]
        await visit(here, hostname.name, hostname.path, sweep)


# -- words --------------------------------------------------------------------------------------------------------
def _opened(doors: list[_Door]) -> tuple[Finding, ...]:
    wide = [door for door in doors if door.state == "open"]
    return tuple(
        Finding(
            f"the origin {door.url} answers past the edge ({door.words}), so past the firewall: let it accept the edge "
            "only (IP policies with Cloudflare's ranges, or authenticated origin pulls)",
            "major",
        )
        for door in wide
    )


def _unclear(doors: list[_Door]) -> tuple[Finding, ...]:
    return tuple(Finding(f"the origin {door.url} {door.words}") for door in doors if door.state == "unclear")


def _words(doors: list[_Door]) -> str:
    wide = [f"{door.url} {door.words}" for door in doors if door.state == "open"]
    unclear = [f"{door.url} {door.words}" for door in doors if door.state == "unclear"]
    shut = [f"{door.url} ({door.words})" for door in doors if door.state in {"shut", "silent"}]
    parts = [
        f"OPEN: {told(wide, of=len(doors))}" if wide else "",
        told(unclear, of=len(doors)) if unclear else "",
        f"shut: {listed(shut)}" if shut else "",
    ]
    return "; ".join(part for part in parts if part)
