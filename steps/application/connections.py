"""The application's own connections, as the databases themselves see them."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from runbook.config.application import Consumer
from runbook.engine.errors import HardStop, LayerFailed, NoVerdict
from runbook.engine.verdict import Finding
from runbook.estate.ports import Database
from steps.application.groups import known_as
from steps.database.access import beside, copy
from steps.facts import Deployed, InstanceReady
from steps.here import Here, moment
from steps.many import listed

_APPEAR_S: Final = 8.0  # a pool may connect a moment after the process answers
_EVERY_S: Final = 1.0
_PAIR: Final = 2


def consumers(here: Here) -> list[Consumer]:
    """Those that use the database."""
    return [one for one in here.environment.application.consumers if one.database_variable]


def names(here: Here) -> list[str]:
    """Under which names they are known there."""
    return [known_as(here, one) for one in consumers(here)]


async def seen(here: Here) -> dict[str, int]:
    """How many connections each has on the restored instance since its deployment; they get a moment to appear."""
    database = copy(here)
    since = {known_as(here, one): _since(here, one) for one in consumers(here)}
    found = dict.fromkeys(since, 0)
    began = here.now()
    while True:
        for name in [name for name, count in found.items() if not count]:
            found[name] = await _count(database, name, since[name])
        if all(found.values()) or (here.now() - began).total_seconds() >= _APPEAR_S:
            return found
        await here.desk.clock.sleep(_EVERY_S)


def _since(here: Here, consumer: Consumer) -> datetime:
    """When the first of its services was deployed: a connection of before is of another process."""
    at = here.desk.need(Deployed).at
    asked = min(moment(at[name]) for name in here.environment.application.served(consumer))
    return asked - timedelta(seconds=here.policy.clock_good_s)


async def _count(database: Database, name: str, since: datetime) -> int:
    return sum(session.started >= since for session in await database.sessions(name))


def indistinct(here: Here) -> tuple[Finding, ...]:
    """What several services share: that one of them is connected does not show that the others are."""
    application = here.environment.application
    shared = [(one, served) for one in consumers(here) if len(served := application.served(one)) > 1]
    return tuple(
        Finding(
            f"connections of {_all(served)} cannot be told apart: {'both' if len(served) == _PAIR else 'all'} use "
            f"{one.secret_group}/{one.database_variable}; give each its own variable or secret group"
        )
        for one, served in shared
    )


def _all(names: tuple[str, ...]) -> str:
    return " and ".join(names) if len(names) == _PAIR else listed(names)


# -- never there --------------------------------------------------------------------------------------------------
async def none_on_production(here: Here) -> str:
    """HardStop when this run's application is connected to production; else in words how it was looked.

    That it could not be looked is told and no finding: in most drills no way leads from here to production's database,
    and the criterion itself rests on what the restored instance sees.  Nothing else is raised.
    """
    try:
        production, why = await production_database(here)
        there = [name for name in names(here) if production and await production.sessions(name)]
    except (NoVerdict, LayerFailed) as trouble:
        return _unseen(trouble.sentence)
    if there:
        raise HardStop(
            f"THE APPLICATION OF THIS RUN IS CONNECTED TO PRODUCTION: {listed(there)}",
            fix="Stop its services now, in the Northflank console; then find out how it got that address.",
            source=f"pg_stat_activity on {here.environment.database.source_host}",
        )
    return "none on production" if production else _unseen(why) if why else "production is gone"


def _unseen(why: str) -> str:
    return f"production was not looked at ({why})"


async def production_database(here: Here) -> tuple[Database | None, str]:
    """Production's own, read-only; else why it cannot be looked at, "" where there is none any more."""
    settings, ready = here.environment.database, here.desk.need(InstanceReady)
    source = await here.estate.databases.instance(settings.source_instance)
    if source is None:
        return None, "" if settings.source == "same-account" else "it is in another account"
    if (source.host, source.port) == (ready.host, ready.port):
        return None, ""
    way = beside(here, source.host, source.port) if source.host else None
    if way is None:
        return None, "the way to the restored instance leads nowhere else" if source.host else f"it is {source.status}"
    return here.estate.sql.at(way), ""
