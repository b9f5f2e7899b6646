"""Stage 4's vault side: the restored vault still knows the old database; its database engine is pointed at the copy."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from runbook.engine.errors import LayerFailed
from runbook.engine.ports import Change, Preview
from runbook.engine.verdict import Observation
from steps.application.addresses import Unusable, led_to, place_of
from steps.facts import InstanceReady
from steps.here import Here

LEADS = "the vault's database engine leads to the restored database"
_READ: Final = "vault: GET /v1/{mount}/config/{name}"


async def _url(here: Here) -> str:
    """As the vault has it; LayerFailed when the configured connection is not there, or is no URL that can be led."""
    settings = here.environment.vault
    url = await here.estate.vault.database_url(settings.database_mount or "", settings.database_connection)
    if url is None:
        raise LayerFailed(
            f"the vault's database engine {settings.database_mount} has no connection {settings.database_connection}",
            fix="Compare [vault] database_connection with `bao list DATABASE_MOUNT/config`.",
            source=_READ,
        )
    try:
        place_of(url)
    except Unusable as why:
        raise LayerFailed(
            f"the connection_url of {settings.database_mount}/config/{settings.database_connection} {why}",
            fix="Set it by hand as postgresql://{{username}}:{{password}}@HOST:PORT/NAME, then try again.",
            source=_READ,
        ) from None
    return url


def _wanted(here: Here, url: str) -> str:
    """The same URL, user templates and options included, at the restored instance."""
    ready = here.desk.need(InstanceReady)
    host = here.environment.vault.database_host or ready.host
    return led_to(url, replace(place_of(url), at=f"{host}:{ready.port}", hostaddr=""))


async def already_repointed(here: Here) -> Observation | None:
    """There is no database engine, or it leads to the copy."""
    if here.environment.vault.database_mount is None:
        return Observation.not_needed("the vault has no database engine")
    url = await _url(here)
    return _repointed(url, "found so") if url == _wanted(here, url) else None


async def show_repoint(here: Here) -> Preview:
    """The one setting."""
    settings, url = here.environment.vault, await _url(here)
    path = f"{settings.database_mount}/config/{settings.database_connection}"
    return Preview(
        what="Point the vault's database engine at the restored database: what it hands out would be for the old one",
        target=settings.address,
        calls=(f"POST {settings.address}/v1/{path}",),
        changes=(Change("connection_url", place_of(url).at, place_of(_wanted(here, url)).at),),
    )


async def repoint(here: Here) -> Observation:
    """The vault connects with it before it takes it; then it is read back."""
    settings, url = here.environment.vault, await _url(here)
    wanted = _wanted(here, url)
    permit = await here.desk.intend("vault:Repoint", settings.address)
    await here.estate.vault.repoint(permit, settings.database_mount or "", settings.database_connection, wanted)
    seen = await _url(here)
    if seen != wanted:
        raise LayerFailed(
            f"the connection is not as it was set: it leads to {place_of(seen).at}",
            fix="Set it by hand: bao write DATABASE_MOUNT/config/NAME connection_url=…",
            source="vault: POST, then GET /v1/{mount}/config/{name}",
        )
    return _repointed(seen, "set and read back")


def _repointed(url: str, how: str) -> Observation:
    return Observation.passed(
        expected=LEADS,
        observed=f"{place_of(url).at}: {how}",
        source=_READ,
    )
