"""A journal whose place takes nothing more: its lines go on in a second place, and come back when there is room again.

Only lines are ever added: where the two places differ, both stay as they are and the operator is told.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from pathlib import Path

from runbook.engine.errors import RecordFailed
from runbook.engine.events import Event
from runbook.records.chain import chained, read_chain
from runbook.records.disk import PRIVATE, Disk, make_folder, read_whole, replace_file
from runbook.records.line_file import keep_torn


def copy_lines(old: Path, new: Path, known: Iterable[Event], disk: Disk) -> None:
    """The whole lines of `old` in `new`, durable; where `old` cannot be read any more, `known` written again.

    A second place that holds them already, and perhaps more, stays as it is.  RecordFailed when it holds others.
    """
    lines = _whole_lines(old, known, disk)
    if new.exists() or new.is_symlink():
        if not read_whole(new, disk).startswith(lines):
            raise RecordFailed(
                f"{new} holds other lines than {old}: they are of two different walks",
                fix="Keep both files; the run cannot go on there.",
                source=str(new),
            )
        return
    make_folder(new.parent, disk)
    replace_file(new, lines, mode=PRIVATE, disk=disk)


def bring_back(second: Path, first: Path, disk: Disk) -> None:
    """The continued journal at its own place again, every line of it; the second place is given up after that.

    A torn line at the first place is kept beside it.  RecordFailed, with both files as they were, when the first place
    holds a line that the second does not: nothing that was recorded is written over.
    """
    content = read_whole(second, disk)
    continued = read_chain(content, second)
    lines = content[: continued.size]
    before = read_whole(first, disk) if first.exists() or first.is_symlink() else b""
    if before != lines:
        whole = read_chain(before, first)
        _refuse_differing(second, first, before[: whole.size], lines)
        if whole.torn:
            keep_torn(whole.torn, first, disk)
        make_folder(first.parent, disk)
        replace_file(first, lines, mode=PRIVATE, disk=disk)
        if read_whole(first, disk) != lines:
            raise RecordFailed(f"{first.name} does not hold what was written to it", source=str(first))
    with contextlib.suppress(OSError):  # what is left there is a copy: found again, it is recognised
        second.unlink()


def _whole_lines(old: Path, known: Iterable[Event], disk: Disk) -> bytes:
    lines = chained(known)
    try:
        content = read_whole(old, disk)
        chain = read_chain(content, old)
    except RecordFailed:
        if not lines:
            raise
        return lines
    found = content[: chain.size]
    return lines if lines.startswith(found) else found


def _refuse_differing(second: Path, first: Path, before: bytes, lines: bytes) -> None:
    if lines.startswith(before):
        return
    theirs, ours = before.splitlines(), lines.splitlines()
    number = next((n for n, (a, b) in enumerate(zip(theirs, ours, strict=False), start=1) if a != b), len(ours) + 1)
    raise RecordFailed(
        f"{first} holds another line {number} than {second}, where the run went on: nothing was written over",
        fix="Keep both files, and hand both over with the record.",
        source=str(first),
    )
