"""The zone in front of the application: active, delegated to the edge, with the settings that were agreed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from runbook.engine.errors import NoVerdict
from runbook.engine.verdict import Finding, Observation
from runbook.estate.ports import Zone
from steps.connectivity.resolving import Server, resolvers
from steps.connectivity.unrouted import only_read, routes
from steps.connectivity.zone_seen import zone_seen
from steps.facts import ZoneKnown
from steps.here import Here
from steps.many import listed, side_by_side
from steps.patience import patient

_EXPECTED: Final = "active, not paused, delegated to the edge's name servers"
_SOURCE: Final = "cloudflare: GET /zones?name=; DNS NS"


# -- zone ---------------------------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class _Delegation:
    """Who is responsible for the zone by each resolver that answered, and the resolvers that did not."""

    wanted: tuple[str, ...]
    seen: Mapping[str, tuple[str, ...]]
    silent: tuple[str, ...]

    @property
    def wrong(self) -> str:
        """Which resolver says what else, or ""."""
        others = {label: names for label, names in self.seen.items() if names != self.wanted}
        if not self.wanted or not others:
            return ""
        label, names = next(iter(others.items()))
        return f"delegated to {', '.join(names) or 'nobody'} by {label}, not to {', '.join(self.wanted)}"

    @property
    def words(self) -> str:
        """What is right about it."""
        if not self.wanted:
            return "the provider names no name servers, so the delegation was not compared"
        silent = f" ({listed(self.silent)} did not answer)" if self.silent else ""
        return f"delegated to {', '.join(self.wanted)} by {listed(tuple(self.seen))}{silent}"


async def _delegation(here: Here, zone: Zone) -> _Delegation:
    async def ask(server: Server) -> tuple[str, ...] | None:
        try:
            return _plain(await here.estate.names.name_servers(zone.name, server.address, server.port))
        except NoVerdict:
            return None

    servers = resolvers(here)
    said = await side_by_side(here, servers, ask, doing="who the zone is delegated to", named=lambda one: one.label)
    seen = {server.label: names for server, names in zip(servers, said, strict=True) if names is not None}
    silent = tuple(server.label for server in servers if server.label not in seen)
    return _Delegation(_plain(zone.name_servers), seen, silent)


def _plain(names: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(sorted(name.rstrip(".").lower() for name in names))


@patient
async def zone_is_ready(here: Here) -> Observation:
    """Active, not paused (a paused zone answers without firewall and certificate), and delegated to the edge."""
    zone = await zone_seen(here)
    delegation = await _delegation(here, zone)
    wrong = _wrong(zone, delegation)
    if not wrong and delegation.wanted and not delegation.seen:
        raise NoVerdict(
            f"no resolver ({listed(delegation.silent)}) said who {zone.name} is delegated to",
            fix="Check this machine's network (port 53 open?) and connectivity.resolvers in runbook.toml.",
            source="DNS NS",
        )
    said = "; ".join(wrong.values()) or f"active, not paused; {delegation.words}"
    facts = (ZoneKnown(zone.id, zone.name),)
    if not routes(here):
        findings = [Finding(f"{zone.name}: {words}", "major") for words in wrong.values()]
        return only_read(findings, expected=_EXPECTED, observed=said, source=_SOURCE, facts=facts)
    return Observation.that(
        not wrong,
        expected=_EXPECTED,
        observed=said,
        source=_SOURCE,
        fix=" ".join(_FIXES[what] for what in wrong),
        findings=_unnamed(zone),
        facts=facts,
    )


def _wrong(zone: Zone, delegation: _Delegation) -> dict[str, str]:
    """What is wrong, in words, by the key of its fix."""
    wrong = {}
    if zone.status != "active":
        wrong["status"] = f"status {zone.status}, not active"
    if zone.paused:
        wrong["paused"] = "PAUSED: names resolve, nothing is protected"
    if delegation.wrong:
        wrong["delegation"] = delegation.wrong
    return wrong


_FIXES: Final[Mapping[str, str]] = {
    "paused": "Paused: dashboard → Overview → Enable Cloudflare on this site (it takes up to 5 minutes).",
    "status": "Not active: set the registrar's name servers to those of the zone, then Overview → Check nameservers.",
    "delegation": "Set the registrar's name servers to those of the zone; resolvers may keep the old ones for a day.",
}


def _unnamed(zone: Zone) -> tuple[Finding, ...]:
    return () if zone.name_servers else (Finding(f"the provider names no name servers for {zone.name}"),)


# -- settings -----------------------------------------------------------------------------------------------------
@patient
async def settings_are_right(here: Here) -> Observation:
    """The security level exactly as configured; development mode off."""
    zone, wanted = here.desk.need(ZoneKnown), here.environment.connectivity.security_level
    seen = await here.estate.edge.settings(zone.id)
    wrong, fixes = [], []
    if seen.security_level != wanted:
        wrong.append(f"security level {seen.security_level}, not {wanted}")
        fixes.append(f"Security → Settings → Security level: {wanted} (or change it in runbook.toml).")
    if seen.development_mode:
        wrong.append("development mode ON: the cache is bypassed")
        fixes.append("Caching → Configuration → Development mode: off.")
    said = "; ".join(wrong) or f"security level {wanted}, development mode off"
    expected, source = f"security level {wanted}, development mode off", "cloudflare: GET settings"
    if not routes(here):
        findings = [Finding(f"{zone.name}: {words}") for words in wrong]
        return only_read(findings, expected=expected, observed=said, source=source)
    return Observation.that(not wrong, expected=expected, observed=said, source=source, fix=" ".join(fixes))


# -- heartbeat of a run without names -----------------------------------------------------------------------------
@patient
async def zone_answers(here: Here) -> Observation:
    """The zone can be read; what is not right in it is a finding of `connectivity.zone`, not of this run."""
    zone = await zone_seen(here)
    return Observation.passed(
        expected=f"the zone {zone.name} can be read",
        observed=f"{zone.status}{', PAUSED' if zone.paused else ''}",
        source="cloudflare: GET /zones?name=",
    )
