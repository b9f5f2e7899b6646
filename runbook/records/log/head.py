"""`restoration-test-log.head`: what the test log's last row was, kept outside the file.

A chain cannot show that its newest rows were cut off; a head that is known elsewhere can.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from runbook.engine.errors import RecordFailed
from runbook.records.canonical import canonical, moment, second
from runbook.records.disk import Disk, read_whole, recording, replace_file
from runbook.records.log.verdicts import LogVerdict, Problem, Verification


@dataclass(frozen=True, slots=True)
class Head:
    """How many rows the log had, its last row's hash, and when that row was written (by this machine's clock)."""

    rows: int
    head: str
    at: datetime


def read_head(path: Path, disk: Disk) -> Head | None:
    """The head as it was last written; None where there is none.  RecordFailed when it is no head."""
    if not path.exists() and not path.is_symlink():
        return None
    try:
        said: Any = json.loads(read_whole(path, disk))
        return Head(int(said["rows"]), str(said["head"]), moment(said["at"]))
    except (ValueError, KeyError, TypeError) as error:
        raise RecordFailed(
            f"{path.name} is not as this tool writes it",
            fix="Compare it with its last copy (version control, backup) and put that back.",
            source=str(path),
        ) from error


def write_head(path: Path, log: Path, verified: Verification, disk: Disk) -> Head:
    """Write down the log's head, all of it or nothing; RecordFailed."""
    with recording(log, "read"):
        written = datetime.fromtimestamp(log.stat().st_mtime, UTC)
    head = Head(len(verified.rows), verified.head, written)
    said = {"rows": head.rows, "head": head.head, "at": second(head.at)}
    replace_file(path, canonical(said) + b"\n", disk=disk)
    return head


def against(head: Head | None, verified: Verification) -> Problem | None:
    """What the head says against the log; one that is behind (a crash before it was written) says nothing."""
    if head is None:
        return None
    if len(verified.rows) < head.rows:
        sentence = f"the log had {head.rows} rows and has {len(verified.rows)}: its newest rows were cut off"
        return Problem(LogVerdict.TRUNCATED, len(verified.rows) or None, None, sentence)
    if head.rows and verified.rows[head.rows - 1]["row_hash"] != head.head:
        sentence = f"row {head.rows} is not the row that was written there: the log was written anew"
        return Problem(LogVerdict.ROW_ALTERED, head.rows, "row_hash", sentence)
    return None
