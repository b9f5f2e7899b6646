"""What a visitor gets: the public name at the address that DNS gives, TLS verified for the name."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import timedelta
from typing import Final
from urllib.parse import urlsplit

from runbook.config import Hostname
from runbook.engine.errors import LayerFailed, NoVerdict
from runbook.engine.verdict import Finding, Observation
from runbook.estate.ports import WebAnswer
from steps.application.chosen import image_for
from steps.connectivity.resolving import Sweep
from steps.connectivity.unrouted import not_exercised, routes
from steps.connectivity.waf import protection_is_on
from steps.connectivity.zone import zone_answers
from steps.here import Here, iso
from steps.many import listed, side_by_side

_CERTIFICATE_LEFT: Final = timedelta(days=14)
_DIGITS: Final = 12  # of a commit: fewer may be another's too
_SOURCE: Final = "HTTPS as a visitor"
REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})


async def visit(here: Here, hostname: str, path: str, sweep: Sweep) -> WebAnswer:
    """As a visitor comes; a certificate not for the name, or not to be trusted, is a LayerFailed that says so."""
    settings = here.environment.connectivity
    address = await sweep.public_address(hostname)
    port = "" if settings.https_port == 443 else f":{settings.https_port}"
    return await here.estate.web.get(f"https://{hostname}{port}{path}", address=address)


# -- what an answer says ------------------------------------------------------------------------------------------
def at_edge(answer: WebAnswer) -> bool:
    """Whether it came through the edge."""
    return "cf-ray" in answer.headers


def challenged(answer: WebAnswer) -> bool:
    """Whether the edge asks the visitor to prove that they are a person; a block does not say that."""
    return answer.headers.get("cf-mitigated", "").lower() == "challenge"


def from_application(here: Here, answer: WebAnswer, commits: Sequence[str]) -> bool:
    """Whether it carries the marker of any of these commits: the whole commit, or its first 12 digits or more."""
    header = here.environment.connectivity.marker_header
    if header is None:
        return any(commit[:_DIGITS].encode() in answer.body for commit in commits if commit)
    shown = answer.headers.get(header.lower(), "").strip().lower()
    wanted = [commit.lower() for commit in commits if commit]
    return shown in wanted or (len(shown) >= _DIGITS and any(commit.startswith(shown) for commit in wanted))


def commit_of(here: Here, hostname: Hostname) -> str:
    """What the name's service runs; NoVerdict where the image that was chosen names no commit."""
    image = image_for(here, hostname.service)
    if not image.commit:
        raise NoVerdict(
            f"the image {image.ref} names no commit: whether {hostname.name} is answered by it could not be told",
            fix="Build the image with the label org.opencontainers.image.revision.",
            source="application.choose",
        )
    return image.commit


# -- the public pages ---------------------------------------------------------------------------------------------
async def public_pages_are_ours(here: Here) -> Observation:
    """Certificate valid for the name, 200, through the edge (`cf-ray`), and our own commit in the answer."""
    if not routes(here):
        return not_exercised(here, "certificate, edge and page as a visitor sees them; no public name was visited")
    return await _visited(here, doing="visiting")


async def public_probe(here: Here) -> Observation:
    """Heartbeat, which shows no progress: the firewall is on and the public pages are ours; without public names, that
    the zone can be read."""
    if not routes(here):
        return await zone_answers(here)
    await protection_is_on(here)
    return await _visited(here, doing="")


async def _visited(here: Here, *, doing: str) -> Observation:
    sweep = Sweep(here)

    async def look(hostname: Hostname) -> WebAnswer:
        answer = await visit(here, hostname.name, hostname.path, sweep)
        _judge(here, answer, commit_of(here, hostname))
        return answer

    hostnames = here.environment.connectivity.hostnames
    answers = await side_by_side(here, hostnames, look, doing=doing, named=lambda hostname: hostname.name)
    ends = [answer.certificate_until for answer in answers if answer.certificate_until is not None]
    first = f"certificates valid until {iso(min(ends))}" if ends else "the certificates' end is not known"
    names = [hostname.name for hostname in hostnames]
    return Observation.passed(
        expected="a valid certificate, HTTP 200 through the edge, our commit",
        observed=f"{listed(names)}: HTTP 200 through the edge, our commit, {first}",
        source=_SOURCE,
        findings=_ending(here, names, answers),
    )


def _judge(here: Here, answer: WebAnswer, commit: str) -> None:
    if answer.status in REDIRECTS:
        raise _redirected(answer)
    faults = []
    if answer.status != 200:
        faults.append(f"HTTP {answer.status}" + (", a challenge to prove being a person" if challenged(answer) else ""))
    if not at_edge(answer):
        faults.append("PAST the edge (no cf-ray)")
    if not from_application(here, answer, (commit,)):
        faults.append(f"{_marker(here, answer)}, not {commit[:_DIGITS]} (its first {_DIGITS} digits at least)")
    if faults:
        raise LayerFailed(
            ", ".join(faults),
            fix="Wait a minute for the edge, then try again; look at the record and at the service's own domains.",
            source=_SOURCE,
        )


def _marker(here: Here, answer: WebAnswer) -> str:
    header = here.environment.connectivity.marker_header
    if header is None:
        return "our commit is not in the page"
    return f"commit {answer.headers.get(header.lower(), '')[:_DIGITS] or 'not shown'}"


def _redirected(answer: WebAnswer) -> LayerFailed:
    """A visitor who is sent to http is sent past TLS; anywhere else is told, and is not our page either."""
    place = urlsplit(answer.headers.get("location", ""))
    what = f"HTTP {answer.status} to"
    if place.scheme == "http":
        return LayerFailed(
            f"{what} http://{place.netloc}{place.path}: visitors are sent away from TLS",
            fix="SSL/TLS → Edge Certificates → Always Use HTTPS; look for a redirect rule, and in the application.",
            source=_SOURCE,
        )
    where = place.hostname or place.path or "nowhere"
    return LayerFailed(
        f"{what} {where}: not an ordinary page",
        fix="Give the name a `path` that answers 200 (connectivity.hostnames), or find who redirects.",
        source=_SOURCE,
    )


def _ending(here: Here, names: Sequence[str], answers: Sequence[WebAnswer]) -> tuple[Finding, ...]:
    """Certificates that end soon, those of the same day together."""
    soon: dict[str, list[str]] = defaultdict(list)
    for name, answer in zip(names, answers, strict=True):
        until = answer.certificate_until
        if until is not None and until - here.now() <= _CERTIFICATE_LEFT:
            soon[iso(until)[:10]].append(name)
    return tuple(Finding(f"the certificate of {listed(some)} ends on {day}: renew it") for day, some in soon.items())
