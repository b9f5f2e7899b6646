"""Accepting a failure: two people put their names to a loss that is stated; the verdict stays what it is."""

from __future__ import annotations

import re
from collections.abc import Mapping

from runbook.engine.people import NOBODY, same_person
from runbook.engine.ports import Field, Form
from runbook.engine.procedure import AnyStep, H
from runbook.engine.run import Attempt

WHY, SECOND = "why", "second"
MEANING = (
    "The verdict stays FAIL, the stage becomes ACCEPTED and the run PASS WITH ISSUES at best; the record and the "
    "report say who accepted what."
)


def form(step: AnyStep[H], failed: Attempt, who: str) -> Form:
    """What is asked before a failure of that step is accepted by `who`."""
    return Form(
        step.id,
        f"Accept what {step.id} found",
        (
            f"What it found: {failed.observed}",
            f"It was to be: {failed.expected}",
            MEANING,
        ),
        (
            Field(WHY, "What is lost, and why it is accepted", "the report states it as the loss"),
            Field(
                SECOND,
                "The second person who accepts it",
                f"name and role; or {NOBODY}: and why nobody else could be asked",
                wrong=lambda said: _wrong_second(said, who),
            ),
        ),
        submit="accept it",
    )


def exception(step: AnyStep[H], answers: Mapping[str, str], who: str) -> dict[str, str | bool]:
    """What the journal's `exception` says of it."""
    return {
        "what": step.id,
        "why": answers[WHY].strip(),
        "who": who,
        "second": answers[SECOND].strip(),
        "accepted": True,
    }


def _wrong_second(said: str, who: str) -> str:
    """The same person twice is one person; nobody needs a reason."""
    if re.fullmatch(rf"{NOBODY}\W*", said, re.IGNORECASE):
        return f"Say also why nobody else could be asked: {NOBODY}: the reason."
    if same_person(said, who):
        return f"{who} accepts it already: name somebody else, or {NOBODY}: and why."
    return ""
