"""Secret groups on the platform: read side by side, changed by one PATCH each, read back, put back.

Whether the platform's PATCH merges or replaces is not documented: the whole group is sent, and then read again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from runbook.engine.errors import LayerFailed
from runbook.engine.ports import Change, Permit, Secret
from runbook.engine.run import LedgerEntry
from runbook.engine.verdict import Observation
from steps.application.guarding import guard_all
from steps.here import Here
from steps.many import listed, side_by_side

OPERATION: Final = "northflank:SetSecretGroup"
READ: Final = "northflank: GET secrets/{id}"
WRITTEN: Final = "northflank: PATCH, then GET secrets/{id}"


@dataclass(frozen=True, slots=True)
class GroupChange:
    """What some variables of one group are to be.

    `held` is the whole group as it was read; `former` says, of each variable in `wanted`, how to put it back: plain
    values for the journal, never a secret, None where it was not there.
    """

    group: str
    held: Mapping[str, Secret]
    wanted: Mapping[str, Secret]
    former: Mapping[str, Any]

    @property
    def differing(self) -> tuple[str, ...]:
        """The variables that are not as wanted."""
        return tuple(name for name, value in self.wanted.items() if self.held.get(name) != value)


async def read(here: Here, groups: Sequence[str]) -> dict[str, Mapping[str, Secret]]:
    """Each group whole, by its name."""
    project, platform = here.environment.application.project, here.estate.platform

    async def one(group: str) -> Mapping[str, Secret]:
        return await platform.secret_group(project, group)

    found = await side_by_side(here, groups, one, doing="reading secret groups")
    held = dict(zip(groups, found, strict=True))
    here.seen[READ] = held
    guard_all(here, held)
    return held


async def just_read(here: Here, groups: Sequence[str]) -> dict[str, Mapping[str, Secret]]:
    """For a preview: as `find` has read them in this same attempt, right before; else read now."""
    held = here.seen.get(READ)
    return held if held is not None and list(held) == list(groups) else await read(here, groups)


def target(here: Here, group: str) -> str:
    """As permits and the ledger name it."""
    return f"{here.environment.application.project}/{group}"


def calls(here: Here, changes: Iterable[GroupChange]) -> tuple[str, ...]:
    """One for each group that differs, as a preview says it."""
    project = here.environment.application.project
    return tuple(f"PATCH /v1/projects/{project}/secrets/{one.group}" for one in changes if one.differing)


def merged(lines: Iterable[Change]) -> tuple[Change, ...]:
    """What changes alike is one line under all its names, so that thirty groups can be read and a stray one shows."""
    alike: dict[tuple[str, str], list[str]] = {}
    for line in lines:
        alike.setdefault((line.before, line.after), []).append(line.name)
    return tuple(Change(", ".join(names), *values) for values, names in alike.items())


async def make(here: Here, kind: str, changes: Sequence[GroupChange]) -> None:
    """Change what differs, group after group, each read back; LayerFailed names what was lost.

    Each goes into the ledger as `kind` before it is changed.
    """
    due = [change for change in changes if change.differing]
    for number, change in enumerate(due):
        here.desk.progress(number, len(due), f"changing {change.group}")
        await _make(here, kind, change)


async def _make(here: Here, kind: str, change: GroupChange) -> None:
    creates, detail = _entry(here, kind, change)
    permit = await here.desk.intend(OPERATION, target(here, change.group), creates=creates, **detail)
    whole = {**change.held, **change.wanted}
    if lost := _lost(whole, await _sent(here, permit, change.group, whole)):
        raise LayerFailed(
            f"{change.group} does not hold what was set: {listed(lost)}",
            fix="Set these by hand in the Northflank console, then try again.",
            source=WRITTEN,
        )


async def _sent(here: Here, permit: Permit, group: str, whole: Mapping[str, Secret]) -> Mapping[str, Secret]:
    """Send the whole group; answers what it holds then."""
    project, platform = here.environment.application.project, here.estate.platform
    await platform.set_secret_group(permit, project, group, whole)
    return await platform.secret_group(project, group)


def _lost(whole: Mapping[str, Secret], seen: Mapping[str, Secret]) -> list[str]:
    """The variables that are not there as sent; one that somebody added meanwhile is nobody's loss."""
    return sorted(name for name, value in whole.items() if seen.get(name) != value)


def _entry(here: Here, kind: str, change: GroupChange) -> tuple[tuple[str, str] | None, dict[str, Any]]:
    """What goes into the ledger: only variables whose former state no open entry of this run holds already.

    What this run itself set in between is nothing to go back to.
    """
    place = target(here, change.group)
    entries = [e for e in here.run.open_ledger if e.kind == kind and e.detail.get("group") == change.group]
    known = {name for entry in entries for name in entry.detail.get("former", {})}
    fresh = {name: former for name, former in change.former.items() if name not in known}
    if not fresh:
        return None, {"group": change.group}
    name = place if all(entry.id != place for entry in entries) else f"{place} ({', '.join(fresh)})"
    return (kind, name), {"group": change.group, "former": fresh}


# -- back again ---------------------------------------------------------------------------------------------------
Former = Mapping[str, Secret | None]


async def put_back(here: Here, entry: LedgerEntry, former: Callable[[Mapping[str, Secret]], Former]) -> Observation:
    """Give variables their former values (None: take it out), and nothing else; then look at the group again.

    `former` is asked with the group as it is now.
    """
    group = str(entry.detail["group"])
    held = (await read(here, [group]))[group]
    before = former(held)
    whole = {name: value for name, value in {**held, **before}.items() if value is not None}
    if whole != dict(held):
        held = await _sent(here, await here.desk.intend(OPERATION, target(here, group)), group, whole)
    stuck = [name for name, value in before.items() if value is None and name in held]
    return _back(group, _lost(whole, held), stuck, list(before))


def _back(group: str, lost: list[str], stuck: list[str], names: list[str]) -> Observation:
    expected = f"{group} as it was before"
    if stuck and not lost:
        return Observation.inconclusive(
            expected=expected,
            observed=f"{listed(stuck)} was not there before, and the platform's API takes nothing out",
            source=WRITTEN,
            fix=f"Take it out by hand: Northflank console → Secrets → {group}; then look again.",
        )
    return Observation.that(
        not lost,
        expected=expected,
        observed=f"the group does not hold what was put back: {listed(lost)}" if lost else f"{listed(names)} put back",
        source=WRITTEN,
        fix=f"Set these by hand: Northflank console → Secrets → {group}.",
    )
