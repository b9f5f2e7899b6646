"""The zone as the provider shows it now."""

from __future__ import annotations

from runbook.engine.errors import LayerFailed
from runbook.estate.ports import Zone
from steps.here import Here


async def zone_seen(here: Here) -> Zone:
    """LayerFailed where it is not visible."""
    name = here.environment.connectivity.zone
    zone = await here.estate.edge.zone(name)
    if zone is None:
        raise LayerFailed(
            f"the zone {name} is not visible",
            fix="Compare the zone's name, and whether the token is for its account.",
            source="cloudflare: GET /zones",
        )
    return zone
