"""A run in plain mode: what is typed, line by line, and what is read."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from io import StringIO

from runbook.engine.run import Run
from runbook.estate.memory import names
from runbook.plain import Keyboard, Lines, PlainOperator
from runbook.training.operators import Mishaps, WithFaults
from runbook.training.scenario import Fault
from runbook.views import Phone
from steps import PROCEDURE
from tests.support.practice import DECLARED, Practice
from tests.support.practice_estate import MemoryPracticeEstate

SHARES = ("1", "{Amara}", "1", "{Bryn}", "1", "{Chandra}")
CODE, PEOPLE = "271828", "list of 2027-01-02, three custodians reached"
RESTORED = ("", "yes", "", "yes", "yes")  # the newest backup, downloaded, not proven offline, initialised, restored
COPIED = ("", "yes", "yes")  # the newest snapshot, restored, a master password of its own
CALM: dict[str, tuple[str, ...]] = {
    "identity": (CODE, PEOPLE, "open"),
    "vault": (*RESTORED, *SHARES, "open"),
    "database": (*COPIED, "", "open"),
    "application": ("", "yes", "yes", "yes", "open"),  # the newest image; switches, groups, deployment
    "connectivity": ("yes", "open"),
    "closeout": ("yes", "done"),
}


def typed(practice: Practice, **instead: Sequence[str]) -> StringIO:
    """Everything that is typed in a calm run, some stages otherwise; `{Amara}` stands for that custodian's share."""
    lines = [line for stage, usual in CALM.items() for line in instead.get(stage, usual)]
    shares = {label.split()[0]: secret.reveal() for label, secret in practice.world.custodians().items()}
    return StringIO("".join(f"{line.format(**shares)}\n" for line in lines))


def operator(practice: Practice, source: StringIO) -> PlainOperator:
    async def call(label: str) -> str:
        known = practice.world.custodians()
        return known[label].reveal() if label in known else practice.world.account.code

    phone = Phone((*practice.world.custodians(), names.MFA_DEVICE), call)
    return PlainOperator(Lines(PROCEDURE, sys.stdout), Keyboard(source), lambda: phone, name="Robin")


async def walk(practice: Practice, source: StringIO, *faults: Fault) -> Run:
    """The whole run with a person at the keyboard, printed as `runbook train --plain` prints it."""
    hands = MemoryPracticeEstate(practice.world).as_client()
    conductor = practice.conductor(WithFaults(operator(practice, source), hands, Mishaps(hands, faults)))
    conductor.subscribe(Lines(PROCEDURE, sys.stdout).hear)
    return await conductor.declare(DECLARED)
