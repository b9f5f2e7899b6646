"""The doors closed again: each public name gets back the record it had."""

from __future__ import annotations

from typing import Final
from urllib.parse import urlsplit

from runbook.engine.errors import LayerFailed
from runbook.engine.run import LedgerEntry, Run
from runbook.engine.verdict import Observation
from runbook.estate.answers import mapping
from runbook.estate.ports import DnsRecord
from runbook.safety.outside_text import outside_text
from steps.connectivity.dns_records import RECORD, ROUTING, SOURCE, place, said
from steps.here import Here
from steps.many import listed
from steps.patience import patient

_REASON: Final = 80  # characters: the preview that begins with it has more to say


async def close_door(here: Here, entry: LedgerEntry) -> Observation:
    """The record's former value, in mid-run or at the closing; whatever else has fallen does not stand in the way.

    It is read first.  One that has its former value is closed.  One that says what this run set is set back, and so is
    one that somebody changed since but that still leads to us: a door is a door, whoever opened it last.  One that
    leads anywhere else is somebody's decision: it is left as it is, and LayerFailed says what it says.
    """

    async def close(here: Here) -> Observation:
        zone, _, record = entry.id.partition("/")
        was = entry.detail
        before = DnsRecord(record, was["name"], was["type"], was["content"], proxied=was["proxied"], ttl=was["ttl"])
        now = await _still_there(here, zone, before)
        if said(now) == said(before):
            return _closed(now, before)
        if place(now.content) not in _ours(here, entry):
            raise LayerFailed(
                f"{before.name} was changed by somebody else and leads elsewhere, so it is left as it is: it says "
                f"{said(now)}, and said {said(before)} before this run",
                fix="Find out who changed it; set it by hand if it must be as it was: DNS → Records.",
                source=SOURCE,
            )
        permit = await here.desk.intend("cloudflare:SetRecord", entry.id)
        return _closed(await here.estate.edge.set_record(permit, zone, before), before)

    return await patient(close)(here)


async def _still_there(here: Here, zone: str, before: DnsRecord) -> DnsRecord:
    records = await here.estate.edge.records(zone, before.name)
    found = next((one for one in records if one.id == before.id), None)
    if found is None:
        others = listed([said(one) for one in records if one.type in ROUTING])
        raise LayerFailed(
            f"the record of {before.name} that this run set is gone; there is now: {others or 'none that routes it'}",
            fix=f"Put it right by hand (DNS → Records): before this run it said {said(before)}.",
            source=SOURCE,
        )
    return found


def _ours(here: Here, entry: LedgerEntry) -> set[str]:
    """Where a record leads to us: what this run set, what any public name should say, and the origins."""
    settings = here.environment.connectivity
    places = [hostname.content for hostname in settings.hostnames]
    places += [one for origin in settings.origins for one in (origin.address, urlsplit(origin.url).hostname) if one]
    places.append(str(mapping(entry.detail.get("set_to")).get("content", "")))
    return {place(one) for one in places if one}


def _closed(seen: DnsRecord, before: DnsRecord) -> Observation:
    back = said(seen) == said(before)
    return Observation.that(
        back,
        expected=f"{before.name}: {said(before)}",
        observed=f"{seen.name} {'' if back else 'NOT '}put back: {said(seen)}",
        source="cloudflare: GET, PATCH dns_records",
        fix="Set it by hand: DNS → Records.",
    )


def closed_before(run: Run) -> str:
    """A sentence on when this run closed the doors already, and after what; or ""."""
    closed = [entry.destroyed for entry in run.ledger if entry.kind == RECORD and entry.destroyed is not None]
    if not closed:
        return ""
    last = max(closed)
    lasts = {one.step: one for one in run.attempts if one.stage == "connectivity" and one.at <= last}
    failed = [one for one in lasts.values() if not one.verdict.satisfies]
    reason = f"after {failed[0].step} ({outside_text(failed[0].observed, _REASON)})" if failed else "by the operator"
    return f"The doors were closed again at {last:%H:%M} UTC, {reason}. "
