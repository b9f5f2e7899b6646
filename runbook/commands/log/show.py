"""`runbook log show [RUN]`: the log as people read it; read-only, offline, without a configuration."""

from __future__ import annotations

import argparse
import json
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from runbook.commands.exits import ExitCode
from runbook.commands.log.place import Place, to_read
from runbook.commands.log.verify import NO_EVIDENCE, SENTENCE, WIDTH, identified
from runbook.engine.errors import WrongUse
from runbook.engine.people import is_nobody
from runbook.records.audit.anchors import short
from runbook.records.audit.checking import Checked
from runbook.records.audit.evidence_rows import root_of
from runbook.records.evidence.summary import duration
from runbook.records.history import reading
from runbook.records.log.folding import Told
from runbook.records.log.further import OWN, so_far
from runbook.records.log.rules import asks_for_a_repeat, contradictions
from runbook.records.log.testlog import COLUMNS, Domain, Row
from runbook.records.log.verdicts import LogVerdict
from runbook.safety.outside_text import outside_text

LABEL = 24  # characters: the longest column's name and a space
INDENT = " " * 4
CHAIN = frozenset({"log_version", "prev_hash", "row_hash"})


@dataclass(frozen=True, slots=True)
class Log:
    """A log that was read.  `numbers`: of each row, by the row's identity."""

    checked: Checked
    runs: tuple[Told, ...]
    numbers: Mapping[int, int]

    def number(self, row: Row) -> int:
        """Which row it is, from 1."""
        return self.numbers[id(row)]


def run(arguments: argparse.Namespace) -> int:
    """Print every run, or all that is recorded of one; exit 7 where the log is damaged, after what can be read."""
    log = _read(to_read(arguments, arguments.file))
    runs = tuple(each for each in log.runs if arguments.run in {None, each.run["run_id"]})
    if arguments.run is not None and not runs:
        raise WrongUse(
            f"{outside_text(arguments.run, WIDTH)} has no row in {outside_text(log.checked.path.name)}",
            fix="runbook log show lists the runs.",
        )
    if arguments.json:
        print(json.dumps(_document(log, runs), indent=2))
    else:
        told_of = _one(log, runs[0]) if arguments.run is not None else _all(log, runs)
        print("\n".join([*_heading(log.checked), *told_of]))
    return ExitCode.PASS if log.checked.sound else ExitCode.NOT_RECORDED


def _read(place: Place) -> Log:
    log = reading.read(place.path, named=place.named)
    numbers, runs = reading.numbered(log.rows)
    return Log(log.checked, runs, numbers)


# -- JSON -------------------------------------------------------------------------------------------------------------
def _document(log: Log, runs: Sequence[Told]) -> dict[str, Any]:
    return {
        **identified(log.checked),
        "runs": [
            {
                "row": log.number(each.run),
                "now": _clean(each.now),
                "run": _clean(each.run),
                "further": [{"row": log.number(row), **_clean(row)} for row in each.further],
                "signed_before_amendment": each.signed_before_amendment,
                "contradictions": [outside_text(said, SENTENCE) for said in _contradictions(each)],
            }
            for each in runs
        ],
    }


def _clean(row: Row) -> dict[str, str]:
    return {column: outside_text(row[column], SENTENCE) for column in COLUMNS}


# -- for people -------------------------------------------------------------------------------------------------------
def _heading(checked: Checked) -> Iterator[str]:
    yield outside_text(checked.path, SENTENCE)
    if checked.verdict is LogVerdict.FILE_ABSENT:
        yield f"{checked.verdict}: there is no log file"
        return
    verdict = f"{checked.verdict} (its evidence was not looked at)" if checked.sound else f"DAMAGED: {checked.verdict}"
    yield f"{verdict}, rows: {checked.rows}, head {short(checked.rows, checked.head)}"
    if checked.domain is Domain.TRAINING:
        yield NO_EVIDENCE
    if not checked.sound:
        yield "What can be read of it follows; runbook log verify says what is wrong."


def _all(log: Log, runs: Sequence[Told]) -> Iterator[str]:
    if not runs:
        yield "No run is recorded."
    for each in runs:
        now = each.now
        yield ""
        yield f"{_day(now['started_at']):<10} {_said(now, 'mode', 9):<9} {_said(now, 'outcome', 16):<16} {_name(now)}"
        yield from _wrapped("; ".join(_about(log, each)), INDENT)
        yield from (line for said in _contradictions(each) for line in _wrapped(f"contradicts itself: {said}", INDENT))


def _about(log: Log, each: Told) -> Iterator[str]:
    now, number = each.now, log.number(each.run)
    yield f"row {number}"
    damage = sorted({problem.verdict for problem in log.checked.problems if problem.row == number})
    if damage:
        yield f"THIS ROW IS DAMAGED ({', '.join(damage)})"
    yield _said(now, "scenario") or "no scenario"
    yield f"took {_taken(now)}"
    if asks_for_a_repeat(each.run):
        yield "tested, failed: to be repeated"
    if now["findings_open"] not in {"", "0"}:
        yield f"open findings: {_said(now, 'findings_open')}"
    yield "verified by nobody" if is_nobody(now["witness_name"]) else f"verified by {_said(now, 'witness_name')}"
    yield _signed(each)


def _signed(each: Told) -> str:
    last = each.signed
    if last is None:
        return "no sign-off needed" if each.now["signoff"] == "NOT_NEEDED" else "not signed off"
    deed = "signed off" if last["signoff"] == "SIGNED" else _said(last, "signoff").lower()
    later = ", before it was amended" if each.signed_before_amendment else ""
    return f"{deed} by {_said(last, 'signoff_name')} on {_day(last['signed_at'])}{later}"


def _one(log: Log, each: Told) -> Iterator[str]:
    yield from ("", f"row {log.number(each.run)}, as it was written")
    yield from _fields(each.run, [column for column in COLUMNS if each.run[column] and column not in CHAIN])
    for at, row in enumerate(each.further):
        before = so_far(each.run, each.further[:at])
        changed = [column for column in COLUMNS if column not in OWN and row[column] != before[column]]
        yield from ("", f"row {log.number(row)}, {_said(row, 'record_type')} {_said(row, 'run_id')}")
        yield from _fields(row, [*changed, "evidence_path"])
    folder = Path(root_of(log.checked.path, log.checked.domain), each.run["evidence_path"])
    yield from ("", f"evidence: {outside_text(folder, SENTENCE)}", *_wrapped(_signed(each), ""))
    yield from (line for said in _contradictions(each) for line in _wrapped(f"contradicts itself: {said}", ""))


def _fields(row: Row, columns: Sequence[str]) -> Iterator[str]:
    for column in columns:
        lines = [*_wrapped(_said(row, column) or "(empty)", " " * LABEL)]
        yield f"{column:<{LABEL}}{lines[0].strip()}"
        yield from lines[1:]


def _contradictions(each: Told) -> Sequence[str]:
    """Of every row of the run, in which way it contradicts itself or the format."""
    return [said for row in (each.run, *each.further) for said in contradictions(row)]


def _taken(row: Row) -> str:
    seconds = row["rto_actual_s"]
    return duration(int(seconds)) if seconds.isascii() and seconds.isdecimal() and len(seconds) < 10 else "not known"


def _day(time: str) -> str:
    return outside_text(time)[:10]


def _name(row: Row) -> str:
    return _said(row, "run_id", 40)


def _said(row: Row, column: str, limit: int = SENTENCE) -> str:
    return outside_text(row[column], limit)


def _wrapped(text: str, indent: str) -> Iterator[str]:
    """At least one line; what has no spaces in it (a digest, a path) is broken where it must be."""
    yield from textwrap.wrap(
        outside_text(text, SENTENCE), WIDTH, initial_indent=indent, subsequent_indent=indent, break_on_hyphens=False
    ) or [indent]
