"""What is shown of a recorded run before anybody signs or corrects it: at most 24 lines of 80 columns."""

from __future__ import annotations

import argparse
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from runbook.commands import anchoring
from runbook.commands.log import place
from runbook.commands.log.asking import WIDTH
from runbook.commands.log.place import Written
from runbook.engine.people import is_nobody
from runbook.engine.ports import Operator
from runbook.records.audit.anchors import short
from runbook.records.evidence.summary import duration
from runbook.records.log.logs import Recorded, TrainingLog
from runbook.records.log.testlog import CRITERIA_COLUMNS, Row
from runbook.records.signoff import standing
from runbook.records.signoff.findings import Finding
from runbook.records.signoff.standing import Standing
from runbook.safety.outside_text import outside_text

LABEL: Final = 12  # columns of what stands before the colon
LONGEST: Final = 1000  # characters of one thing
FINDINGS: Final = 4  # that are named; the report has all
OWNED: Final = 32  # characters of whose one is
_CRITERIA: Final = ("application boots", "connects", "decrypts")


def opened(arguments: argparse.Namespace) -> tuple[Written, Standing]:
    """The recorded run that is named; rows that wait for its log are brought in first, so that none is overtaken."""
    written = place.to_write(arguments, arguments.run)
    for recorded in written.book.log.bring_in():
        print(f"A row that waited is row {recorded.row} of {written.book.log.path.name} now.", file=sys.stderr)
    return written, standing.of(written.book.log, written.folder)


def shown(about: Standing) -> list[str]:
    """Its lines, each at most WIDTH columns."""
    return [line for label, text, most in _said(about) for line in _wrapped(label, text, most)]


def ended(recorded: Recorded, written: Written, own: Path) -> list[str]:
    """What stands now, and what to do with it."""
    log = written.book.log
    lines = [
        f"Row {recorded.row} in {log.path.name}, head {short(recorded.row, recorded.row_hash)}",
        f"Its evidence: {written.book.evidence_path(own)}",
    ]
    if isinstance(log, TrainingLog):
        return [*lines, "This is practice: it is evidence of nothing."]
    return [*lines, "Next: commit the log, its head file and that folder together."]


async def anchored(recorded: Recorded, written: Written, own: Path, what: str, asked: Operator | None) -> None:
    """Offer the commit that carries the new head away from the log; practice has none."""
    log = written.book.log
    if not isinstance(log, TrainingLog) and (
        said := await anchoring.offer(anchoring.of_further(recorded, log.path, own, what), asked)
    ):
        print(said)


def _said(about: Standing) -> Iterator[tuple[str, str, int]]:
    """Label, text, and how many lines it may take."""
    now = about.told.now
    criteria = zip(_CRITERIA, CRITERIA_COLUMNS, strict=True)
    yield "run", about.run_id, 1
    yield "outcome", f"{now['outcome']} ({now['mode']} in {now['environment']}, providers {now['providers']})", 1
    yield "when", f"{now['started_at']} to {now['ended_at']}; {_time(now)}", 2
    yield "operator", " and ".join(about.operators) + f" ({now['operator_role']})", 2
    yield "witness", _witness(now), 1
    yield "restored", f"database of {_of(now, 'db')}, vault of {_of(now, 'vault')}", 1
    yield "criteria", ", ".join(f"{words} {now[column]}" for words, column in criteria), 1
    yield "summary", now["summary"], 4
    yield "exceptions", f"{now['exceptions']}{_of_exceptions(about)}", 2
    yield "findings", f"{len(about.open)} open", 1
    yield from (("", text, 1) for text in _findings(about.open))
    yield "signed", _signed(about), 1
    yield "report", _report(about.folder), 2


def _witness(now: Row) -> str:
    return "nobody" if is_nobody(now["witness_name"]) else f"{now['witness_name']} ({now['witness_role']})"


def _of(now: Row, kind: str) -> str:
    return now[f"{kind}_backup_created_at"] or "no backup"


def _time(now: Row) -> str:
    took = now["rto_actual_s"]
    if not took.isdecimal():
        return "time not known"
    target = "no target set" if now["rto_met"] == "NOT_SET" else f"target {duration(int(now['rto_target_s']))}"
    met = {"YES": ", met", "NO": ", MISSED"}.get(now["rto_met"], "")
    return f"{duration(int(took))}, {target}{met}"


def _of_exceptions(about: Standing) -> str:
    said = "; ".join(str(each.get("what") or "") for each in about.document["exceptions"])
    return f": {said}" if said else ""


def _findings(found: tuple[Finding, ...]) -> Iterator[str]:
    """Numbered as in the report, whose they are before what they are."""
    named = found if len(found) <= FINDINGS else found[: FINDINGS - 1]
    for each in named:
        whose = f", {outside_text(each.owned, OWNED)}" if each.owned else ""
        yield f"{each.number} {each.severity}{whose}: {each.text}"
    if len(found) > len(named):
        yield f"and {len(found) - len(named)} more: see the report"


def _signed(about: Standing) -> str:
    last = about.told.signed
    if last is None:
        return "by nobody yet"
    later = "; corrected since" if about.told.signed_before_amendment else ""
    return f"{last['signoff']} by {last['signoff_name']} at {last['signed_at']}{later}"


def _report(folder: Path) -> str:
    """The nicer one, where there is one; from here, where it is below; how to print it, where that is too long."""
    path = next((each for name in ("report.html", "report.md") if (each := folder / name).exists()), folder)
    here = Path.cwd()
    text = str(path.relative_to(here) if path.is_relative_to(here) else path)
    return text if len(text) <= 2 * (WIDTH - LABEL - 2) else f"runbook report {folder.name}"


def _wrapped(label: str, text: str, most: int) -> list[str]:
    head = f"  {f'{label}:' if label else '':<{LABEL}}"
    return textwrap.wrap(
        outside_text(text, LONGEST) or "none",
        WIDTH,
        initial_indent=head,
        subsequent_indent=" " * len(head),
        max_lines=most,
        break_on_hyphens=False,
        placeholder=" …",
    )
