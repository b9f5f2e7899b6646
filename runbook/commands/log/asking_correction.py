"""What is to be corrected of a recorded run, who says so and why: by options, else asked for."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from typing import Final

from runbook.commands.log.asking import REASON, Wanted, answers, line
from runbook.commands.log.asking_findings import settled
from runbook.engine.errors import WrongUse
from runbook.engine.people import NOBODY, is_nobody
from runbook.engine.ports import Field, Operator
from runbook.records.log.testlog import Row
from runbook.records.signoff.correction import FINDINGS, SUMMARY, Correction
from runbook.records.signoff.standing import Standing

COLUMNS: Final[tuple[Field, ...]] = (
    Field("scenario", "What happened, or what the run was for", wrong=line("a sentence", 200)),
    Field("witness_name", f"Witness, or {NOBODY}", wrong=line("a name")),
    Field("witness_role", f"The witness's role, or {NOBODY}", wrong=line("a role")),
    Field("dpia_ref", "The data protection impact assessment", required=False, wrong=line("a reference")),
    Field(SUMMARY, "The run in a sentence", wrong=line("a sentence", REASON)),
)
"""What a person may correct, by column; findings by their numbers.  The summary then says what was, and is not asked
for."""


async def correction(arguments: argparse.Namespace, asked: Operator | None, about: Standing) -> Correction:
    """WrongUse for what cannot be corrected or is closed already; Refused for an operator as their own witness."""
    asks = asked if not (arguments.set or arguments.close or arguments.assign) else None
    values = _set(arguments.set) if asks is None else await _entered(asks, about)
    closed, assigned = await settled(arguments, asked, about, asks_for_each=asks is not None)
    _fitting(values, about)
    who = [
        Wanted("--by", arguments.by, Field("by", "Who says so", wrong=line("a name"))),
        Wanted("--role", arguments.role, Field("role", "Their role", wrong=line("a role"))),
        Wanted("--because", arguments.because, Field("because", "Why", wrong=line("a reason", REASON))),
    ]
    said = await answers(asked, "Who corrects it, and why", who, submit="correct it")
    return Correction(values, closed, assigned, said["by"], said["role"], said["because"])


async def _entered(asked: Operator, about: Standing) -> dict[str, str]:
    """Each column as it was left or typed anew; those that became another."""
    now = about.told.now
    fields = [Wanted("", None, _with_default(field, now)) for field in COLUMNS if field.key != SUMMARY]
    given = await answers(asked, "What is to be corrected", fields, submit="correct")
    return {column: text for column, text in given.items() if text != now[column]}


def _with_default(field: Field, now: Row) -> Field:
    return Field(field.key, field.label, default=now[field.key], required=field.required, wrong=field.wrong)


def _set(given: Sequence[str]) -> dict[str, str]:
    """Of `COLUMN=VALUE`s."""
    known, values = {field.key: field for field in COLUMNS}, dict[str, str]()
    for each in given:
        column, equals, text = each.partition("=")
        if column == FINDINGS:
            raise WrongUse("findings_open counts the open findings", fix="Close one: --close N --verified TEXT.")
        if not equals or column not in known or column in values:
            raise WrongUse(f"--set takes COLUMN=VALUE, once each of: {', '.join(known)}")
        values[column] = known[column].taken(text)
        if mistake := known[column].mistake(values[column]):
            raise WrongUse(f"--set {column}: {mistake}")
    return values


def _fitting(values: Mapping[str, str], about: Standing) -> None:
    """A witness has a role, and is somebody else."""
    now = {**about.told.now, **values}
    nobody = is_nobody(now["witness_name"])
    if nobody is not is_nobody(now["witness_role"]):
        raise WrongUse(f"a witness has a name and a role, or both are {NOBODY}", fix="--set witness_role=ROLE")
    if "witness_name" in values and not nobody:
        about.refuse_operator(now["witness_name"], "a witness is somebody else")
