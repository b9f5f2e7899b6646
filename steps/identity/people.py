"""Stage 1's part that no API can show: what is kept before anything is deleted, the old systems, and the people."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from typing import Final

from runbook.engine.errors import LayerFailed
from runbook.engine.ports import Preview
from runbook.engine.verdict import Finding, Observation
from runbook.estate.ports import Snapshot
from steps.here import Here, age

PRESERVED = "a manual copy that outlives the instance"
_DATE: Final = re.compile(r"\d{4}-\d{2}-\d{2}")
FENCE: Final = "The old application, database and vault take no writes and no traffic any more, or are gone"
CONTACTS: Final = (
    "The printed contact list is in front of me, and enough custodians for the unseal threshold can be reached"
)
PRINTED: Final = "the list's print date, as 2026-09-30"


def only_in_recovery(here: Here) -> str:
    """Why this mode does not have the step, or ""."""
    return "" if here.recovering else f"only a recovery touches production; this is {here.mode}"


def needs_somebody(here: Here) -> str:
    """Why nobody can be asked in this mode, or ""."""
    return "no person present" if here.unattended else ""


# -- preserve -----------------------------------------------------------------------------------------------------
async def _newest_automated(here: Here) -> Snapshot:
    source = here.environment.database.source_instance
    snapshots = [each for each in await here.estate.databases.snapshots(source) if each.status == "available"]
    if not snapshots:
        raise LayerFailed(
            f"no available snapshot of {source} to preserve",
            fix="Look in the other Region and account.",
            source="rds:DescribeDBSnapshots",
        )
    return snapshots[-1]


def _kept_name(here: Here, snapshot: Snapshot) -> str:
    """A manual snapshot's identifier: letters, digits and single hyphens, at most 255; the run's id comes first."""
    plain = re.sub(r"[^a-z0-9]+", "-", f"kept-{here.run.id}-{snapshot.id.removeprefix('rds:')}".lower())
    return plain[:255].rstrip("-")


async def preserved(here: Here) -> Observation | None:
    """Another mode, or the copy exists already."""
    if reason := only_in_recovery(here):
        return Observation.not_needed(reason)
    newest = await _newest_automated(here)
    if newest.kind == "manual":
        return _kept(newest.id, "the newest snapshot is a manual one already")
    name = _kept_name(here, newest)
    source = here.environment.database.source_instance
    there = [each.id for each in await here.estate.databases.snapshots(source) if each.id == name]
    return _kept(name, "copied by this run") if there else None


async def show_preserve(here: Here) -> Preview:
    """The one call."""
    newest = await _newest_automated(here)
    return Preview(
        what="Keep the newest automated snapshot as a manual one: deleting an instance deletes its automated ones",
        target=here.environment.database.source_instance,
        calls=(f"rds:CopyDBSnapshot {newest.id} → {_kept_name(here, newest)}",),
    )


async def preserve(here: Here) -> Observation:
    """Not in the ledger: what is kept here is never cleaned up by this tool."""
    newest = await _newest_automated(here)
    name = _kept_name(here, newest)
    permit = await here.desk.intend("rds:CopyDBSnapshot", name, source=newest.id)
    await here.estate.databases.keep(permit, newest.id, name)
    return _kept(name, f"being copied from {newest.id}")


def _kept(name: str, how: str) -> Observation:
    return Observation.passed(
        expected=PRESERVED,
        observed=f"{name}: {how}",
        source="rds:CopyDBSnapshot, rds:DescribeDBSnapshots",
    )


# -- contacts -----------------------------------------------------------------------------------------------------
def contacts_judged(here: Here, stated: str) -> tuple[Finding, ...]:
    """The print date is looked for in what was said; an old list, or one without a date, is a finding."""
    printed = _printed(stated)
    if printed is None:
        return (Finding("the contact list's print date was not stated"),)
    at = datetime(printed.year, printed.month, printed.day, tzinfo=UTC)
    if here.now() - at <= here.policy.contacts_age_limit:
        return ()
    return (Finding(f"the contact list was printed {age(at, here.now())} ago: print it anew"),)


def _printed(stated: str) -> date | None:
    for found in _DATE.findall(stated):
        try:
            return date.fromisoformat(found)
        except ValueError:
            continue
    return None
