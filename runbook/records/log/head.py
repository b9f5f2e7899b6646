"""`restoration-test-log.head`, `training-log.head`: what a log's last row was, kept outside the file.

A chain cannot show that its newest rows were cut off; a head that is known elsewhere can.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from runbook.engine.errors import RecordFailed
from runbook.records.canonical import canonical, moment, second
from runbook.records.disk import Disk, read_whole, recording, replace_file, stands
from runbook.records.log.testlog import FIRST
from runbook.records.log.verdicts import LogVerdict, Problem, Verification


def beside(log: Path) -> Path:
    """Where a log's head is kept."""
    return log.with_suffix(".head")


@dataclass(frozen=True, slots=True)
class Head:
    """How many rows the log had, its last row's hash, and when that row was written (by this machine's clock)."""

    rows: int
    head: str
    at: datetime


def read_head(path: Path, disk: Disk) -> Head | None:
    """The head as it was last written; None where there is none.  RecordFailed when it is no head."""
    if not stands(path):
        return None
    try:
        said: Any = json.loads(read_whole(path, disk))
        return Head(_count(said["rows"]), _hash(said["head"]), moment(said["at"]))
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise RecordFailed(
            f"{path.name} is not as this tool writes it",
            fix="Compare it with its last copy (version control, backup) and put that back.",
            source=str(path),
        ) from error


def _count(said: Any) -> int:
    if type(said) is not int or said < 0:
        raise ValueError("rows is a number of 0 or more")
    return said


def _hash(said: Any) -> str:
    if not isinstance(said, str) or not re.fullmatch("sha256:[0-9a-f]{64}", said):
        raise ValueError("head is sha256: and 64 hexadecimal digits")
    return said


def write_head(log: Path, verified: Verification, disk: Disk) -> Head:
    """Write the log's head down beside it, all of it or nothing; RecordFailed."""
    with recording(log, "read"):
        written = datetime.fromtimestamp(int(log.stat().st_mtime), UTC)
    head = Head(len(verified.rows), verified.head, written)
    said = {"rows": head.rows, "head": head.head, "at": second(head.at)}
    replace_file(beside(log), canonical(said) + b"\n", disk=disk)
    return head


def against(head: Head | None, log: Verification, source: str = "its head") -> Problem | None:
    """What the head that is known from `source` says against the log."""
    if head is None:
        return None
    hashes = [row["row_hash"] for row in log.rows]
    return compared(head.rows, head.head, source, len(hashes), lambda number: hashes[number - 1], sound=log.sound)


def compared(
    rows: int, known: str, source: str, count: int, hash_at: Callable[[int], str], *, sound: bool
) -> Problem | None:
    """What is wrong with a log of `count` rows if it once had `rows`, and the last one's hash began with `known`.

    One that is behind (a crash before it was written) says nothing of the rows after it; nor does one whose row stands
    elsewhere in a chain that is broken anyway: then rows were moved, which is told already.
    """
    digits = known.removeprefix("sha256:")

    def stands(number: int) -> bool:
        stored = FIRST if number == 0 else hash_at(number) if number <= count else ""
        return stored.removeprefix("sha256:").startswith(digits)

    if stands(rows) or (not sound and any(stands(number) for number in range(1, count + 1))):
        return None
    if count < rows:
        sentence = f"the log had {rows} rows ({source}) and has {count}: its newest rows were cut off"
        return Problem(LogVerdict.TRUNCATED, count or None, None, sentence)
    sentence = f"row {rows} is not the row that was written there ({source}): the log was written anew"
    return Problem(LogVerdict.ROW_ALTERED, rows or None, "row_hash", sentence)
