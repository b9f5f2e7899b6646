"""Ways into the restored database: as the reader that it came with, and as its owner while a drill holds one."""

from __future__ import annotations

from runbook.estate.ports import Database, Endpoint
from steps.facts import InstanceReady, RouteChosen
from steps.here import Here


def endpoint(here: Here) -> Endpoint:
    """The copy's own name, by the route that was chosen; NoVerdict before it was available."""
    ready, route = here.desk.need(InstanceReady), here.run.fact(RouteChosen)
    if route is None:
        return Endpoint(ready.host, ready.port, here.environment.database.hostaddr)
    return Endpoint(ready.host, route.port or ready.port, route.hostaddr or None)


def beside(here: Here, host: str, port: int) -> Endpoint | None:
    """Another instance, by the way that leads to the copy; None where that way leads to the copy only.

    A tunnel's end stands for one endpoint: nothing is asked through it in another's name.
    """
    ready, reached = here.desk.need(InstanceReady), endpoint(here)
    if reached.port != ready.port or (reached.hostaddr and port == reached.port):
        return None
    return Endpoint(host, port, reached.hostaddr)


def copy(here: Here) -> Database:
    """The restored instance, from inside, read-only."""
    return here.estate.sql.at(endpoint(here))


def owner(here: Here) -> Database | None:
    """The same as its master user, whose password this process set; None where it set none."""
    ready = here.run.fact(InstanceReady)
    login = here.held.owners.get(ready.id) if ready else None
    return here.estate.sql.at(endpoint(here), login) if login else None
