"""A disk that fails at any one call: said in a sentence, nothing lost, and the next start completes the record."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from runbook.engine.errors import RecordFailed
from runbook.engine.events import Event, Kind
from runbook.engine.run import replay
from runbook.records.disk import Disk, free_bytes
from runbook.records.evidence import run_json, sealing
from runbook.records.journal import Journal, read
from runbook.records.log.logs import TestLog
from runbook.records.log.verdicts import LogVerdict
from runbook.records.report import rendering
from tests.records.disks import FailsAt
from tests.records.real_runs import DRILL, drill, told
from tests.records.story import PROCEDURE, FakeClock, tell_calm

HOW = ("full", "short", "io", "readonly")
EITHER = pytest.mark.parametrize("stays", [False, True], ids=["once", "from then on"])
ANY = pytest.mark.parametrize("how", HOW)


def _until_none_fires(attempt: Callable[[int], bool]) -> int:
    """Let each call fail in turn; answers how many there were."""
    number = 1
    while attempt(number):
        number += 1
    return number - 1


def _failure(deed: Callable[[], object]) -> RecordFailed | None:
    """What was said of it; it says what helps, too."""
    try:
        deed()
    except RecordFailed as failure:
        return failure if failure.fix else pytest.fail(f"no fix: {failure.sentence}")
    return None


# -- the journal --------------------------------------------------------------------------------------------------
@ANY
def test_a_journal_stops_at_the_first_failure_and_can_be_gone_on_with(tmp_path: Path, how: str) -> None:
    def attempt(number: int) -> bool:
        path = tmp_path / str(number) / "journal.jsonl"
        path.parent.mkdir()
        disk, seen = FailsAt(how, number), list[Event]()
        failure = _failure(lambda: _tell(path, disk, seen))
        assert (failure is not None) is disk.fired
        assert failure is None or "could not be" in failure.sentence
        _goes_on(path, seen)
        return disk.fired

    assert _until_none_fires(attempt) >= (1 if how == "readonly" else 30)


def _tell(path: Path, disk: Disk, seen: list[Event]) -> None:
    clock = FakeClock()
    told = Journal.create(path, clock, disk=disk)

    class Noting:
        def append(self, kind: Kind, *, stage: str | None, step: str | None, data: Any) -> Event:
            event = told.append(kind, stage=stage, step=step, data=data)
            seen.append(event)
            return event

    try:
        tell_calm(Noting(), clock, DRILL)
    finally:
        with pytest.raises(RecordFailed):  # after a failure as after the end
            told.append(Kind.HEARTBEAT, stage="vault", step=None, data={})
        told.close()


def _goes_on(path: Path, seen: list[Event]) -> None:
    if not path.exists() or not read(path):
        assert seen == []
        return
    told = Journal.open(path, FakeClock())
    assert list(told.past[: len(seen)]) == seen, "nothing that was acknowledged is lost"
    if told.past[-1].kind is not Kind.ENDED:
        told.append(Kind.RESUMED, stage=None, step=None, data={"by": "the next start"})
        assert read(path) == told.events
    told.close()


# -- what follows the journal's last line -------------------------------------------------------------------------
def _close(folder: Path, log: TestLog, disk: Disk | None = None) -> None:
    """As a session ends a run, and as the next start finishes it."""
    if not (folder / sealing.SUMS).exists():
        events = read(folder / "journal.jsonl")
        document = run_json.document(replay(events), events, PROCEDURE, {"previous_head": log.head})
        sealing.write_document(folder, document, disk=disk)
        sealing.write_text(folder / "report.md", rendering.markdown(document), disk=disk)
        sealing.seal(folder, disk=disk)
    document = sealing.read_document(folder)
    log.record(document, evidence_path=f"evidence/{folder.name}", evidence_digest=sealing.sealed_digest(folder))


def _is_sealed(folder: Path) -> bool:
    lines = (folder / sealing.SUMS).read_text().splitlines()
    named = {name: digest for digest, _, name in (line.partition("  ") for line in lines)}
    there = {path.name for path in folder.iterdir()} - {sealing.SUMS}
    whole = all(hashlib.sha256((folder / name).read_bytes()).hexdigest() == named[name] for name in named)
    return there == set(named) == {"journal.jsonl", "run.json", "report.md"} and whole


@ANY
@EITHER
def test_a_record_that_cannot_be_written_loses_nothing_and_the_next_start_completes_it(
    tmp_path: Path, how: str, *, stays: bool
) -> None:
    calm = drill(tmp_path / "earlier")

    def attempt(number: int) -> bool:
        place = tmp_path / str(number)
        compliance, folder = place / "compliance", place / "compliance" / "evidence" / DRILL["run_id"]
        events = told(folder)
        TestLog(compliance, place / "pending").record(
            {**calm, "run_id": "drill-earlier"}, evidence_path="e", evidence_digest="sha256:" + "00" * 32
        )
        disk = FailsAt(how, number, stays=stays)
        failure = _failure(lambda: _close(folder, TestLog(compliance, place / "pending", disk=disk), disk))
        assert (failure is not None) is disk.fired
        assert failure is None or "could not be" in failure.sentence
        log = TestLog(compliance, place / "pending")
        assert log.verify().rows[0]["run_id"] == "drill-earlier"
        assert read(folder / "journal.jsonl") == events
        _close(folder, log)
        assert [row["run_id"] for row in log.verify().rows] == ["drill-earlier", DRILL["run_id"]]
        assert (log.verify().verdict, log.pending(), log.recorded(DRILL["run_id"])) == (LogVerdict.OK, (), True)
        assert _is_sealed(folder)
        return disk.fired

    assert _until_none_fires(attempt) >= 5


def test_a_failed_fsync_of_the_row_is_not_recorded_and_the_row_waits(tmp_path: Path) -> None:
    document = drill(tmp_path / "run")
    disk = FailsAt("io", 1)
    (tmp_path / "compliance").mkdir()
    log = TestLog(tmp_path / "compliance", tmp_path / "pending", disk=disk)
    with pytest.raises(RecordFailed, match=r"NOT RECORDED: .*made durable.*kept in pending/drill-"):
        log.record(document, evidence_path="e", evidence_digest="sha256:" + "00" * 32)
    later = TestLog(tmp_path / "compliance", tmp_path / "pending")
    assert [each.already for each in later.bring_in()] == [True], "it may have reached the medium after all"


def test_what_a_crash_left_half_written_in_the_evidence_is_not_sealed(tmp_path: Path) -> None:
    told(tmp_path)
    (tmp_path / ".run.json.0a1b2c3d").write_text('{"half')
    sealing.write_text(tmp_path / "report.md", "whole")
    sealing.seal(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {"journal.jsonl", "report.md", sealing.SUMS}


def test_free_space_is_asked_of_the_disk_that_a_folder_will_lie_on(tmp_path: Path) -> None:
    assert free_bytes(tmp_path) > 0
    assert abs(free_bytes(tmp_path / "not" / "yet" / "there") - free_bytes(tmp_path)) < 2**30
