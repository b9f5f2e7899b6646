"""Stage 5, Connectivity: the doors are opened last, behind their protection, and only on layers that hold now."""

from __future__ import annotations

import ipaddress
from typing import Any

from runbook.config import Resolver
from runbook.engine.errors import LayerFailed, NoVerdict
from runbook.engine.procedure import Action, Check, Lasting, Repeat, Stage
from runbook.engine.verdict import Observation
from runbook.estate.ports import WebAnswer
from steps import connectivity_doors as doors
from steps.application import decrypts
from steps.facts import ImageChosen
from steps.here import Here, iso
from steps.holding import everything_holds

DNS_LIMIT_S = 420  # a proxied record's TTL is 300 s (Cloudflare: DNS records, TTL)


# -- what a visitor sees ------------------------------------------------------------------------------------------
async def names_lead_to_the_edge(here: Here) -> Observation:
    """Authoritative servers first, then public resolvers: every answer inside the edge's published ranges."""
    settings = here.environment.connectivity
    ranges = tuple(ipaddress.ip_network(cidr) for cidr in await here.estate.edge.ranges())
    servers = (*settings.authoritative, *settings.resolvers)

    async def all_inside() -> str | None:
        for hostname in settings.hostnames:
            for server in servers:
                if not _inside(await _addresses(here, hostname.name, server), ranges):
                    return None
        return f"{len(settings.hostnames)} names at {len(servers)} servers, all inside the edge's ranges"

    try:
        seen = await here.until(all_inside, limit_s=DNS_LIMIT_S, waiting_for="every server to lead to the edge")
    except NoVerdict as late:
        raise LayerFailed(
            late.sentence + ": some answers lead past the edge or nowhere",
            fix="dig NAME @SERVER; a cached answer lives for its TTL.",
            source="DNS",
        ) from late
    return Observation.passed(expected="answers inside the edge's ranges", observed=str(seen), source="DNS A, AAAA")


async def _addresses(here: Here, name: str, server: Resolver) -> tuple[str, ...]:
    return await here.estate.names.addresses(name, server.address, server.port)


def _inside(addresses: tuple[str, ...], ranges: tuple[Any, ...]) -> bool:
    return bool(addresses) and all(any(ipaddress.ip_address(a) in network for network in ranges) for a in addresses)


async def visit(here: Here, hostname: str, path: str) -> WebAnswer:
    """As a visitor comes: by the public name, at the address that DNS gives, TLS verified for the name."""
    settings = here.environment.connectivity
    addresses = await _addresses(here, hostname, settings.authoritative[0])
    if not addresses:
        raise LayerFailed(f"{hostname} has no address", fix="See connectivity.dns.", source="DNS")
    port = "" if settings.https_port == 443 else f":{settings.https_port}"
    return await here.estate.web.get(f"https://{hostname}{port}{path}", address=addresses[0])


async def public_page_is_ours(here: Here) -> Observation:
    """Certificate valid for the name, 200, through the edge (`cf-ray`), and our own commit in the answer."""
    image, settings = here.desk.need(ImageChosen), here.environment.connectivity
    faults, until = [], ""
    for hostname in settings.hostnames:
        answer = await visit(here, hostname.name, settings.public_path)
        commit = answer.headers.get("x-clinic-commit", "")
        if answer.status != 200 or "cf-ray" not in answer.headers or commit != image.commit:
            through = "through the edge" if "cf-ray" in answer.headers else "PAST the edge"
            faults.append(f"{hostname.name}: HTTP {answer.status}, {through}, commit {commit[:10] or 'not shown'}")
        until = iso(answer.certificate_until) if answer.certificate_until else "unknown"
    return Observation.that(
        not faults,
        expected=f"HTTP 200 through the edge, commit {image.commit[:10]}",
        observed="; ".join(faults) or f"HTTP 200 through the edge, our commit, certificate valid until {until}",
        source="HTTPS as a visitor",
        fix="Wait a minute for the edge, then try again; look at the record and at the service's domains.",
    )


async def waf_blocks(here: Here) -> Observation:
    """The canary path is blocked at the edge, an ordinary one is not."""
    settings = here.environment.connectivity
    hostname = settings.hostnames[0].name
    blocked = await visit(here, hostname, settings.canary_path)
    ordinary = await visit(here, hostname, settings.public_path)
    at_edge = blocked.status == 403 and "cf-ray" in blocked.headers
    return Observation.that(
        at_edge and ordinary.status == 200,
        expected=f"{settings.canary_path}: 403 at the edge; {settings.public_path}: 200",
        observed=f"{settings.canary_path}: {blocked.status}; {settings.public_path}: {ordinary.status}",
        source="HTTPS as a visitor",
        fix="The protection is not in front: close the doors again (go back to connectivity.waf).",
    )


CONNECTIVITY: Stage[Here] = Stage(
    number=5,
    id="connectivity",
    title="Connectivity",
    clause="3.5",
    touches="the firewall rules first, then the public names: the platform goes back on the Internet",
    heartbeat=public_page_is_ours,
    at_opening=(decrypts,),
    steps=(
        Check(
            id="connectivity.still-holds",
            title="Everything below still holds, now",
            why="No half-restored clinical system goes on the Internet.",
            manual="repeat the last check of each stage",
            look=everything_holds,
            attestable=False,
        ),
        Check(
            id="connectivity.zone",
            title="The zone is active and not paused",
            why="A paused zone answers without firewall and certificate.",
            manual="Cloudflare dashboard → Overview",
            look=doors.zone_is_active,
        ),
        Action(
            id="connectivity.waf",
            title="The firewall is on before the doors open",
            why="A restored platform is most interesting to attackers in its first hour.",
            manual="Cloudflare dashboard → Security → WAF → Managed rules",
            find=doors.waf_already_on,
            preview=doors.show_waf,
            perform=doors.put_waf_right,
            repeat=Repeat.ONCE,
        ),
        Action(
            id="connectivity.records",
            title="Route the public names to the restored application",
            why="This is the moment at which patients and staff can come back.",
            manual="Cloudflare dashboard → DNS → Records: proxied",
            find=doors.records_already_right,
            preview=doors.show_records,
            perform=doors.set_records,
            repeat=Repeat.ONCE,
            undo=doors.close_door,
        ),
        Check(
            id="connectivity.dns",
            title="The names lead to the edge, everywhere",
            why="A name that leads past the edge leads past the firewall.",
            manual="dig NAME @AUTHORITATIVE; dig NAME @1.1.1.1",
            look=names_lead_to_the_edge,
            timeout=DNS_LIMIT_S + 60,
        ),
        Check(
            id="connectivity.https",
            title="A visitor gets our page, over a valid certificate",
            why="It is what everybody else will see.",
            manual="curl -sI https://NAME/ | grep -i -e cf-ray -e ^HTTP",
            look=public_page_is_ours,
            after=("connectivity.dns",),
        ),
        Check(
            id="connectivity.waf-live",
            title="The firewall blocks, live",
            why="A rule that is configured and does not act protects nobody.",
            manual="curl -s -o /dev/null -w '%{http_code}' https://NAME/__waf-canary → 403",
            look=waf_blocks,
            after=("connectivity.dns",),
            lasting=Lasting.STANDING,
        ),
    ),
)
