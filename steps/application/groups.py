"""Where the application is told what to use: every consumer's group, pointed at the restored layers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from typing import Any, Final

from runbook.config.application import Consumer
from runbook.engine.errors import LayerFailed, Refused
from runbook.engine.ports import Change, Preview, Secret
from runbook.engine.run import LedgerEntry
from runbook.engine.verdict import Observation
from steps.application.addresses import Place, Unusable, led_to, on_this_machine, passwords, place_of, web_address
from steps.application.allowance import CHANGED_GROUP, shortage
from steps.application.guarding import GUARDED
from steps.application.secret_groups import (
    READ,
    Former,
    GroupChange,
    calls,
    just_read,
    make,
    merged,
    put_back,
    read,
)
from steps.facts import InstanceReady
from steps.here import Here
from steps.many import listed
from steps.patience import patient

POINTED = "every secret group names the restored database and vault"
KIND: Final = "northflank:secret-group"


def known_as(here: Here, consumer: Consumer) -> str:
    """The `application_name` under which the restored database sees this consumer."""
    return f"{here.run.id}/{consumer.name}" if consumer.name else here.run.id


@patient
async def already_pointed(here: Here) -> Observation | None:
    """Every group says it already."""
    changes = _changes(here, await read(here, _groups(here)))
    return None if any(change.differing for change in changes) else _pointed(here, changes, "found so")


@patient
async def show_config(here: Here) -> Preview:
    """One diff over all groups, users and passwords left out."""
    changes = _changes(here, await just_read(here, _groups(here)))
    due = [change.group for change in changes if change.differing]
    return Preview(
        what=f"Point the application at the restored layers: {listed(due)}{shortage(here, CHANGED_GROUP * len(due))}",
        target=here.environment.application.project,
        calls=calls(here, changes),
        changes=merged(line for change in changes for line in _diff(change)),
    )


@patient
async def point(here: Here) -> Observation:
    """One PATCH for each group that differs, each read back."""
    changes = _changes(here, await read(here, _groups(here)))
    await make(here, KIND, changes)
    return _pointed(here, changes, "set and read back")


def _pointed(here: Here, changes: tuple[GroupChange, ...], how: str) -> Observation:
    ready = here.desk.need(InstanceReady)
    return Observation.passed(
        expected=POINTED,
        observed=f"{listed([change.group for change in changes])}: database {ready.host}:{ready.port} "
        f"as {here.run.id}, vault {here.environment.vault.address}: {how}",
        source=READ,
    )


# -- what is to be ------------------------------------------------------------------------------------------------
def astray(here: Here, held: Mapping[str, Mapping[str, Secret]]) -> list[str]:
    """The variables, as GROUP/NAME, by which a group as it is read leads elsewhere."""
    return [f"{change.group}/{name}" for change in _changes(here, held) for name in change.differing]


def _groups(here: Here) -> list[str]:
    return list(dict.fromkeys(consumer.secret_group for consumer in here.environment.application.consumers))


def _changes(here: Here, held: Mapping[str, Mapping[str, Secret]]) -> tuple[GroupChange, ...]:
    consumers = here.environment.application.consumers
    return tuple(
        _change(here, group, held[group], [consumer for consumer in consumers if consumer.secret_group == group])
        for group in _groups(here)
    )


def _change(here: Here, group: str, held: Mapping[str, Secret], consumers: list[Consumer]) -> GroupChange:
    """Of all consumers that share the group."""
    wanted: dict[str, Secret] = {}
    former: dict[str, Any] = {}
    for consumer in consumers:
        if name := consumer.database_variable:
            wanted[name], former[name] = _database(here, consumer, f"{group}/{name}", held.get(name))
        if name := consumer.vault_variable:
            wanted[name], former[name] = Secret(here.environment.vault.address), _vault(f"{group}/{name}", held, name)
    return GroupChange(group, held, wanted, former)


def _database(here: Here, consumer: Consumer, where: str, url: Secret | None) -> tuple[Secret, dict[str, str]]:
    """Its URL led to the restored instance, and where it leads now."""
    if url is None:
        raise LayerFailed(
            f"{where} is not there", fix="Check secret_group and database_variable in the configuration.", source=READ
        )
    ready = here.desk.need(InstanceReady)
    with _named(where):
        was = place_of(url.reveal())
        aim = Place(f"{ready.host}:{ready.port}", _hostaddr(here, was), known_as(here, consumer))
        led = Secret(led_to(url.reveal(), aim))
        guard(here, url, led)
    return led, asdict(was)


def _hostaddr(here: Here, was: Place) -> str:
    """A client that needs no address beside the name gets none, and one that runs elsewhere no tunnel's end of here."""
    ours = here.environment.database.hostaddr or ""
    fits = was.hostaddr and (on_this_machine(was.hostaddr) or not on_this_machine(ours))
    return ours if fits else ""


def _vault(where: str, held: Mapping[str, Secret], name: str) -> str | None:
    if name not in held:
        return None
    with _named(where):
        return web_address(held[name].reveal())


@contextmanager
def _named(where: str) -> Iterator[None]:
    """Says of which variable it is that an address cannot be used."""
    try:
        yield
    except Unusable as why:
        raise LayerFailed(
            f"{where} {why}",
            fix=f"Look at {where} in Northflank → Secrets, and at its name in the configuration.",
            source=READ,
        ) from None


def guard(here: Here, *urls: Secret) -> None:
    """The URLs, and their passwords alone, are masked wherever they should turn up; Unusable as `passwords` is."""
    for url in urls:
        here.held.guard(url)
    for password in {each for url in urls for each in passwords(url.reveal())}:
        if len(password) >= GUARDED:
            here.held.guard(Secret(password))


# -- shown --------------------------------------------------------------------------------------------------------
def _diff(change: GroupChange) -> Iterator[Change]:
    for name in change.differing:
        where, was, value = f"{change.group}/{name}", change.former[name], change.wanted[name].reveal()
        if isinstance(was, Mapping):
            yield from _led(where, Place(**was), place_of(value))
        else:
            yield Change(where, "not there" if was is None else was, value)


def _led(where: str, was: Place, aim: Place) -> Iterator[Change]:
    """The parts of a database URL that change, each by itself: the rest of it is not touched, and not shown."""
    if was.at != aim.at:
        yield Change(where, was.at, aim.at)
    if was.hostaddr != aim.hostaddr:
        yield Change(f"{where} hostaddr", was.hostaddr or "none", aim.hostaddr or "none")
    if was.application_name != aim.application_name:
        yield Change(f"{where} application_name", was.application_name or "none", aim.application_name)


# -- back again ---------------------------------------------------------------------------------------------------
async def point_back(here: Here, entry: LedgerEntry) -> Observation:
    """Cleanup: the places that were there before; user, password and everything else were never changed.

    In a recovery what was lost is nothing to go back to.
    """
    if here.recovering:
        raise Refused(f"{entry.id} serves production now: a recovery leaves it on the restored layers")

    def former(held: Mapping[str, Secret]) -> Former:
        group = str(entry.detail["group"])
        return {name: _former(group, held, name, was) for name, was in entry.detail["former"].items()}

    return await patient(lambda here: put_back(here, entry, former))(here)


def _former(group: str, held: Mapping[str, Secret], name: str, was: Any) -> Secret | None:
    """The value as it was; a database URL is led back from what is there now, since its password is kept nowhere."""
    if not isinstance(was, Mapping):
        return None if was is None else Secret(str(was))
    where = f"{group}/{name}"
    if name not in held:
        place = Place(**was).words
        raise LayerFailed(f"{where} is gone", fix=f"Set it by hand: it led to {place}.", source=READ)
    with _named(where):
        return Secret(led_to(held[name].reveal(), Place(**was)))
