"""Heads of a log that are known outside of it: beside it, on paper, in a commit, in a locked object."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from runbook.engine.errors import RecordFailed, WrongUse
from runbook.records.disk import Disk, read_whole
from runbook.records.log.head import beside, compared, read_head
from runbook.records.log.judging import Judged
from runbook.records.log.verdicts import LogVerdict, Problem
from runbook.safety.outside_text import outside_text

DIGITS: Final = 16
"""Of a hash on paper.  Eight are taken too; but whoever writes a log anew can try until eight fit."""

_SHORT: Final = re.compile(r"(\d{1,9})[:\s]+(?:sha256:)?([0-9a-f]{8,64})", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Anchor:
    """How many rows the log had, its last row's hash (`digits`: the first 8 to 64), and where that is known from."""

    rows: int
    digits: str
    source: str

    @property
    def row_hash(self) -> str:
        """As a row has it, where all of it is known."""
        return f"sha256:{self.digits}"

    def __str__(self) -> str:
        return f"{self.rows}:{self.digits[:DIGITS]}"


def short(rows: int, head: str) -> str:
    """A head as it is read from paper: `12:9f86d081884c7d65`."""
    return f"{rows}:{outside_text(head).removeprefix('sha256:')[:DIGITS]}"


def given(text: str) -> Anchor:
    """`ROWS:HASH`, or the name of a file with one or with a head as it is kept beside a log; WrongUse for another."""
    try:
        said = _said(text)
        found = said or _said_in(Path(text))
    except (RecordFailed, ValueError, KeyError, TypeError, RecursionError) as failure:
        raise _no_head(text) from failure
    if found is None:
        raise _no_head(text)
    rows, digits = found
    return Anchor(rows, digits.lower(), "as given" if said else outside_text(text))


def kept_beside(log: Path, disk: Disk) -> Anchor | Problem | None:
    """The head file's; a Problem where it says nothing that could be compared."""
    try:
        head = read_head(beside(log), disk)
    except (RecordFailed, RecursionError) as failure:
        why = failure.sentence if isinstance(failure, RecordFailed) else f"{beside(log).name} is no head"
        sentence = f"{why}: whether rows were cut off cannot be said"
        return Problem(LogVerdict.TRUNCATED, None, None, sentence)
    return Anchor(head.rows, head.head.removeprefix("sha256:"), beside(log).name) if head else None


def against(anchor: Anchor, judged: Judged) -> Problem | None:
    """What is wrong with the log if that was its head (`head.compared`)."""
    return compared(anchor.rows, anchor.digits, anchor.source, judged.rows, judged.index.hash_at, sound=judged.sound)


def _said(text: str) -> tuple[int, str] | None:
    found = _SHORT.fullmatch(text.strip())
    return (int(found[1]), found[2]) if found else None


def _said_in(path: Path) -> tuple[int, str] | None:
    content = read_whole(path.absolute(), Disk()).decode("utf-8")
    if found := _said(content):
        return found
    head: Any = json.loads(content)
    return _said(f"{head['rows']}:{head['head']}")


def _no_head(text: str) -> WrongUse:
    return WrongUse(
        f"{outside_text(text, 200)} is no head of a log, and no file with one",
        fix="Give ROWS:HASH (at least 8 digits of the hash), or the .head file that was kept.",
    )
