"""What other runs left behind and no record of this machine knows: found by our own tags, removed one by one.

Only what a drill made to be destroyed is an orphan.  What a recovery restored is production, and carries no
destroy-after; what carries no tag of ours is nobody's business of ours.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from runbook.engine.errors import LayerFailed, NoVerdict, Refused, SignedOut
from runbook.engine.ports import Confirm, Preview
from runbook.engine.verdict import Finding, Observation
from runbook.estate.ports import Instance, Snapshot
from runbook.safety.outside_text import outside_text
from steps.database.names import INSTANCE, SNAPSHOT
from steps.database.restore import DESTROY_TAG, ENVIRONMENT_TAG, RUN_TAG
from steps.here import Here, moment

_GONE_S: Final = 540


@dataclass(frozen=True, slots=True)
class Orphan:
    """Something that a run made and that nothing of it will remove; `destroy_after` None: the tag cannot be read."""

    kind: str  # as the ledger says it
    id: str
    run_id: str
    destroy_after: datetime | None
    hourly_cost: str  # "" of what has none; "not known"

    def words(self, now: datetime) -> str:
        """In one sentence, for who decides about it."""
        until = f"to be destroyed after {self.destroy_after:%Y-%m-%d %H:%M} UTC" if self.destroy_after else "no date"
        cost = f", cost by the hour: {self.hourly_cost}" if self.hourly_cost else ""
        return f"{self.id} ({self.kind}) of {self.run_id}, {until}{self._due(now)}{cost}"

    def _due(self, now: datetime) -> str:
        if self.destroy_after and self.destroy_after < now:
            return ", OVERDUE"
        return ", NOT DUE YET: a run on another machine may be working with it"


async def find(here: Here, known: Collection[str] = ()) -> tuple[Orphan, ...]:
    """Those of this environment, oldest first; those of the runs `known` (under way, or with a record here) and of
    this one are theirs to remove."""
    found = await here.estate.databases.ours(f"{here.environment.database.prefix}-", RUN_TAG)
    orphans = [_orphan(here, each) for each in found if _left(here, each.tags, known)]
    return tuple(sorted(orphans, key=lambda each: (each.run_id, each.id)))


def _left(here: Here, tags: Mapping[str, str], known: Collection[str]) -> bool:
    ours = tags.get(ENVIRONMENT_TAG, here.environment.name) == here.environment.name
    return ours and DESTROY_TAG in tags and tags.get(RUN_TAG) not in {here.run.id, *known}


def _orphan(here: Here, found: Instance | Snapshot) -> Orphan:
    instance = isinstance(found, Instance)
    cost = (here.environment.database.hourly_cost or "not known") if instance else ""
    run_id = outside_text(found.tags[RUN_TAG], 80)
    return Orphan(INSTANCE if instance else SNAPSHOT, found.id, run_id, _moment(found.tags[DESTROY_TAG]), cost)


def _moment(text: str) -> datetime | None:
    try:
        at = moment(text)
    except ValueError:
        return None
    return at if at.tzinfo else None


async def offered(here: Here) -> tuple[Finding, ...]:
    """Each one is offered for removal, once in a run; what stays, or could not be looked for, is a finding."""
    if here.run.last(here.desk.step) is not None:
        return ()
    try:
        found = await find(here, {run.run_id for run in here.history})
    except SignedOut:
        raise
    except NoVerdict as trouble:
        return (Finding(f"what other runs left could not be looked for: {trouble.sentence}"),)
    return tuple([finding for orphan in found if (finding := await _offered(here, orphan)) is not None])


async def _offered(here: Here, orphan: Orphan) -> Finding | None:
    words = orphan.words(here.now())
    shown = Preview(
        what="Delete it, its automated backups with it, and see that it is gone", target=orphan.id, calls=(words,)
    )
    ask = Confirm(
        here.desk.step,
        "Another run left this behind: remove it now",
        shown,
        optional=True,
        without="it stays where it is, and goes on costing money or holding patient data",
    )
    if not await here.desk.operator.confirm(ask):
        return Finding(f"left behind by another run: {words}", "major")
    try:
        await remove(here, orphan)
    except (LayerFailed, NoVerdict, Refused) as trouble:
        return Finding(f"left behind by another run, and not removed: {words}: {trouble.sentence}", "major")
    return None


async def remove(here: Here, orphan: Orphan) -> Observation:
    """Deleted, its automated backups with it, and asked for until it is not found; Refused when it is not as it was
    found any more.  Through this desk's permits, as everything that changes something."""
    return await (_remove_instance if orphan.kind == INSTANCE else _remove_snapshot)(here, orphan)


async def _remove_instance(here: Here, orphan: Orphan) -> Observation:
    databases = here.estate.databases
    instance = await databases.instance(orphan.id)
    if instance is not None and instance.status != "deleting":
        _still_left(here, orphan, instance)
        await databases.delete(await here.desk.intend("rds:DeleteDBInstance", orphan.id), orphan.id)

    async def gone() -> bool:
        return await databases.instance(orphan.id) is None and await databases.automated_backups(orphan.id) == 0

    await here.until(gone, limit_s=_GONE_S, waiting_for=f"{orphan.id} to be gone")
    return _removed(orphan)


async def _remove_snapshot(here: Here, orphan: Orphan) -> Observation:
    databases = here.estate.databases
    snapshot = await databases.snapshot(orphan.id)
    if snapshot is not None:
        _still_left(here, orphan, snapshot)
        await databases.forget(await here.desk.intend("rds:DeleteDBSnapshot", orphan.id), orphan.id)

    async def gone() -> bool:
        return await databases.snapshot(orphan.id) is None

    await here.until(gone, limit_s=_GONE_S, waiting_for=f"{orphan.id} to be gone")
    return _removed(orphan)


def _still_left(here: Here, orphan: Orphan, now: Instance | Snapshot) -> None:
    if not _left(here, now.tags, ()) or now.tags.get(RUN_TAG) != orphan.run_id:
        raise Refused(f"{orphan.id} does not carry the tags of {orphan.run_id} any more: it is not deleted")


def _removed(orphan: Orphan) -> Observation:
    return Observation.passed(
        expected="not found",
        observed=f"{orphan.id} of {orphan.run_id} not found any more",
        source="rds:DescribeDBInstances, rds:DescribeDBSnapshots",
    )
