"""The manifests around the recovery point: the newest from before it, the oldest from after it, and one for trend.

A damaged or foreign manifest says nothing of the recovery point: it is left out, and named.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Final

from runbook.engine.errors import LayerFailed, NoVerdict
from runbook.engine.few import few
from runbook.engine.verdict import Finding
from runbook.manifest import LIMIT, Manifest, moment_of, parse
from runbook.safety.outside_text import outside_text
from steps.facts import SnapshotChosen
from steps.here import Here, moment

APART: Final = timedelta(hours=20)
"""By how much an earlier manifest is older than the one that it is compared with: the day before's, not the hour's."""

TREND: Final = timedelta(days=40)
"""How much older than the recovery point an earlier manifest may be: further back, a table has its own history."""

_TRIED: Final = 5  # for the trend: more bad ones in a row are one mistake
_TOLD: Final = 3
_SECOND: Final = timedelta(seconds=1)  # names are cut off at the second
_Read = Callable[[str], Awaitable[bytes]]


@dataclass(frozen=True, slots=True)
class Around:
    """`before` and `after` are within the policy's limit of the recovery point, and may be the same; `earlier` is
    from the day before (`APART`) or older, up to `TREND`.  Each is None where there is no usable one.

    `findings` name those that had to be left out.
    """

    before: Manifest | None = None
    after: Manifest | None = None
    earlier: Manifest | None = None
    findings: tuple[Finding, ...] = field(default=(), kw_only=True)

    @property
    def stated(self) -> tuple[Manifest, ...]:
        """Those that the copy is compared with, oldest first."""
        return tuple(each for each in (self.before, self.after) if each is not None)

    @property
    def alone(self) -> bool:
        """One manifest cannot tell what moved from what was lost."""
        return len(self.stated) == 1


async def around(here: Here) -> Around:
    """NoVerdict when they cannot be listed or read."""
    names, read = await _kept(here)
    times = {name: at for name in names if (at := moment_of(name)) is not None}
    since, until = _between(here.desk.need(SnapshotChosen))
    limit, shelf = here.policy.backup_age_limit, _Shelf(here.environment.database.name, read)
    before = await shelf.first(
        (name for name in _newest(times) if since - limit <= times[name] <= since), lambda made: made <= since
    )
    after = await shelf.first(
        (name for name in reversed(_newest(times)) if until - _SECOND < times[name] <= until + limit),
        lambda made: made >= until,
    )
    needed = set(shelf.bad)
    if before is None and after is None:
        return Around(findings=shelf.left_out(needed, "major"))
    last = (before.made_at if before else since) - APART
    old = (name for name in _newest(times) if since - TREND <= times[name] <= last)
    earlier = await shelf.first(islice(old, _TRIED))
    findings = (*shelf.left_out(needed, "major"), *shelf.left_out(shelf.bad.keys() - needed, "minor"))
    return Around(before, after, earlier, findings=findings)


def _between(chosen: SnapshotChosen) -> tuple[datetime, datetime]:
    """The newest transaction that the copy surely holds, and the first moment of which it surely holds nothing."""
    created = moment(chosen.created_at)
    told = chosen.data_until if chosen.method != "PITR" else ""
    until = moment(told) if told else created
    return min(until, created), max(until, created)


def _newest(times: dict[str, datetime]) -> list[str]:
    return sorted(times, key=lambda name: times[name], reverse=True)


async def _kept(here: Here) -> tuple[tuple[str, ...], _Read]:
    """What there is to choose from, and how one of them is read; none where no place is configured."""
    database = here.environment.database
    if (folder := database.manifest_folder) is not None:
        return await here.house.names(folder), lambda name: here.house.read(folder / name, LIMIT)
    bucket = database.manifest_bucket or ""
    try:
        listed = await here.estate.backups.objects.list(bucket, database.manifest_prefix) if bucket else ()
    except LayerFailed as refused:  # it says nothing of the recovery point
        raise NoVerdict(
            refused.sentence, fix=refused.fix, provider_text=refused.provider_text, source=refused.source
        ) from None
    return tuple(one.key for one in listed), lambda key: here.estate.backups.objects.read(bucket, key, LIMIT)


class _Shelf:
    """Reads each manifest at most once, outside the event loop: a large one takes a while to parse.

    `bad` is what was wrong with those that cannot be used, by name.
    """

    def __init__(self, database: str, read: _Read) -> None:
        self._database = database
        self._read = read
        self._known: dict[str, Manifest] = {}
        self.bad: dict[str, LayerFailed] = {}

    async def first(self, names: Iterable[str], fits: Callable[[datetime], bool] = lambda _: True) -> Manifest | None:
        """The first usable one of them whose own time fits: a name tells it to the second only."""
        for name in names:
            if (found := await self._get(name)) is not None and fits(found.made_at):
                return found
        return None

    async def _get(self, name: str) -> Manifest | None:
        if name not in self._known and name not in self.bad:
            try:
                found = await asyncio.to_thread(parse, await self._read(name), name.rpartition("/")[-1])
                self._known[name] = self._ours(found, name)
            except LayerFailed as refused:
                self.bad[name] = refused
        return self._known.get(name)

    def left_out(self, names: Collection[str], severity: str) -> tuple[Finding, ...]:
        """A finding that says which of the bad ones were not used, if any."""
        told = [self.bad[name] for name in sorted(names)]
        said = few([each.sentence for each in told], _TOLD, between="; ")
        return (Finding(f"not used: {said}. {told[0].fix}", severity),) if told else ()

    def _ours(self, found: Manifest, name: str) -> Manifest:
        named = moment_of(name)
        wrong = ""
        if found.database != self._database:
            wrong = f"is of database {outside_text(found.database, 63)}, not of {self._database}"
        elif named is None or abs(found.made_at - named) > _SECOND:
            wrong = (
                f"was made at {found.made_at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC, which is not the time in its name"
            )
        if wrong:
            raise LayerFailed(
                f"the manifest {name.rpartition('/')[-1]} {wrong}",
                fix="Take it away, or put the right one there from another copy.",
                source="manifest",
            )
        return found
