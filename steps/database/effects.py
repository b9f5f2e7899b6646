"""What a copy of production would do to others by itself, ended before anything else runs on it; and its statistics."""

from __future__ import annotations

from typing import Final

from runbook.engine.errors import Refused
from runbook.engine.ports import Preview
from runbook.engine.verdict import Finding, Observation
from runbook.estate.ports import Database, SideEffect
from steps.database.access import copy, owner
from steps.database.restore import RUN_TAG
from steps.facts import InstanceReady
from steps.here import Here

ANALYZED = "statistics for every table that holds something"
QUIET = "nothing in the copy acts on others"
QUEUE: Final = "queue"
_LOOKED_AT: Final = "cron.job, pg_subscription, pg_foreign_server, pg_extension, outbound queues"


def _strongest(here: Here) -> Database:
    """As the owner where one is held: a reader does not see all of it."""
    return owner(here) or copy(here)


async def _effects(here: Here) -> tuple[SideEffect, ...]:
    return await _strongest(here).side_effects(here.environment.database.outbound_queues)


def _named(effects: list[SideEffect]) -> str:
    return ", ".join(f"{each.kind} {each.name}" for each in effects)


# -- found --------------------------------------------------------------------------------------------------------
async def side_effects_are_known(here: Here) -> Observation:
    """A list, not a verdict: production has such things in good order. `database.quiet` ends them in a drill."""
    effects = await _effects(here)
    active = [each for each in effects if each.active]
    asleep = len(effects) - len(active)
    return Observation.passed(
        expected="what acts on others is known",
        observed=(f"active: {_named(active)}" if active else "nothing acts on others")
        + (f"; {asleep} more that do nothing now" if asleep else ""),
        source=_LOOKED_AT,
    )


# -- quiet --------------------------------------------------------------------------------------------------------
async def already_quiet(here: Here) -> Observation | None:
    """Production acts on others by design; in a drill there may be nothing that does."""
    if here.recovering:
        return Observation.not_needed("production's own jobs and subscriptions are meant to run")
    effects = await _effects(here)
    return None if _acting(effects) else _quiet(here, effects, "nothing had to be switched off")


def _acting(effects: tuple[SideEffect, ...]) -> list[SideEffect]:
    """Those that act by themselves; a queue is the application's, which is started with its sending off."""
    return [each for each in effects if each.active and each.kind != QUEUE]


def _to_end(effects: tuple[SideEffect, ...]) -> list[SideEffect]:
    """Those of them that a statement in this database can end."""
    return [each for each in _acting(effects) if each.how]


async def show_quiet(here: Here) -> Preview:
    """Each statement as it is run."""
    effects = await _effects(here)
    return Preview(
        what=f"Switch off what would act on others from this copy: {_named(_acting(effects))}",
        target=here.desk.need(InstanceReady).id,
        calls=tuple(each.how for each in _to_end(effects)),
    )


async def make_quiet(here: Here) -> Observation:
    """One statement after the other, then read back."""
    ended = _to_end(await _effects(here))
    await _still_ours(here)
    for effect in ended:
        permit = await here.desk.intend("postgres:Silence", effect.name, statement=effect.how)
        await _strongest(here).silence(permit, effect)
    return _quiet(here, await _effects(here), f"switched off and read back: {_named(ended)}")


async def _still_ours(here: Here) -> None:
    """Who made it is asked again before anything in it is changed: this process may be another one than the first."""
    name = here.desk.need(InstanceReady).id
    instance = await here.estate.databases.instance(name)
    if instance is None or instance.tags.get(RUN_TAG) != here.run.id:
        raise Refused(f"{name} does not carry this run's tag: nothing in it is changed")


def _quiet(here: Here, effects: tuple[SideEffect, ...], how: str) -> Observation:
    left, queues = _acting(effects), [each for each in effects if each.active and each.kind == QUEUE]
    return Observation.that(
        not left,
        expected=QUIET,
        observed=f"still active: {_named(left)}" if left else how + _waiting(queues),
        source=_LOOKED_AT,
        fix=f"Switch it off by hand in {here.desk.need(InstanceReady).id}, then try again.",
    )


def _waiting(queues: list[SideEffect]) -> str:
    """Rows that the application would send: its sending is off before it is started (application.quiet)."""
    return f"; rows wait in {_named(queues)}, which the application must not send" if queues else ""


# -- analyze ------------------------------------------------------------------------------------------------------
async def already_analyzed(here: Here) -> Observation | None:
    """A physical copy brings its statistics along; one made by pg_restore has none."""
    return None if await _strongest(here).without_statistics() else _analyzed("no table lacks statistics")


async def show_analyze(here: Here) -> Preview:
    """The planner knows nothing of these tables: the application would be slow enough to look broken."""
    tables = await _strongest(here).without_statistics()
    return Preview(
        what=f"Gather statistics of {len(tables)} tables that have none",
        target=here.desk.need(InstanceReady).id,
        calls=tuple(f"analyze {table}" for table in tables),
    )


async def analyze(here: Here) -> Observation:
    """Table by table; one that still has none is a finding, since only speed depends on it."""
    database = _strongest(here)
    tables = await database.without_statistics()
    await _still_ours(here)
    for number, table in enumerate(tables):
        here.desk.progress(number, len(tables), f"analyze {table}")
        await database.analyze(await here.desk.intend("postgres:Analyze", table), table)
    left = await database.without_statistics()
    return _analyzed(
        f"{len(tables)} tables analyzed", *(Finding(f"{table} has no statistics after analyze") for table in left)
    )


def _analyzed(how: str, *findings: Finding) -> Observation:
    return Observation.passed(expected=ANALYZED, observed=how, source="pg_stats", findings=findings)
