"""`runbook log sign RUN`: somebody other than its operator says whether its record stands."""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Mapping
from pathlib import Path

from runbook.commands.exits import ExitCode
from runbook.commands.log import asking
from runbook.commands.log.asking_about import anchored, ended, opened, shown
from runbook.commands.log.asking_proof import proof
from runbook.commands.log.asking_signer import Signing, said, signing
from runbook.commands.log.place import Written
from runbook.commands.machine import SystemClock
from runbook.engine.errors import WrongUse
from runbook.records.canonical import second
from runbook.records.log.further import SIGNING, SIGNOFF
from runbook.records.log.logs import Recorded
from runbook.records.signoff import documents, folder
from runbook.records.signoff.documents import Proof
from runbook.records.signoff.signature import WAYS
from runbook.records.signoff.standing import Standing
from runbook.records.signoff.statement import Said, statement


def run(arguments: argparse.Namespace) -> int:
    """Hand out the statement that is to be signed, or sign the run off."""
    _fitting(arguments)
    written, about = opened(arguments)
    if arguments.statement:
        asyncio.run(_hand_out(signing(arguments, None, about)))
        return ExitCode.PASS
    print("\n".join(shown(about)))
    with asking.person() as asked:
        asyncio.run(_sign(signing(arguments, asked, about), written))
    return ExitCode.PASS


async def _sign(this: Signing, written: Written) -> None:
    _needed(this, proved=this.given.code is not None or this.given.signature is not None)
    signer = await said(this)
    _refuse_unfit(written, this.about, signer)
    content = statement(signer, this.about.rows).encode("utf-8")
    shown_by, files = await proof(this, signer.name, content)
    own, recorded = _recorded(written, this.about, signer, shown_by, files)
    print(f"{signer.decision} by {signer.name} ({signer.role}), shown by {shown_by.method}")
    print("\n".join(ended(recorded, written, own)))
    await anchored(recorded, written, own, signer.decision, this.asked)


def _refuse_unfit(written: Written, about: Standing, signer: Said) -> None:
    """Before anybody is called on the telephone."""
    said = {"signoff": signer.decision, "signoff_name": signer.name, "signed_at": second(SystemClock().now())}
    about.refuse_unfit(written.book.log.next_name(about.run_id, SIGNING.name), SIGNOFF, said)


def _recorded(
    written: Written, about: Standing, signer: Said, shown_by: Proof, files: Mapping[str, bytes]
) -> tuple[Path, Recorded]:
    """The sealed folder, then the row that names it."""
    log, at = written.book.log, SystemClock().now()
    own = folder.free(log.next_name(about.run_id, SIGNING.name), written.folder.parent)
    content = documents.signoff(own.name, signer, shown_by, about.rows, at=at, keyboard=asking.keyboard())
    digest = folder.sealed(own, {**files, "signoff.json": folder.document(content)})
    path = written.book.evidence_path(own)
    return own, log.sign(
        about.run_id,
        decision=signer.decision,
        name=signer.name,
        at=at,
        own=own.name,
        evidence_path=path,
        evidence_digest=digest,
        behind=about.rows[-1]["row_hash"],
    )


# -- the statement ------------------------------------------------------------------------------------------------
async def _hand_out(this: Signing) -> None:
    """Exactly the bytes that are verified later; nobody is asked, since what is printed is the statement alone."""
    _needed(this, proved=True)
    text, output = statement(await said(this), this.about.rows), this.given.output
    if output is None:
        sys.stdout.write(text)
        return
    try:
        with output.open("xb") as file:
            file.write(text.encode("utf-8"))
    except FileExistsError:
        raise WrongUse(f"{output} is there already", fix="Name another file, or remove it.") from None
    except OSError as error:
        raise WrongUse(f"{output} could not be written: {error.strerror}") from None
    print("To sign it, one of:", file=sys.stderr)
    for way in WAYS.values():
        print(f"  {' '.join(way.made)}", file=sys.stderr)


def _fitting(arguments: argparse.Namespace) -> None:
    """WrongUse for options that contradict each other."""
    together = {
        "-o goes with --statement": arguments.output is not None and not arguments.statement,
        "--public-key goes with --signature": arguments.public_key is not None and arguments.signature is None,
        "--code and --signature are two ways: give one": None not in {arguments.code, arguments.signature},
    }
    if wrong := [sentence for sentence, holds in together.items() if holds]:
        raise WrongUse("; ".join(wrong), fix="runbook log sign --help")


def _needed(this: Signing, *, proved: bool) -> None:
    given = this.given
    lacking = {
        "--name": given.name is None,
        "--role": given.role is None and not this.role_of(given.name),
        "--because": given.declined and given.because is None,
        "--code or --signature": not proved,
    }
    asking.needed(this.asked, lacking, f"runbook log sign {this.about.run_id} --name NAME --role ROLE --code CODE")
