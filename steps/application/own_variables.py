"""Variables of a service's own on the platform, which win over every secret group: where they lead."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from runbook.config.application import Service
from runbook.engine.errors import HardStop, LayerFailed, NoVerdict, RunbookError
from runbook.engine.ports import Secret
from runbook.estate.ports import Database
from steps.application.addresses import Place, Unusable, place_of, web_address
from steps.application.connections import production_database
from steps.application.groups import guard
from steps.database.access import copy
from steps.facts import InstanceReady
from steps.here import Here
from steps.many import side_by_side, told

_READ: Final = "northflank: GET service, runtimeEnvironment"
_WHERE: Final = "Northflank console → the service → Environment"

End = tuple[str, int]
"""Where a connection ends: a host in small letters, or an address; and its port."""


@dataclass(frozen=True, slots=True)
class _Own:
    service: str
    variable: str
    value: Secret

    def words(self, leads: str) -> str:
        """As a sentence: nothing of its value but the place."""
        return f"{self.service} has a {self.variable} of its own, which wins over the secret group: it {leads}"


@dataclass(frozen=True, slots=True)
class _Ends:
    """What is known of the two databases; `through` are addresses by which the restored one is reached."""

    production_host: str
    production: End | None
    restored: frozenset[End]
    through: frozenset[str]

    def harmful(self, place: Place) -> bool:
        """Whether production's database is at that place, by its name or by its address."""
        return place.host == self.production_host or self.production in _ends(place)

    def right(self, place: Place) -> bool:
        """Whether the restored one is, and nothing leads there on another way."""
        return (place.host, place.port) in self.restored and place.hostaddr in self.through


def _ends(place: Place) -> set[End]:
    return {(host, place.port) for host in (place.host, place.hostaddr) if host}


async def lead_to_the_restored_layers(here: Here) -> None:
    """HardStop where one leads to production's database; LayerFailed where one leads anywhere else than it should."""
    owned, unasked = await _owned(here)
    named = here.environment.application.consumers
    databases = [one for one in owned if one.variable in {each.database_variable for each in named}]
    vaults = [one for one in owned if one.variable in {each.vault_variable for each in named}]
    astray = _databases_astray(here, databases, await _known_ends(here)) if databases else []
    astray += [one.words(leads) for one in vaults if (leads := _vault_astray(here, one.value))]
    if astray:
        raise LayerFailed(
            told(astray, of=1), fix=f"Take it out: {_WHERE}; then go back to application.deploy.", source=_READ
        )
    if unasked:
        raise unasked


async def _owned(here: Here) -> tuple[list[_Own], RunbookError | None]:
    """All of every service that could be asked, and why others could not: what is known is judged first."""
    application, owned = here.environment.application, list[_Own]()

    async def look(service: Service) -> None:
        found = await here.estate.platform.service(application.project, service.name)
        owned.extend(_Own(service.name, *each) for each in (found.own.items() if found else ()))

    try:
        await side_by_side(here, application.services, look, doing="looking for own variables", named=lambda s: s.name)
    except (NoVerdict, LayerFailed) as trouble:
        return owned, trouble
    return owned, None


# -- databases ----------------------------------------------------------------------------------------------------
def _databases_astray(here: Here, owned: list[_Own], ends: _Ends) -> list[str]:
    """What is said of those that lead elsewhere; HardStop for those that lead to production, or name it in any form."""
    harmful, astray = list[str](), list[str]()
    for one in owned:
        try:
            place = place_of(one.value.reveal())
            guard(here, one.value)
        except Unusable as why:
            here.held.guard(one.value)
            named = ends.production_host in one.value.reveal().lower()
            (harmful if named else astray).append(one.words("names production's database" if named else str(why)))
            continue
        if ends.harmful(place):
            harmful.append(one.words("leads to production's database"))
        elif not ends.right(place):
            by = f" by {place.hostaddr}" if place.hostaddr else ""
            astray.append(one.words(f"leads to {place.at}{by}, not to the restored database"))
    if harmful:
        raise HardStop(
            told(harmful, of=1), fix=f"Stop these services now; then take the variable out: {_WHERE}.", source=_READ
        )
    return astray


async def _known_ends(here: Here) -> _Ends:
    settings, ready = here.environment.database, here.desk.need(InstanceReady)
    restored = await _address(copy(here))
    try:
        production, _ = await production_database(here)
    except (NoVerdict, LayerFailed):
        production = None
    return _Ends(
        settings.source_host.lower(),
        await _address(production),
        frozenset({(ready.host.lower(), ready.port)} | ({restored} if restored else set())),
        frozenset({"", settings.hostaddr or "", restored[0] if restored else ""}),
    )


async def _address(database: Database | None) -> End | None:
    """Of the server itself, as it says; None where it cannot be asked."""
    try:
        where = await database.whereabouts() if database else None
    except (NoVerdict, LayerFailed):
        return None
    return (where.address, where.port) if where else None


# -- vaults -------------------------------------------------------------------------------------------------------
def _vault_astray(here: Here, value: Secret) -> str:
    """Where it leads instead of to the restored vault, or ""."""
    try:
        address = web_address(value.reveal())
    except Unusable as why:
        return str(why)
    right = address.rstrip("/") == here.environment.vault.address.rstrip("/")
    return "" if right else f"leads to {address or 'nothing'}, not to the restored vault"
