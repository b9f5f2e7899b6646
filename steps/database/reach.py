"""The way to the copy, and the proof that it is the copy at its end, and nothing else."""

from __future__ import annotations

import shlex
from datetime import timedelta
from typing import Final

from runbook.engine.errors import LayerFailed, NoVerdict
from runbook.engine.ports import Choose, Option
from runbook.engine.verdict import Observation
from runbook.estate.ports import Endpoint, Whereabouts
from steps.database.access import beside, copy, owner
from steps.facts import InstanceReady, InstanceRestored, RouteChosen
from steps.here import Here, iso, moment

_STRAIGHT, _TUNNEL = "straight", "tunnel"
_TUNNEL_COMMAND: Final = (
    "aws ssm start-session --target BASTION --document-name AWS-StartPortForwardingSessionToRemoteHost "
    "--parameters host={host},portNumber={port},localPortNumber={local_port}"
)
_OWNER_S: Final = 120


# -- reach --------------------------------------------------------------------------------------------------------
async def choose_route(here: Here) -> Observation:
    """As configured; else straight where that works; else the operator opens a tunnel with the exact command."""
    ready, database = here.desk.need(InstanceReady), here.environment.database
    if database.hostaddr:
        return _route(ready, RouteChosen(database.hostaddr, 0), "as configured")
    silence = await _silence(here, ready)
    if silence is None:
        return _route(ready, RouteChosen("", 0), "straight")
    if await _wants_tunnel(here, ready, silence):
        await here.by_hand(
            "Open a tunnel to the private instance and leave it open until the run has ended",
            _command(here, ready),
            act="open-tunnel",
            undone="no tunnel was opened",
        )
        return _route(ready, RouteChosen("127.0.0.1", database.tunnel_port), "through the operator's tunnel")
    return _route(ready, RouteChosen("", 0), "straight, as the operator chose")


async def _silence(here: Here, ready: InstanceReady) -> NoVerdict | None:
    """Why it does not answer when asked straight, or None: it does."""
    try:
        await here.estate.sql.at(Endpoint(ready.host, ready.port)).ping()
    except NoVerdict as error:
        return error
    return None


async def _wants_tunnel(here: Here, ready: InstanceReady, silence: NoVerdict) -> bool:
    choice = await here.desk.operator.choose(
        Choose(
            step=here.desk.step,
            title=f"{ready.host} does not answer straight ({silence.sentence}). How is it reached?",
            columns=("route", "how"),
            options=(
                Option(_TUNNEL, ("a tunnel", _command(here, ready))),
                Option(_STRAIGHT, ("straight", "this machine is in the network, or will be in a moment")),
            ),
            default=_TUNNEL,
        )
    )
    return choice.key == _TUNNEL


def _command(here: Here, ready: InstanceReady) -> str:
    """Exactly for this endpoint; the tunnel's end is on this machine, the certificate is verified for the real name."""
    database = here.environment.database
    template = database.tunnel or _TUNNEL_COMMAND
    filled = {
        "{host}": ready.host,
        "{port}": str(ready.port),
        "{local_port}": str(database.tunnel_port),
    }
    for name, value in filled.items():
        template = template.replace(name, shlex.quote(value))
    return template


def _route(ready: InstanceReady, route: RouteChosen, how: str) -> Observation:
    by = f"by {route.hostaddr}:{route.port or ready.port}" if route.hostaddr else "by its own address"
    return Observation.passed(
        expected="a way to the copy",
        observed=f"{ready.host}:{ready.port}, {by}, {how}",
        source="configuration, or tried",
        facts=(route,),
    )


# -- connect ------------------------------------------------------------------------------------------------------
async def connects_to_the_copy(here: Here) -> Observation:
    """TLS verified for the name, and it is the copy: its own identity, started since, not the source.

    The system identifier would prove nothing: a physical copy has its source's.
    """
    ready, restored = here.desk.need(InstanceReady), here.desk.need(InstanceRestored)
    where = await copy(here).whereabouts()
    since = moment(restored.asked_at) - timedelta(seconds=here.policy.clock_good_s)
    wrong = "; ".join(
        said
        for said in (
            "" if where.tls else "the connection is NOT encrypted",
            "" if where.started >= since else f"it was started before the restore was asked for ({restored.asked_at})",
            await _is_the_source(here, ready, where),
            "it is still in recovery" if where.in_recovery else "",
        )
        if said
    )
    owned = "" if wrong else await _owner_signs_in(here)
    return Observation.that(
        not wrong,
        expected=f"TLS for {ready.host}, started after {restored.asked_at}, not the source, not in recovery",
        observed=f"PostgreSQL {where.version} at {where.address}:{where.port}, started {iso(where.started)}"
        + (f": {wrong}" if wrong else f", TLS{owned}"),
        source="pg_postmaster_start_time(), inet_server_addr(), pg_is_in_recovery(), sslmode=verify-full",
        fix="Something points at the source instead of the copy: check host names and the tunnel.",
    )


async def _is_the_source(here: Here, ready: InstanceReady, where: Whereabouts) -> str:
    """Why it is production's instance, or "": by name, by the provider's identity, and by asking production itself."""
    database = here.environment.database
    if ready.host == database.source_host or ready.id == database.source_instance:
        return "THIS IS THE SOURCE by its name"
    source = await here.estate.backups.databases.instance(database.source_instance)
    if source is None:
        return ""
    if ready.resource_id and source.resource_id == ready.resource_id:
        return "THIS IS THE SOURCE: the provider gives both the same resource id"
    way = beside(here, source.host, source.port) if source.host else None
    if way is None:
        return ""  # production is gone, or the way leads to the copy only
    try:
        there = await here.estate.sql.at(way).whereabouts()
    except (NoVerdict, LayerFailed):
        return ""  # production does not answer: its start time is all that is known of it
    same = (there.started, there.address, there.port) == (where.started, where.address, where.port)
    return "THIS IS THE SOURCE: production answers with the same address and the same start" if same else ""


async def _owner_signs_in(here: Here) -> str:
    """The new master password works a little after the provider says so."""
    database = owner(here)
    if database is None:
        return ""

    async def signed_in() -> bool:
        try:
            await database.ping()
        except NoVerdict:
            return False
        return True

    await here.until(signed_in, limit_s=_OWNER_S, waiting_for="the copy's new master password to work")
    return ", its own master password works"
