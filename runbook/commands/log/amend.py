"""`runbook log amend RUN`: a person corrects what a recorded run says, closes a finding, or says whose it is."""

from __future__ import annotations

import argparse
import asyncio
from pathlib import Path

from runbook.commands.exits import ExitCode
from runbook.commands.log import asking
from runbook.commands.log.asking_about import anchored, ended, opened, shown
from runbook.commands.log.asking_correction import correction
from runbook.commands.log.asking_findings import lacking as lacking_of_findings
from runbook.commands.log.place import Written
from runbook.commands.machine import SystemClock
from runbook.engine.errors import WrongUse
from runbook.engine.ports import Operator
from runbook.records.log.further import AMENDMENT, CORRECTION, SIGNED
from runbook.records.log.logs import Recorded
from runbook.records.signoff import documents, findings, folder
from runbook.records.signoff.correction import Correction
from runbook.records.signoff.standing import Standing


def run(arguments: argparse.Namespace) -> int:
    """Show how the run stands, and add a row that corrects it."""
    written, about = opened(arguments)
    print("\n".join(shown(about)))
    with asking.person() as asked:
        asyncio.run(_amend(arguments, asked, written, about))
    return ExitCode.PASS


async def _amend(arguments: argparse.Namespace, asked: Operator | None, written: Written, about: Standing) -> None:
    _needed(arguments, asked, about)
    wanted = await correction(arguments, asked, about)
    changes = wanted.changes(about.told.now, len(about.open) - len(wanted.closed))
    if not changes:
        raise WrongUse("nothing would change: that is what the record says already")
    new = {column: text for column, (_, text) in changes.items()}
    about.refuse_unfit(written.book.log.next_name(about.run_id, CORRECTION.name), AMENDMENT, new)
    own, recorded = _recorded(written, about, wanted, changes)
    for column, text in new.items():
        print(f"{column}: {text or 'empty'}")
    if about.told.now["signoff"] == SIGNED:
        print("It was signed off before this correction: it needs to be signed again.")
    print("\n".join(ended(recorded, written, own)))
    await anchored(recorded, written, own, "AMENDED", asked)


def _recorded(
    written: Written, about: Standing, wanted: Correction, changes: dict[str, tuple[str, str]]
) -> tuple[Path, Recorded]:
    """The sealed folder, then the row that names it."""
    log, at = written.book.log, SystemClock().now()
    own = folder.free(log.next_name(about.run_id, CORRECTION.name), written.folder.parent)
    content = documents.amendment(own.name, about.rows, wanted, changes, at=at, keyboard=asking.keyboard())
    digest = folder.sealed(own, {findings.AMENDMENT: folder.document(content)})
    new = {column: is_now for column, (_, is_now) in changes.items()}
    path = written.book.evidence_path(own)
    return own, log.correct(about.run_id, new, own=own.name, evidence_path=path, evidence_digest=digest)


def _needed(arguments: argparse.Namespace, asked: Operator | None, about: Standing) -> None:
    lacking = {
        "--set, --close or --assign": not (arguments.set or arguments.close or arguments.assign),
        **lacking_of_findings(arguments, about),
        "--by": arguments.by is None,
        "--role": arguments.role is None,
        "--because": arguments.because is None,
    }
    example = "--set COLUMN=VALUE --by NAME --role ROLE --because TEXT"
    asking.needed(asked, lacking, f"runbook log amend {about.run_id} {example}")
