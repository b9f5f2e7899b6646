"""What the application would send to others is switched off before it is started in a drill."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Final

from runbook.config.application import Switch
from runbook.engine.errors import LayerFailed
from runbook.engine.ports import Change, Preview, Secret
from runbook.engine.run import LedgerEntry
from runbook.engine.verdict import Observation
from steps.application import groups
from steps.application.allowance import CHANGED_GROUP, shortage
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
from steps.here import Here
from steps.many import listed
from steps.patience import patient

SILENT = "everything by which the application acts on others is off"
KIND: Final = "northflank:outbound-switches"
_WORD: Final = re.compile(  # all that a switch says; anything else may be a secret, however short it is
    r"(?:on|off|true|false|yes|no|enabled|disabled|none|live|test|[0-9]{1,4})?", re.IGNORECASE | re.ASCII
)
_DECLARE: Final = (
    "List each switch under [[application.outbound]], or declare outbound = "
    '"none" with outbound_reason: why nothing goes out.'
)


@patient
async def already_quiet(here: Here) -> Observation | None:
    """A recovery is meant to act on others; nothing may go out; or every switch is off."""
    if here.recovering:
        return Observation.not_needed("a recovered application is meant to send mail, SMS and webhooks")
    if here.environment.application.outbound == "none":
        return Observation.not_needed(f'declared: outbound = "none", {_reason(here)}', source="configuration")
    changes = _changes(here, await read(here, _groups(here)))
    return None if any(change.differing for change in changes) else _quiet(changes, "found so")


@patient
async def show_quiet(here: Here) -> Preview:
    """Each switch that is not off; its words are shown, since they are no secret."""
    changes = _changes(here, await just_read(here, _groups(here)))
    lines = [line for change in changes for line in _diff(change)]
    needed = CHANGED_GROUP * sum(bool(change.differing) for change in changes)
    return Preview(
        what=f"Switch off what the application would send to others: {listed([line.name for line in lines])}"
        + shortage(here, needed),
        target=here.environment.application.project,
        calls=calls(here, changes),
        changes=merged(lines),
    )


@patient
async def make_quiet(here: Here) -> Observation:
    """One PATCH for each group that differs, each read back."""
    changes = _changes(here, await read(here, _groups(here)))
    await make(here, KIND, changes)
    return _quiet(changes, "set and read back")


def on(here: Here, held: Mapping[str, Mapping[str, Secret]]) -> list[str]:
    """The switches, as GROUP/NAME, that are not off in the groups as they are read; none where they need not be."""
    if here.recovering or here.environment.application.outbound == "none":
        return []
    return [f"{change.group}/{name}" for change in _changes(here, held) for name in change.differing]


def _reason(here: Here) -> str:
    reason = here.environment.application.outbound_reason.strip()
    if not reason:
        raise LayerFailed(
            'outbound = "none" is declared without a reason', fix=f"Say why. {_DECLARE}", source="configuration"
        )
    return reason


def _switches(here: Here) -> tuple[Switch, ...]:
    outbound = here.environment.application.outbound
    if outbound == "none" or not outbound:
        raise LayerFailed(
            "no outbound switch is configured: what the application sends in a drill is not known",
            fix=_DECLARE,
            source="configuration",
        )
    return outbound


def _groups(here: Here) -> list[str]:
    return list(dict.fromkeys(switch.secret_group for switch in _switches(here)))


def _changes(here: Here, held: Mapping[str, Mapping[str, Secret]]) -> tuple[GroupChange, ...]:
    switches = _switches(here)
    return tuple(
        _change(group, held[group], [switch for switch in switches if switch.secret_group == group])
        for group in _groups(here)
    )


def _change(group: str, held: Mapping[str, Secret], switches: list[Switch]) -> GroupChange:
    wanted = {switch.variable: Secret(switch.off) for switch in switches}
    return GroupChange(group, held, wanted, {name: _word(group, name, held, off) for name, off in wanted.items()})


def _word(group: str, name: str, held: Mapping[str, Secret], off: Secret) -> str | None:
    """What it says now, None where it is not there; LayerFailed, without the value, for what is no flag."""
    value = held.get(name)
    if value is None:
        return None
    if value != off and not _WORD.fullmatch(value.reveal()):
        raise LayerFailed(
            f"{group}/{name} holds something that is no switch",
            fix="Check the variable's name under [[application.outbound]]; what it holds is not shown.",
            source=READ,
        )
    return value.reveal()


def _diff(change: GroupChange) -> Iterator[Change]:
    for name in change.differing:
        was = change.former[name]
        yield Change(f"{change.group}/{name}", "not there" if was is None else was, change.wanted[name].reveal())


def _quiet(changes: tuple[GroupChange, ...], how: str) -> Observation:
    names = [f"{change.group}/{name}" for change in changes for name in change.wanted]
    return Observation.passed(
        expected=SILENT,
        observed=f"{len(names)} off: {listed(names)}: {how}",
        source=READ,
    )


def _leading(here: Here, group: str) -> list[str]:
    """The groups of this run that are not pointed back: this one, or any where this one points nothing itself."""
    entries = [entry for entry in here.run.open_ledger if entry.kind == groups.KIND]
    pointed = {str(entry.detail["group"]) for entry in entries}
    itself = any(consumer.secret_group == group for consumer in here.environment.application.consumers)
    return sorted(pointed & {group} if itself else pointed)


async def switch_back(here: Here, entry: LedgerEntry) -> Observation:
    """Cleanup: the words that were there before, once no group leads what they switch to the copy any more."""
    if leading := _leading(here, str(entry.detail["group"])):
        raise LayerFailed(
            f"stays off: {listed(leading)} still {'leads' if len(leading) == 1 else 'lead'} to the copy",
            fix="Point it back first, then look again: on now, it would act on real people from a copy of their data.",
            source="the ledger",
        )

    def former(_held: Mapping[str, Secret]) -> Former:
        return {name: None if was is None else Secret(str(was)) for name, was in entry.detail["former"].items()}

    return await patient(lambda here: put_back(here, entry, former))(here)
