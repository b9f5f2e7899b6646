"""What the services are told is as this run set it: looked at right before they are started, and once after."""

from __future__ import annotations

from runbook.engine.errors import LayerFailed
from steps.application import groups, quiet
from steps.application.secret_groups import READ, read
from steps.here import Here
from steps.many import listed


async def still_told(here: Here) -> None:
    """LayerFailed where a switch is on, or a group leads elsewhere; one read of each group."""
    held = await read(here, here.environment.application.secret_groups)
    _unchanged(quiet.on(here, held), "application.quiet")
    _unchanged(groups.astray(here, held), "application.config")


def _unchanged(names: list[str], step: str) -> None:
    if names:
        raise LayerFailed(
            f"{listed(names)} changed since; go back to {step}",
            fix=f"Find out who changed it; then go back to {step}, after which every service is started anew.",
            source=READ,
        )
