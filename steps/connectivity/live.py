"""The firewall seen to act: what it must block is blocked at the edge, and nothing else is."""

from __future__ import annotations

from typing import Final

from runbook.config import Hostname
from runbook.engine.errors import LayerFailed, NoVerdict
from runbook.engine.verdict import Observation
from runbook.estate.ports import WebAnswer
from steps.connectivity.resolving import Sweep
from steps.connectivity.unrouted import not_exercised, routes
from steps.connectivity.visitors import at_edge, challenged, commit_of, from_application, visit
from steps.connectivity.waf import protection_is_on
from steps.here import Here
from steps.many import listed, side_by_side

_ATTACK: Final = "?q=<script>alert(1)</script>"  # managed rules usually block it; no request is documented to be
_SOURCE: Final = "cloudflare: GET rulesets/phases/{phase}/entrypoint; HTTPS as a visitor"


async def waf_blocks(here: Here) -> Observation:
    """The rules are on; per name: the canary path 403 at the edge, an ordinary one 200; and what became of a request
    like an attack.  The managed rules are read again, since no request is documented to be blocked by them."""
    if not routes(here):
        return not_exercised(here, "that the firewall blocks, live; no request was sent through it")
    await protection_is_on(here)
    hostnames, path = here.environment.connectivity.hostnames, here.environment.connectivity.canary_path

    sweep = Sweep(here)

    async def look(hostname: Hostname) -> str:
        return await _protected(here, hostname, sweep)

    probed = await side_by_side(here, hostnames, look, doing="trying the firewall", named=lambda one: one.name)
    names = listed([hostname.name for hostname in hostnames])
    return Observation.passed(
        expected=f"the rules are on; {path}: 403 at the edge; an ordinary page: 200",
        observed=f"the rules are on; {names}: {path} 403 at the edge, the ordinary page 200; {_probe_words(probed)}",
        source=_SOURCE,
    )


async def _protected(here: Here, hostname: Hostname, sweep: Sweep) -> str:
    """What became of the probe of the managed rules; LayerFailed where the canary is not blocked as it must be."""
    path = here.environment.connectivity.canary_path
    blocked = await visit(here, hostname.name, path, sweep)
    if fault := _not_blocked(here, hostname, blocked):
        raise LayerFailed(
            f"{path}: {fault}",
            fix="The protection is not in front of the name: close the doors again, then go back to connectivity.waf.",
            source=_SOURCE,
        )
    ordinary = await visit(here, hostname.name, hostname.path, sweep)
    if ordinary.status != 200:
        raise LayerFailed(
            f"{hostname.path}: HTTP {ordinary.status}, so that {path} is blocked shows nothing",
            fix="Security → Events: which rule answered? A rule that is too wide keeps patients out.",
            source=_SOURCE,
        )
    return await _managed_probe(here, hostname, sweep)


def _not_blocked(here: Here, hostname: Hostname, answer: WebAnswer) -> str:
    """Why this is not the edge's own block, or "".

    A challenge is none: it shows that something else is in front, and hides whether our rule acts behind it.
    """
    if challenged(answer):
        return f"HTTP {answer.status}, a challenge (cf-mitigated), not a block: is the zone under attack mode?"
    if answer.status != 403:
        return f"HTTP {answer.status}, not blocked"
    if not at_edge(answer):
        return "HTTP 403, but PAST the edge (no cf-ray)"
    header = here.environment.connectivity.marker_header
    marked = bool(header and answer.headers.get(header.lower()))
    if marked or from_application(here, answer, (commit_of(here, hostname),)):
        return "HTTP 403 by the application itself: the edge let it through"
    return ""


async def _managed_probe(here: Here, hostname: Hostname, sweep: Sweep) -> str:
    """Said, never judged: whether a managed rule blocks a given request is not documented."""
    try:
        answer = await visit(here, hostname.name, f"{hostname.path}{_ATTACK}", sweep)
    except (LayerFailed, NoVerdict):
        return "with no answer"
    return "by a challenge" if challenged(answer) else f"HTTP {answer.status}"


def _probe_words(probed: list[str]) -> str:
    counts = {said: probed.count(said) for said in dict.fromkeys(probed)}
    of = len(probed)
    said = ", ".join(how if of == 1 else f"{how} ({times} of {of})" for how, times in counts.items())
    return f"a request that looks like an attack was answered {said} (for information)"
