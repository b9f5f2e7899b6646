"""Stage 3's proof of structure: what hashes of rows do not show (indexes, constraints, sequences and the rest)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Final

from runbook.config import Assertion
from runbook.engine.errors import LayerFailed
from runbook.engine.few import few
from runbook.engine.verdict import Finding, Observation
from runbook.estate.ports import Database, Reading
from steps.database.access import copy, owner
from steps.database.manifests import around
from steps.facts import SnapshotChosen
from steps.here import Here, count
from steps.ticking import Ticker

# What a restore cannot have done, or what does not make the copy unusable: told with its fix, and no more.  Whatever
# is found by any other look fails the layer.
_BESIDE: Final = {
    "disabled triggers": ("major", "Find out whether production meant it; ALTER TABLE … ENABLE TRIGGER."),
    "constraints not validated": ("minor", "ALTER TABLE … VALIDATE CONSTRAINT, in production too."),
    "unlogged tables": ("minor", "The application has to fill them again."),
    "collation versions": ("major", "REINDEX what is sorted by it, then ALTER DATABASE … REFRESH COLLATION VERSION."),
    "replication slots": ("minor", "Drop them in the copy: they keep its WAL for ever."),
    "subscriptions": ("major", "They would pull from production: database.quiet switches them off."),
    "prepared transactions": ("major", "They hold locks: COMMIT PREPARED or ROLLBACK PREPARED each of them."),
    "large objects": ("minor", "Compare them by hand if they matter: no manifest states their content."),
}
_SEQUENCES: Final = "sequences behind their columns"
_DAMAGED: Final = " is damaged"  # as the adapter says it of whatever it was reading, the catalogue itself among it
_CONTENT: Final = ("index", "heap")  # looks without which damage may go unseen
_SHOWN: Final = 6


# -- structure ----------------------------------------------------------------------------------------------------
async def structure_is_sound(here: Here) -> Observation:
    """As the copy's owner where this run has its password: the reader may not run every check."""
    ticker = Ticker(here.desk, "checking", unit="checked")
    readings, told = await _productions_own(here, await _read(here, ticker))
    practice = here.estate.account.loopback
    faults = [f"{each.name}: {few(wrong, _SHOWN)}" for each in readings if (wrong := _failing(each))]
    ran = [each for each in readings if not each.not_run]
    if not ran and not faults:
        return Observation.inconclusive(
            expected="every look at the structure made",
            observed=_not_run(readings) or "nothing was looked at",
            source="pg_catalog, amcheck",
            fix="Give the reader the rights that are named, in production, so that the next backup has them.",
        )
    return Observation.that(
        not faults,
        expected="nothing invalid, damaged, left behind or in the way",
        observed="; ".join(part for part in (*_seen(faults, readings), _not_run(readings)) if part),
        source="pg_catalog, amcheck",
        fix="Damage that is in the backup too calls for another recovery point (database.choose); a damaged index "
        "alone can be made again: REINDEX.",
        findings=(*told, *(finding for each in readings for finding in _beside(each, practice=practice))),
    )


async def _read(here: Here, ticker: Ticker) -> tuple[Reading, ...]:
    """As the owner, and what the owner may not read (RDS's master is no superuser) as the reader once more."""
    first = await ticker.beside((owner(here) or copy(here)).structure(ticker))
    if owner(here) is None or not any(each.not_run and not each.unavailable for each in first):
        return first
    second = {each.name: each for each in await ticker.beside(copy(here).structure(ticker))}
    return tuple(_better(each, second.get(each.name, each)) for each in first)


def _better(first: Reading, second: Reading) -> Reading:
    """The one that was run; whatever either of them found stays found."""
    if not first.not_run or (second.not_run and not second.found):
        return first
    return replace(second, found=(*first.found, *(line for line in second.found if line not in first.found)))


async def _productions_own(
    here: Here, readings: tuple[Reading, ...]
) -> tuple[tuple[Reading, ...], tuple[Finding, ...]]:
    """A sequence may be behind because somebody put a high number in by hand: then production states the same value."""
    behind = next((each for each in readings if each.name == _SEQUENCES and each.found), None)
    if behind is None or here.run.fact(SnapshotChosen) is None:
        return readings, ()
    near, now = await around(here), (await copy(here).catalogue()).sequences
    stated = [each.catalogue.sequences for each in near.stated] if not near.alone else []
    known = {name for name, value in now.items() if stated and all(each.get(name) == value for each in stated)}
    theirs = tuple(line for line in behind.found if line.partition(" ")[0] in known)
    ours = tuple(line for line in behind.found if line not in theirs)
    told = (Finding(f"as in production, by both manifests: {few(theirs, _SHOWN)}"),) if theirs else ()
    return tuple(replace(each, found=ours) if each is behind else each for each in readings), told


def _failing(reading: Reading) -> tuple[str, ...]:
    """What of it fails the copy."""
    if reading.name not in _BESIDE:
        return reading.found
    return tuple(line for line in reading.found if _DAMAGED in line)


def _seen(faults: list[str], readings: tuple[Reading, ...]) -> tuple[str, ...]:
    """What is wrong, and nothing beside it; where nothing is, what was looked at."""
    if faults:
        return tuple(faults)
    ran = sum(not each.not_run for each in readings)
    return (f"{ran} looks, nothing that fails the copy", *(each.note for each in readings if each.note))


def _not_run(readings: Iterable[Reading]) -> str:
    left = [f"{each.name} ({each.not_run})" for each in readings if each.not_run]
    return f"NOT RUN: {', '.join(left)}" if left else ""


def _beside(reading: Reading, *, practice: bool) -> tuple[Finding, ...]:
    """What was found that does not fail the copy, and what could not be looked at: that is never "nothing found".

    What a `practice` server cannot do says nothing of a backup: it is told, and is no finding.
    """
    findings = []
    if reading.found and reading.name in _BESIDE:
        severity, fix = _BESIDE[reading.name]
        findings.append(Finding(f"{reading.name}: {few(reading.found, _SHOWN)}. {fix}", severity))
    if reading.not_run and not (reading.unavailable and practice):
        severity = "major" if any(word in reading.name for word in _CONTENT) else "minor"
        findings.append(Finding(f"{reading.name} not checked: {reading.not_run}", severity))
    return tuple(findings)


# -- assertions ---------------------------------------------------------------------------------------------------
async def assertions_hold(here: Here) -> Observation:
    """Data checks of one's own, as configured."""
    asserted = here.environment.database.assertions
    if not asserted:
        return Observation.not_needed("no [[database.assertions]] is configured")
    ticker = Ticker(here.desk, "asking", of=len(asserted), unit="assertions")
    wrong = [text for text in await ticker.beside(_all_told(copy(here), asserted, ticker)) if text]
    return Observation.that(
        not wrong,
        expected="; ".join(f"{each.name}: {each.expect}" for each in asserted),
        observed="; ".join(wrong) or f"{len(asserted)} of {len(asserted)} as expected",
        source="[[database.assertions]]",
        fix="This copy does not hold what you say that it must: choose another recovery point, or correct the query.",
    )


async def _all_told(database: Database, asserted: tuple[Assertion, ...], ticker: Ticker) -> list[str]:
    said = []
    for each in asserted:
        ticker(0, 0, each.name)
        said.append(await _told(database, each))
    return said


async def _told(database: Database, asserted: Assertion) -> str:
    """What is wrong, or ""; a query that cannot be run is wrong too."""
    try:
        value = await database.assertion(asserted.sql)
    except LayerFailed as refused:
        return f"{asserted.name}: {refused.sentence}"
    if value == asserted.expect:
        return ""
    return f"{asserted.name}: {count(int(value)) if value.isdecimal() else value}, {asserted.expect} expected"
