"""What a recovery lost, and who was told of it: stated when the platform serves again, while the ICO's clock runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from runbook.engine.ports import Field, Form
from runbook.engine.verdict import Finding
from runbook.safety.outside_text import outside_text
from steps.facts import DataUntil, SnapshotChosen
from steps.here import Here, age, iso, moment

STATEMENT: Final = "What was lost, and who of those that have to know was told of it, and when"
REPORTED_WITHIN: Final = timedelta(hours=72)
"""UK GDPR Article 33: from the time at which the controller became aware of a breach."""

_LIMIT: Final = 200
_NOT_NEEDED: Final = "not needed:"
_HINT: Final = "who, when: A. Name, 2027-01-15T11:00Z; or not needed: the reason; empty: not told yet"


@dataclass(frozen=True, slots=True)
class Party:
    """Somebody who has to be told; `clock`: the 72 hours count for them."""

    key: str
    title: str
    clock: bool = False


PARTIES: Final = (
    Party("clinical_safety_officer", "the clinical safety officer"),
    Party("customers", "the customers"),
    Party("ico", "the ICO", clock=True),
    Party("dspt", "NHS England, by the DSPT incident tool", clock=True),
)


def only_in_recovery(here: Here) -> str:
    """Why this mode does not have the step, or ""."""
    return "" if here.recovering else f"only a recovery loses data; this is {here.mode}"


def form(here: Here) -> Form:
    """The window and the clock, computed; then a line for each who has to be told."""
    return Form(
        here.desk.step,
        "What was lost, and who was told",
        (_window(here), _clock(here)),
        tuple(_field(here, party) for party in PARTIES),
        submit="state it",
    )


def _field(here: Here, party: Party) -> Field:
    officer = here.run.declared.get("configuration", {}).get("people.clinical_safety_officer", "")
    label = f"{party.title[0].upper()}{party.title[1:]}"
    known = f" ({officer})" if officer and party is PARTIES[0] else ""
    return Field(party.key, label + known, hint=_HINT, required=False, wrong=lambda text: _wrong(text, here.now()))


def _wrong(text: str, now: datetime) -> str:
    said = text.strip()
    if not said or (said.lower().startswith(_NOT_NEEDED) and said[len(_NOT_NEEDED) :].strip()):
        return ""
    who, _, when = said.rpartition(",")
    try:
        at = moment(when.strip())
    except ValueError:
        return f"Write {_HINT}."
    if not who.strip() or at.tzinfo is None:
        return f"Write {_HINT}."
    return f"That time is in the future: it is {iso(now)} now." if at > now else ""


def stated(here: Here, answers: Mapping[str, str]) -> tuple[str, tuple[Finding, ...]]:
    """What is recorded, and a finding for each who was not told; {}: nobody was."""
    said = {party: outside_text(answers.get(party.key, ""), _LIMIT).strip() for party in PARTIES}
    told = [f"{party.title}: {words}" for party, words in said.items() if words]
    untold = tuple(_untold(here, party) for party, words in said.items() if not words)
    return "; ".join((_window(here), _clock(here), *told)), untold


def _untold(here: Here, party: Party) -> Finding:
    until = f" ({_ends(here)})" if party.clock else ""
    return Finding(f"{party.title} not told of the loss yet{until}", "major")


# -- the window, and the clock ------------------------------------------------------------------------------------
def _window(here: Here) -> str:
    since, until = _recovery_point(here), here.incident_at
    if since is None:
        return "no recovery point was restored: all data is lost until one is"
    if until is None:
        return f"everything written after {iso(since)} is lost; when the incident began is not known"
    if until <= since:
        return f"nothing written before the incident ({iso(until)}) is lost: the data is of {iso(since)}"
    return f"everything written from {iso(since)} to {iso(until)} ({age(since, until)}) is lost"


def _recovery_point(here: Here) -> datetime | None:
    """The newest row that was restored; where it was not seen, what the provider says of the backup."""
    if row := here.run.fact(DataUntil):
        return moment(row.at)
    chosen = here.run.fact(SnapshotChosen)
    return moment(chosen.data_until or chosen.created_at) if chosen else None


def _aware(here: Here) -> datetime:
    return here.incident_at or here.run.started_at or here.now()


def _ends(here: Here) -> str:
    return f"the 72 hours end {iso(_aware(here) + REPORTED_WITHIN)}"


def _clock(here: Here) -> str:
    ends, now = _aware(here) + REPORTED_WITHIN, here.now()
    left = f"{age(now, ends)} left" if now <= ends else f"over since {age(ends, now)}"
    return f"aware since {iso(_aware(here))}; {_ends(here)}: {left}"
