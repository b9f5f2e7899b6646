"""What an append that went wrong has left, and what the next start makes of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from runbook.engine.errors import RecordFailed
from runbook.records.disk import Disk
from runbook.records.log.logs import Recorded, TestLog
from runbook.records.log.verdicts import LogVerdict
from tests.records.disks import QuickDisk

RUN = "drill-new"
LOG = "compliance/restoration-test-log.csv"
HEAD = "compliance/restoration-test-log.head"
WAITING = f"pending/{RUN}.json"
DIGEST = "sha256:" + "00" * 32

Files = Mapping[str, bytes]


@dataclass(frozen=True)
class Story:
    """What was there before, and what is there once the row was appended; behind a `torn` one it has to wait."""

    name: str
    before: Files
    whole: Files
    torn: bool = False
    left: Files = field(default_factory=dict)  # what a killed process wrote by then and never synced
    full_after: int | None = None  # bytes that the disk takes
    stays_full: bool = True

    def begin(self, root: Path) -> None:
        """Lay the files out."""
        for name, content in self.before.items():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_bytes(content)


def log_at(root: Path, disk: Disk | None = None) -> TestLog:
    """The log of a place, and its pending folder."""
    return TestLog(root / "compliance", root / "pending", disk=disk)


def record(log: TestLog, document: Mapping[str, Any], run_id: str = RUN) -> Recorded:
    """Record this run under another id."""
    named = {**document, "run_id": run_id}
    return log.record(named, evidence_path=f"evidence/{run_id}", evidence_digest=DIGEST)


def next_start(root: Path, document: Mapping[str, Any], disk: Disk | None = None) -> None:
    """Bring in what waits, and record the run; RecordFailed."""
    log = log_at(root, disk)
    log.bring_in()
    record(log, document)


def files(root: Path) -> Files:
    """What is there, but for lock files."""
    found = (path for path in (*root.glob("compliance/*"), *root.glob("pending/*")) if path.suffix != ".lock")
    return {f"{path.parent.name}/{path.name}": path.read_bytes() for path in found}


def waits(root: Path) -> bool:
    """Whether the row is in the pending folder, and nothing else is."""
    return [row["run_id"] for row in log_at(root).pending()] == [RUN]


def grown(root: Path, document: Mapping[str, Any], rows: int) -> tuple[Files, Files]:
    """The files with so many rows, and with the new one behind them."""
    log = log_at(root, QuickDisk())
    for number in range(rows):
        record(log, document, f"drill-{number}")
    before = files(root)
    record(log, document)
    return before, files(root)


def torn(before: Files, whole: Files, length: int = 700) -> Story:
    """So many bytes of the new row are there."""
    return Story("torn", {**before, LOG: whole[LOG][: len(before[LOG]) + length]}, whole, torn=True)


def stories(folder: Path, document: Mapping[str, Any]) -> tuple[Story, ...]:
    """A first append, a later one, and one behind a torn row."""
    two, three = grown(folder / "two", document, 2)
    return (
        Story("first append", *grown(folder / "empty", document, 0)),
        Story("later append", two, three),
        torn(two, three),
    )


def problem(root: Path, story: Story, document: Mapping[str, Any], said: str) -> str | None:
    """What is wrong with what was left, after what was said of it; None when nothing is."""
    older, now = story.before.get(LOG, b""), files(root).get(LOG, b"")
    if now not in {older, story.whole[LOG]}:
        return f"the log holds {len(now)} bytes: neither the older rows nor those and the new one"
    if said.startswith("RECORDED") and now != story.whole[LOG]:
        return "it was said to be recorded, and is not there"
    if "the row is kept in pending" in said and not waits(root):
        return "it was said to wait, and does not"
    return _after_next_start(root, story, document)


def _after_next_start(root: Path, story: Story, document: Mapping[str, Any]) -> str | None:
    try:
        next_start(root, document)
    except RecordFailed as failure:
        fine = story.torn and waits(root) and files(root)[LOG] == story.before[LOG]
        return None if fine else f"the next start could not record it: {failure.sentence}"
    log = log_at(root)
    if (log.verify().verdict, files(root)[LOG], log.pending()) != (LogVerdict.OK, story.whole[LOG], ()):
        return f"the next start did not complete the record: {log.verify().verdict}"
    return None if log.recorded(RUN) else "the next start did not write the head"
