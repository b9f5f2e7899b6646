"""The public names routed, behind the firewall and on layers that hold."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from runbook.config import Hostname
from runbook.engine.errors import LayerFailed, NoVerdict
from runbook.engine.ports import Change, Preview
from runbook.engine.verdict import Observation
from runbook.estate.ports import DnsRecord
from steps.connectivity.dns_records import RECORD, ROUTING, SOURCE, said
from steps.connectivity.doors import closed_before
from steps.connectivity.unrouted import not_exercised, routes
from steps.connectivity.waf import protection_is_on
from steps.facts import ZoneKnown
from steps.here import Here
from steps.holding import everything_holds, layers_answer
from steps.many import listed, side_by_side
from steps.patience import patient

ROUTED = "every public name proxied to the restored service"
_STAGE: Final = "connectivity"


@dataclass(frozen=True, slots=True)
class _Route:
    """One record as it is and as it should be."""

    record: DnsRecord
    wanted: DnsRecord

    @property
    def differs(self) -> bool:
        return said(self.record) != said(self.wanted)


async def _all(here: Here) -> list[_Route]:
    """Of every hostname; LayerFailed where one has no record, or several."""
    zone = here.desk.need(ZoneKnown)

    async def of(hostname: Hostname) -> _Route:
        record = await _record(here, zone.id, hostname.name)
        return _Route(record, DnsRecord(record.id, hostname.name, hostname.type, hostname.content, proxied=True, ttl=1))

    hostnames = here.environment.connectivity.hostnames
    return await side_by_side(here, hostnames, of, doing="reading records", named=lambda hostname: hostname.name)


async def _record(here: Here, zone: str, name: str) -> DnsRecord:
    records = [one for one in await here.estate.edge.records(zone, name) if one.type in ROUTING]
    if len(records) != 1:
        raise LayerFailed(
            f"{name} has {len(records) or 'no'} records that route it, exactly one is expected",
            fix="Put it right by hand (DNS → Records): this tool changes records, it makes and deletes none.",
            source=SOURCE,
        )
    return records[0]


async def _differing(here: Here) -> list[_Route]:
    return [route for route in await _all(here) if route.differs]


# -- find and preview ---------------------------------------------------------------------------------------------
@patient
async def records_already_right(here: Here) -> Observation | None:
    """Every public name is proxied and leads to our service; or this run has none."""
    if not routes(here):
        return not_exercised(here, "routing the public names to the restored application; no record was read")
    return None if await _differing(here) else _right(here, "found so")


@patient
async def show_records(here: Here) -> Preview:
    """Each record's difference."""
    return here.show(_preview(here, await _differing(here)))


def _preview(here: Here, differing: list[_Route]) -> Preview:
    zone, names = here.desk.need(ZoneKnown), len(here.environment.connectivity.hostnames)
    route = f"Route {len(differing)} of {names} public names to the restored application, behind the edge"
    return Preview(
        what=f"{closed_before(here.run)}{route}",
        target=zone.name,
        calls=tuple(f"PATCH zones/{zone.id}/dns_records/{route.record.id}" for route in differing),
        changes=tuple(Change(route.record.name, said(route.record), said(route.wanted)) for route in differing),
    )


# -- perform ------------------------------------------------------------------------------------------------------
@patient
async def set_records(here: Here) -> Observation:
    """One call a record, its former value in the ledger.  Before each all is looked at again: an operator may think
    long, and between two records a layer may fall."""
    differing = await _differing(here)
    here.must_be_as_shown(_preview(here, differing))
    for number, route in enumerate(differing):
        here.desk.progress(number, len(differing), f"setting {route.wanted.name}")
        await _as_it_was(here, route)
        await _still_safe(here, first=number == 0)
        await _set(here, route)
    if left := [route.wanted.name for route in await _differing(here)]:
        raise LayerFailed(
            f"still not as set: {listed(left)}",
            fix="Set them by hand: DNS → Records; somebody or something else may be setting them back.",
            source="cloudflare: PATCH, then GET dns_records",
        )
    return _right(here, f"{len(differing)} set and read back")


async def _as_it_was(here: Here, route: _Route) -> None:
    """NoVerdict where somebody changed the record since: what would be written down of it were no longer true."""
    now = await _record(here, here.desk.need(ZoneKnown).id, route.record.name)
    if now != route.record:
        raise NoVerdict(
            f"{now.name} changed since it was shown, so it was not set: it says {said(now)} now",
            fix="Find out who changes records; try again: it is shown as it is now.",
            source=SOURCE,
        )


async def _still_safe(here: Here, *, first: bool) -> None:
    """Raises where the layers below or the firewall do not hold, before any call; the first look is the whole one."""
    await (everything_holds(here) if first else layers_answer(here))
    await protection_is_on(here, so=", so no record is changed")
    for layer, pulse in here.run.pulses.items():
        if layer != _STAGE and not pulse.alive:
            kind = LayerFailed if pulse.failed else NoVerdict
            raise kind(
                f"the last heartbeat of {layer} found it down, so no record is changed: {pulse.observed}",
                fix="Wait for its next heartbeat (every 30 s), then try again.",
                source="heartbeat",
            )


async def _set(here: Here, route: _Route) -> None:
    zone, was = here.desk.need(ZoneKnown).id, route.record
    permit = await here.desk.intend(
        "cloudflare:SetRecord",
        f"{zone}/{was.id}",
        creates=(RECORD, f"{zone}/{was.id}"),
        name=was.name,
        type=was.type,
        content=was.content,
        proxied=was.proxied,
        ttl=was.ttl,
        set_to={"type": route.wanted.type, "content": route.wanted.content},
    )
    await here.estate.edge.set_record(permit, zone, route.wanted)


def _right(here: Here, how: str) -> Observation:
    names = [hostname.name for hostname in here.environment.connectivity.hostnames]
    return Observation.passed(
        expected=ROUTED,
        observed=f"{listed(names)}: {how}",
        source=SOURCE,
    )
