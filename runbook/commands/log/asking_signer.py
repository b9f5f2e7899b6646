"""Who signs a run off, and what they say: never somebody who carried it out."""

from __future__ import annotations

import argparse
from dataclasses import dataclass

from runbook.commands.configured import configured_if_any
from runbook.commands.log.asking import REASON, Wanted, answers, line
from runbook.config.signers import Signer
from runbook.engine.errors import WrongUse
from runbook.engine.people import is_nobody, same_person
from runbook.engine.ports import Field, Operator
from runbook.records.log.further import DECLINED, SIGNED
from runbook.records.signoff.standing import Standing
from runbook.records.signoff.statement import Said


@dataclass(frozen=True, slots=True)
class Signing:
    """A sign-off in the making: what options gave, who can be asked (None: nobody), of which run, who has a key."""

    given: argparse.Namespace
    asked: Operator | None
    about: Standing
    signers: tuple[Signer, ...]

    def known(self, name: str | None) -> Signer | None:
        """Whom runbook.toml has under that name."""
        return next((each for each in self.signers if name and same_person(each.name, name)), None)

    def role_of(self, name: str | None) -> str:
        """What runbook.toml says, or the run's record of its witness; "" for others."""
        signer, now = self.known(name), self.about.told.now
        if signer is not None and signer.role:
            return signer.role
        return now["witness_role"] if name and same_person(name, now["witness_name"]) else ""


def signing(given: argparse.Namespace, asked: Operator | None, about: Standing) -> Signing:
    """A configuration that cannot be used has nobody's key; a real run is not signed under one (`place.to_write`)."""
    found = configured_if_any(given)
    return Signing(given, asked, about, found.platform.settings.people.signers if found.platform else ())


async def said(this: Signing) -> Said:
    """Name, role, decision and reason.  Refused where the signer carried the run out."""
    declined = this.given.declined
    wanted = [Wanted("--name", this.given.name, _name_field(this.about))]
    if declined or this.given.because is not None:
        wanted.append(Wanted("--because", this.given.because, Field("because", "Why", wrong=line("a reason", REASON))))
    answered = await answers(this.asked, f"Who {'declines' if declined else 'signs'} it", wanted, submit="sign")
    signer = this.known(answered["name"])
    name = _allowed(signer.name if signer else answered["name"], this.about)
    return Said(DECLINED if declined else SIGNED, name, await _role(this, name), answered.get("because", ""))


async def _role(this: Signing, name: str) -> str:
    given = this.given.role if this.given.role is not None else this.role_of(name) or None
    role = Field("role", "Their role", wrong=line("a role"))
    return (await answers(this.asked, name, [Wanted("--role", given, role)], submit="sign"))["role"]


def _name_field(about: Standing) -> Field:
    witness = about.told.now["witness_name"]
    hint = "" if is_nobody(witness) else f"; the witness, {witness}, may"
    return Field("name", "Name", hint=f"somebody other than the operator{hint}", wrong=line("a name"))


def _allowed(name: str, about: Standing) -> str:
    if is_nobody(name):
        raise WrongUse("a sign-off is a person's: give a name", fix="--name NAME")
    about.refuse_operator(name, "a sign-off is somebody else's")
    return name
