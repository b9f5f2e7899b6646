"""Every open finding gets an owner and a date; those of the last run that are still open are carried on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Final

from runbook.engine.ports import Field, Form
from runbook.engine.verdict import Finding, Observation
from runbook.safety.outside_text import outside_text
from steps.here import Here

DUE: Final = timedelta(days=30)
CARRIED: Final = "still open since "
CLOSED: Final = "closed"
_LABEL: Final = 160
_NAME: Final = 80


def carried(here: Here) -> tuple[Finding, ...]:
    """What was open at the end of the last run, each under the run that found it first; training carries nothing."""
    if here.mode == "training" or not here.history:
        return ()
    last = here.history[0]
    return tuple(
        each if each.text.startswith(CARRIED) else replace(each, text=f"{CARRIED}{last.run_id}: {each.text}")
        for each in last.findings
    )


def reminder(here: Here) -> str:
    """For the start of a run: what the last one left open, or ""."""
    found = here.history[0].findings if here.history and here.mode != "training" else ()
    named = "; ".join(f"{each.text}{_owned(each)}" for each in found)
    return f"{len(found)} finding{'s' * (len(found) != 1)} of the last run still open: {named}" if found else ""


def _owned(finding: Finding) -> str:
    return f" ({finding.owner}, due {finding.due})" if finding.owner else ""


async def owned(here: Here) -> Observation:
    """Asked for, a line each; where nobody is there, and in training, the defaults are taken."""
    known = {each.text for each in here.run.findings}
    found = (*here.run.findings, *(each for each in carried(here) if each.text not in known))
    if not found:
        return Observation.not_needed("no finding is open", source="this run and the last one")
    defaults = {f"finding-{number}": _default(here, each) for number, each in enumerate(found, start=1)}
    answers = defaults if _takes_defaults(here) else await here.desk.operator.fill(_form(here, found, defaults))
    kept = [
        _kept(finding, (answers or defaults).get(key) or default)
        for finding, (key, default) in zip(found, defaults.items(), strict=True)
    ]
    open_ = [each for each in kept if each is not None]
    closed = len(found) - len(open_)
    return Observation.passed(
        expected="an owner and a date for every open finding",
        observed=f"{len(open_)} open, each with owner and date"
        + (f"; {closed} of earlier runs closed" if closed else ""),
        source=here.desk.operator.name if answers is not None else "the defaults: nothing was entered",
        findings=tuple(open_),
    )


def _takes_defaults(here: Here) -> bool:
    return here.unattended or here.mode == "training"


def _form(here: Here, found: tuple[Finding, ...], defaults: Mapping[str, str]) -> Form:
    text = f"Owner and date of each, as: name, {(here.now() + DUE).date()}. One of an earlier run may be {CLOSED}."
    fields = tuple(
        _field(finding, key, default) for finding, (key, default) in zip(found, defaults.items(), strict=True)
    )
    return Form(here.desk.step, "Who sees to what, and until when?", (text,), fields, submit="record it")


def _field(finding: Finding, key: str, default: str) -> Field:
    may_close = finding.text.startswith(CARRIED)
    label = outside_text(f"{finding.severity}: {finding.text}", _LABEL)
    hint = f"owner, date; or {CLOSED}" if may_close else "owner, date"
    return Field(key, label, hint=hint, default=default, wrong=lambda text: _wrong(text, may_close=may_close))


def _wrong(text: str, *, may_close: bool) -> str:
    if may_close and text.strip().lower() == CLOSED:
        return ""
    who, when = _parts(text)
    return "" if who and when else "Write a name, a comma and a date, as 2027-02-14."


def _parts(text: str) -> tuple[str, date | None]:
    who, _, when = text.rpartition(",")
    try:
        return outside_text(who, _NAME).strip(), date.fromisoformat(when.strip())
    except ValueError:
        return outside_text(who, _NAME).strip(), None


def _default(here: Here, finding: Finding) -> str:
    who = str((here.run.declared.get("operator") or {}).get("name") or here.desk.operator.name)
    return f"{finding.owner or who.replace(',', ' ')}, {finding.due or _date(here.now() + DUE)}"


def _date(at: datetime) -> str:
    return at.date().isoformat()


def _kept(finding: Finding, answer: str) -> Finding | None:
    """None: it is closed."""
    if finding.text.startswith(CARRIED) and answer.strip().lower() == CLOSED:
        return None
    who, when = _parts(answer)
    return replace(finding, owner=who, due=when.isoformat() if when else "")
