"""This machine: it can keep the record, needs nothing that lies behind what it restores, and its clock is right."""

from __future__ import annotations

from urllib.parse import urlsplit

from runbook.engine.verdict import Finding, Observation
from steps.facts import ClockOffset
from steps.findings import reminder
from steps.here import Here


async def tool_is_ready(here: Here) -> Observation:
    """The records can be written, there is room, and it is known where secrets come from."""
    state = await here.house.state()
    room = state.free_bytes >= here.policy.free_space_floor
    seen = f"records folder {'writable' if state.writable else 'NOT writable'}, {state.free_bytes >> 20:,} MiB free"
    shown = f"; set in the environment and not used: {', '.join(state.environment)}" if state.environment else ""
    behind = _behind_what_is_restored(here)
    circle = f"; {', '.join(behind)} only answers once stage 5 is done" if behind else ""
    left = f"; {reminder(here)}" if reminder(here) else ""
    return Observation.that(
        state.writable and room and not behind,
        expected=f"the records folder takes a file and has {here.policy.free_space_floor >> 20} MiB free; nothing that "
        "this tool needs lies behind a layer that it restores",
        observed=f"{seen}; secrets from {state.credentials}{shown}{circle}{left}",
        source="write-and-delete probe; host names in the configuration",
        fix="Give it an address that does not lead through the platform's own public names."
        if behind
        else "Choose a folder that you can write to (--home), or free space on this disk.",
    )


def _behind_what_is_restored(here: Here) -> list[str]:
    """Hosts that this tool calls before stage 5 and that are public names of the platform: a circle."""
    settings, application = here.environment, here.environment.application
    public = {hostname.name.rstrip(".").lower() for hostname in settings.connectivity.hostnames}
    needed = (
        settings.aws.endpoint,
        settings.vault.address,
        application.platform,
        application.github,
        application.registry,
        settings.connectivity.cloudflare,
    )
    hosts = {(urlsplit(url).hostname or "").lower() for url in needed if url}
    return sorted(hosts & public)


async def clock_agrees(here: Here) -> Observation:
    """SigV4 signatures and one-time codes fail on a wrong clock, and every age in the record would be wrong."""
    offset = await here.estate.account.clock_offset()
    good, limit = here.policy.clock_good_s, here.policy.clock_limit_s
    off = Finding(f"this machine's clock is {abs(offset):.0f} s {'ahead' if offset > 0 else 'behind'}")
    return Observation.that(
        abs(offset) <= limit,
        expected=f"within {good:.0f} s of the provider's clock",
        observed=f"{abs(offset):.1f} s {'ahead of' if offset > 0 else 'behind'} the provider",
        source="sts:GetCallerIdentity, HTTP Date",
        fix="Set this machine's clock (turn on network time), then try again.",
        findings=() if abs(offset) <= good else (off,),
        facts=(ClockOffset(round(offset * 1000)),),
    )
