"""What becomes of a run's open findings: each is closed, gets an owner and a date, or is left as it is."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable, Sequence
from datetime import date
from typing import Final

from runbook.commands.log.asking import LIMIT, REASON, Wanted, answers, line
from runbook.engine.errors import WrongUse
from runbook.engine.ports import Field, Operator
from runbook.records.canonical import moment
from runbook.records.signoff.correction import Assigned
from runbook.records.signoff.findings import Finding
from runbook.records.signoff.standing import Standing
from runbook.safety.outside_text import outside_text

Closed = tuple[tuple[Finding, str], ...]
CLOSE: Final = "closed"  # as in the closing of a run
LEAVE: Final = "leave"
EXAMPLE: Final = "2027-02-14"
_LABEL: Final = 160
_HOW: Final = line("what was seen", REASON)
_OWNER: Final = line("a name")


async def settled(
    arguments: argparse.Namespace, asked: Operator | None, about: Standing, *, asks_for_each: bool
) -> tuple[Closed, tuple[Assigned, ...]]:
    """Closed, each with how that was verified, and assigned; by options, or `asks_for_each` open one.

    WrongUse for a finding that is not there, is closed already, or is named for both.
    """
    if asks_for_each and asked is not None:
        closed, assigned = await _entered(asked, about)
    else:
        closed = _named("--close", arguments.close, about)
        assigned = await _assigned(arguments, asked, about, closed)
    return await _verified(arguments, asked, closed), tuple(each for each in assigned if each.changes)


def lacking(arguments: argparse.Namespace, about: Standing) -> dict[str, bool]:
    """By option, whether what is named needs it and does not have it."""
    named = [each for each in about.open if str(each.number) in arguments.assign]
    return {
        "--verified": bool(arguments.close) and not arguments.verified,
        "--owner": bool(arguments.assign) and _lacks(arguments.owner, arguments.due, [each.owner for each in named]),
        "--due": bool(arguments.assign) and _lacks(arguments.due, arguments.owner, [each.due for each in named]),
    }


def _lacks(given: str | None, other: str | None, now: Sequence[str]) -> bool:
    """What is not given stays as it is, where all have it and the other one is what changes."""
    return given is None and (other is None or not all(now))


def _named(option: str, numbers: Sequence[str], about: Standing) -> tuple[Finding, ...]:
    """Open findings by their numbers, each once."""
    if len(set(numbers)) != len(numbers):
        raise WrongUse(f"{option} names a finding twice", fix="Name each finding once.")
    return tuple(_finding(number, about) for number in numbers)


def _finding(number: str, about: Standing) -> Finding:
    found = next((each for each in about.findings if str(each.number) == number), None)
    if found is None:
        raise WrongUse(
            f"there is no finding {outside_text(number, LIMIT)} in {about.run_id}", fix="The report numbers them."
        )
    if found not in about.open:
        raise WrongUse(f"finding {number} is closed already", fix="runbook log show RUN says by whom.")
    return found


async def _verified(arguments: argparse.Namespace, asked: Operator | None, closed: Sequence[Finding]) -> Closed:
    """How each was verified; one --verified does for several findings."""
    given: list[str] = arguments.verified
    if len(given) not in {0, 1, len(closed)} or (given and not closed):
        raise WrongUse("each --close N takes one --verified TEXT, or one does for all", fix="Name each finding once.")
    texts: Sequence[str | None] = given * len(closed) if len(given) == 1 else given or [None] * len(closed)
    how = [
        Wanted("--verified", text, Field(str(each.number), f"How finding {each.number} was verified", wrong=_HOW))
        for each, text in zip(closed, texts, strict=True)
    ]
    said = await answers(asked, "What shows that it is done", how, submit="correct it")
    return tuple((each, said[str(each.number)]) for each in closed)


# -- owners and dates ---------------------------------------------------------------------------------------------
async def _assigned(
    arguments: argparse.Namespace, asked: Operator | None, about: Standing, closed: Sequence[Finding]
) -> tuple[Assigned, ...]:
    named = _named("--assign", arguments.assign, about)
    if not named:
        if arguments.owner is not None or arguments.due is not None:
            raise WrongUse("--owner and --due go with --assign N", fix="The report numbers the findings.")
        return ()
    if both := [str(each.number) for each in named if each in closed]:
        raise WrongUse(f"finding {', '.join(both)}: --close it, or --assign it, not both")
    lacks = lacking(arguments, about)
    owner = Field("owner", "Who sees to it", default=_same(each.owner for each in named), wrong=_OWNER)
    due = Field("due", "Until when (YYYY-MM-DD)", default=_same(each.due for each in named), wrong=_due(about))
    options = [Wanted("--owner", arguments.owner, owner), Wanted("--due", arguments.due, due)]
    wanted = [each for each in options if each.given is not None or lacks[each.option]]
    said = await answers(asked, f"Finding {', '.join(arguments.assign)}", wanted, submit="correct it")
    return tuple(Assigned(each, said.get("owner", each.owner), said.get("due", each.due)) for each in named)


def _same(values: Iterable[str]) -> str:
    """What all have; "" where they differ."""
    known = set(values)
    return known.pop() if len(known) == 1 else ""


def _due(about: Standing) -> Callable[[str], str]:
    """What is wrong with a due date, or ""."""
    first = moment(about.told.run["started_at"]).date()

    def wrong(text: str) -> str:
        day = _day(text)
        if day is None:
            return f"Write a day as YYYY-MM-DD, such as {EXAMPLE}."
        return f"The run was on {first}: nothing is due before it." if day < first else ""

    return wrong


def _day(text: str) -> date | None:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None
    return day if day.isoformat() == text else None  # not 20270214, nor a week's number


# -- one line for each --------------------------------------------------------------------------------------------
async def _entered(asked: Operator, about: Standing) -> tuple[tuple[Finding, ...], tuple[Assigned, ...]]:
    """Those that are closed, and those that get an owner and a date."""
    text = (f"Each: {LEAVE} it, {CLOSE}, or who sees to it until when, as: Robin Board, {EXAMPLE}",)
    fields = [Wanted("", None, _field(each, about)) for each in about.open]
    said = await answers(asked, "What becomes of the open findings", fields, submit="correct", text=text)
    by_finding = {each: said[str(each.number)] for each in about.open}
    assigned = {each: _parts(text) for each, text in by_finding.items() if text not in {CLOSE, LEAVE}}
    closed = tuple(each for each, text in by_finding.items() if text == CLOSE)
    return closed, tuple(Assigned(each, *owned) for each, owned in assigned.items())


def _field(finding: Finding, about: Standing) -> Field:
    label = outside_text(f"{finding.number} {finding.severity}: {finding.text}", _LABEL)
    due = _due(about)

    def wrong(text: str) -> str:
        if text in {CLOSE, LEAVE}:
            return ""
        owner, day = _parts(text)
        if not owner or not day:
            return f"Write {LEAVE}, {CLOSE}, or a name, a comma and a day, such as: Robin Board, {EXAMPLE}"
        return _OWNER(owner) or due(day)

    return Field(str(finding.number), label, hint=finding.owned, default=LEAVE, wrong=wrong)


def _parts(text: str) -> tuple[str, str]:
    owner, _, day = text.rpartition(",")
    return owner.strip(), day.strip()
