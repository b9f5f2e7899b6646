"""Rows that could not be written into their log, and how they come in later."""

from __future__ import annotations

import errno
import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from runbook.engine.errors import RecordFailed
from runbook.records.disk import Disk
from runbook.records.log.logs import Recorded, TestLog, TrainingLog
from runbook.records.log.verdicts import LogVerdict
from tests.records.disks import FullDisk
from tests.records.real_runs import DIGEST, drill, recovery, told_of_one_left
from tests.records.story import document_of

OTHER = "sha256:" + "11" * 32


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "compliance"


@pytest.fixture
def waiting(tmp_path: Path) -> Path:
    """The folder of the rows that wait."""
    return tmp_path / "pending"


@pytest.fixture
def log(folder: Path, waiting: Path) -> TestLog:
    return TestLog(folder, waiting)


@pytest.fixture
def calm_drill(tmp_path: Path) -> dict[str, Any]:
    return drill(tmp_path / "calm drill")


def _record(log: TestLog, document: dict[str, Any], run_id: str | None = None, digest: str = DIGEST) -> Recorded:
    named = {**document, "run_id": run_id or document["run_id"]}
    return log.record(named, evidence_path=f"evidence/{named['run_id']}", evidence_digest=digest)


def _kept(folder: Path, log: TestLog, document: dict[str, Any], run_id: str | None = None) -> None:
    """The row waits, since a file is where the folder should be."""
    folder.write_text("in the way")
    with pytest.raises(RecordFailed, match="NOT RECORDED"):
        _record(log, document, run_id)
    folder.unlink()


class _ReadOnlyFolder(Disk):
    """One folder's file system went read-only."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def open(self, path: Path, flags: int, mode: int = 0o600) -> int:
        if flags & (os.O_WRONLY | os.O_RDWR) and path.is_relative_to(self._folder):
            raise OSError(errno.EROFS, os.strerror(errno.EROFS))
        return super().open(path, flags, mode)


def test_a_recovery_whose_log_was_out_of_reach_is_one_row_with_its_true_times(
    log: TestLog, folder: Path, waiting: Path, calm_drill: dict[str, Any], tmp_path: Path
) -> None:
    for number in range(3):
        _record(log, calm_drill, f"drill-{number}")
    saved = tmp_path / "saved"
    folder.rename(saved)
    folder.symlink_to(tmp_path / "a volume that is gone")
    lost = recovery(tmp_path / "recovery")
    with pytest.raises(RecordFailed, match=rf"NOT RECORDED: .*kept in pending/{lost['run_id']}\.json"):
        _record(log, lost)
    folder.unlink()
    saved.rename(folder)
    (kept,) = log.pending()
    (recorded,) = log.bring_in()
    *_, row = log.verify().rows
    assert (recorded.row, recorded.already, row["record_type"]) == (4, False, "RUN")
    assert (row["started_at"], row["ended_at"]) == (kept["started_at"], kept["ended_at"])
    assert row["ended_at"] == lost["ended_at"][:19] + "Z"
    assert (log.pending(), log.bring_in(), list(waiting.iterdir())) == ((), (), [])
    assert log.verify().verdict is LogVerdict.OK


def test_a_log_that_takes_nothing_leaves_the_row_waiting(
    log: TestLog, folder: Path, waiting: Path, calm_drill: dict[str, Any]
) -> None:
    _record(log, calm_drill, "drill-1")
    content = log.path.read_bytes()
    locked = TestLog(folder, waiting, disk=_ReadOnlyFolder(folder))
    with pytest.raises(RecordFailed, match=r"NOT RECORDED: .*Read-only file system.*kept in pending/drill-2\.json"):
        _record(locked, calm_drill, "drill-2")
    assert log.path.read_bytes() == content
    assert [each.row for each in log.bring_in()] == [2]


def test_a_log_that_an_older_copy_replaced_leaves_the_row_waiting_until_the_newer_is_back(
    log: TestLog, calm_drill: dict[str, Any]
) -> None:
    _record(log, calm_drill, "drill-1")
    older = log.path.read_bytes()
    _record(log, calm_drill, "drill-2")
    newer = log.path.read_bytes()
    log.path.write_bytes(older)
    with pytest.raises(RecordFailed, match=r"NOT RECORDED: .*TRUNCATED"):
        _record(log, calm_drill, "drill-3")
    with pytest.raises(RecordFailed, match=r"^restoration-test-log.csv is damaged \(TRUNCATED\)"):
        log.bring_in()
    assert [row["run_id"] for row in log.pending()] == ["drill-3"]
    log.path.write_bytes(newer)
    assert [each.row for each in log.bring_in()] == [3]
    assert log.verify().verdict is LogVerdict.OK


def test_runs_come_in_before_what_follows_them_each_in_its_order(
    log: TestLog, folder: Path, waiting: Path, calm_drill: dict[str, Any], tmp_path: Path
) -> None:
    left = document_of(told_of_one_left(tmp_path / "left"))
    folder.write_text("in the way")
    full = TestLog(folder, waiting)
    said = {"evidence_path": "evidence/x", "evidence_digest": OTHER}
    with pytest.raises(RecordFailed, match=r"kept in pending/.*\.cleanup-1\.json"):
        full.amend(left["run_id"], {**left, "summary": "One less."}, own=f"{left['run_id']}.cleanup-1", **said)
    with pytest.raises(RecordFailed, match=r"kept in pending/.*\.cleanup-2\.json"):
        full.amend(left["run_id"], {**left, "summary": "Gone."}, own=f"{left['run_id']}.cleanup-2", **said)
    for run_id, ended in (("drill-later", "2027-03-15T11:00:00Z"), (left["run_id"], left["ended_at"])):
        with pytest.raises(RecordFailed, match="NOT RECORDED"):
            _record(full, {**left, "run_id": run_id, "ended_at": ended})
    folder.unlink()
    assert [each.row for each in log.bring_in()] == [1, 2, 3, 4]
    names = [row["run_id"].removeprefix(left["run_id"]) for row in log.verify().rows]
    assert names == ["", "drill-later", ".cleanup-1", ".cleanup-2"]


def test_a_sign_off_that_found_the_disk_full_waits_and_comes_in(
    log: TestLog, folder: Path, waiting: Path, calm_drill: dict[str, Any]
) -> None:
    run_id, at = calm_drill["run_id"], datetime(2027, 1, 20, 9, 0, tzinfo=UTC)
    _record(log, calm_drill)
    full = TestLog(folder, waiting, disk=_FullFolder(folder))
    with pytest.raises(RecordFailed, match=r"NOT RECORDED: .*kept in pending/.*\.signoff-1\.json"):
        full.sign(
            run_id,
            decision="SIGNED",
            name="Robin Board",
            at=at,
            own=f"{run_id}.signoff-1",
            evidence_path="evidence/s",
            evidence_digest=OTHER,
        )
    assert [each.row for each in log.bring_in()] == [2]
    assert log.verify().rows[1]["signoff_name"] == "Robin Board"


class _FullFolder(FullDisk):
    """One folder's disk is full."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def open(self, path: Path, flags: int, mode: int = 0o600) -> int:
        self.full = path.is_relative_to(self._folder)
        return super().open(path, flags, mode)


def test_what_follows_a_run_comes_in_as_it_was_kept_whatever_it_is_called(
    log: TestLog, folder: Path, waiting: Path, calm_drill: dict[str, Any]
) -> None:
    run_id, at = calm_drill["run_id"], datetime(2027, 1, 20, 9, 0, tzinfo=UTC)
    _record(log, calm_drill)
    full = TestLog(folder, waiting, disk=_FullFolder(folder))
    said = {"evidence_path": "evidence/s", "evidence_digest": OTHER}
    with pytest.raises(RecordFailed, match="NOT RECORDED"):
        full.sign(run_id, decision="SIGNED", name="Robin Board", at=at, own=f"{run_id}.signoff-1", **said)
    with pytest.raises(RecordFailed, match="NOT RECORDED"):
        full.correct(run_id, {"summary": "Later."}, own=f"{run_id}.amendment-1", **said)
    for name, seconds in (("signoff-1", 1_000_000), ("amendment-1", 1_000_001)):
        os.utime(waiting / f"{run_id}.{name}.json", (seconds, seconds))
    assert [each.row for each in log.bring_in()] == [2, 3]
    assert [row["record_type"] for row in log.verify().rows] == ["RUN", "SIGNOFF", "AMENDMENT"]


def test_a_waiting_row_that_is_there_by_now_is_recognised(
    log: TestLog, folder: Path, waiting: Path, calm_drill: dict[str, Any]
) -> None:
    _kept(folder, log, calm_drill)
    kept = waiting / f"{calm_drill['run_id']}.json"
    note = kept.read_bytes()
    _record(log, calm_drill)
    assert not kept.exists(), "it is in the log"
    kept.write_bytes(note)
    assert [each.already for each in log.bring_in()] == [True]
    assert (len(log.verify().rows), kept.exists()) == (1, False)


def test_one_that_the_log_has_otherwise_is_told_and_stays_and_the_others_come_in(
    log: TestLog, folder: Path, waiting: Path, calm_drill: dict[str, Any]
) -> None:
    _kept(folder, log, calm_drill, "drill-1")
    _kept(folder, log, calm_drill, "drill-2")
    note = (waiting / "drill-1.json").read_bytes()
    _record(log, calm_drill, "drill-1", digest=OTHER)
    (waiting / "drill-1.json").write_bytes(note)
    with pytest.raises(RecordFailed, match=r"drill-1: .*has another row of drill-1 already.*evidence_digest"):
        log.bring_in()
    assert [row["run_id"] for row in log.verify().rows] == ["drill-1", "drill-2"]
    assert [each.name for each in waiting.iterdir()] == ["drill-1.json"]


def test_a_person_s_row_that_may_not_be_any_more_is_told_and_stays(
    log: TestLog, waiting: Path, calm_drill: dict[str, Any]
) -> None:
    _record(log, calm_drill)
    run_id = calm_drill["run_id"]
    row = {"run_id": f"{run_id}.signoff-1", "record_type": "SIGNOFF", "refers_to": run_id, "signoff": "SIGNED"}
    said = {"signoff_name": "Pat Example", "signed_at": "2027-01-20T09:00:00Z", "tool_version": "runbook 1"}
    proof = {"evidence_path": "evidence/s", "evidence_digest": OTHER}
    _note(waiting, row["run_id"], log=str(log.path), row={**row, **said, **proof})
    with pytest.raises(RecordFailed, match=r"signoff-1: Pat Example ran it: a sign-off is somebody else's"):
        log.bring_in()
    assert (len(log.verify().rows), len(log.pending())) == (1, 1)


def _note(waiting: Path, name: str, **said: Any) -> None:
    waiting.mkdir(exist_ok=True)
    note = {"schema": 1, "log": "", "why": "", "row": {"run_id": name, "record_type": "RUN", "refers_to": ""}, **said}
    (waiting / f"{name}.json").write_text(json.dumps(note))


def test_what_nobody_will_bring_in_stays_where_it_is_and_is_told(log: TestLog, waiting: Path, tmp_path: Path) -> None:
    mine, elsewhere = str(log.path), str(tmp_path / "another" / log.path.name)
    _note(waiting, "a-training", log=str(tmp_path / "training" / "training-log.csv"))
    _note(waiting, "b-named-otherwise", log=mine, row={"run_id": "b", "record_type": "RUN", "refers_to": ""})
    _note(waiting, "c-partial", log=mine, row={"run_id": "c-partial"})
    _note(waiting, "d-newer", log=mine, schema=2)
    _note(waiting, "e-of-another", log=elsewhere)
    for name, content in (("f-cut", "{"), ("g-list", "[]"), ("h-no-text", "\\ud800"), ("i-row", '{"schema": 1}')):
        (waiting / f"{name}.json").write_text(content)
    _note(waiting, "j-row", log=mine, row="no row")
    (waiting / "k-folder.json").mkdir()
    (waiting / "l-link.json").symlink_to(tmp_path / "nowhere")
    before = sorted(waiting.iterdir())
    assert log.pending() == ()
    assert log.bring_in() == ()
    told = {said.partition(" ")[0][len("pending/") : -len(".json")]: said for said in log.pending_troubles()}
    assert sorted(told) == sorted(path.stem for path in before if path.stem != "a-training")
    assert "schema 2" in told["d-newer"]
    assert f"waits for {elsewhere}: start the tool with that log's configuration" in told["e-of-another"]
    assert f"if the log moved to {mine}," in told["e-of-another"]
    assert all("it is left where it is" in said for name, said in told.items() if name != "e-of-another")
    assert sorted(waiting.iterdir()) == before


def test_training_s_rows_wait_and_come_in_alike(tmp_path: Path, calm: dict[str, Any]) -> None:
    log = TrainingLog(tmp_path)
    (tmp_path / "training").write_text("in the way")
    with pytest.raises(RecordFailed, match=r"NOT RECORDED: .*kept in pending"):
        log.record(calm, evidence_path="training/x", evidence_digest=DIGEST)
    (tmp_path / "training").unlink()
    assert TestLog(tmp_path / "compliance", tmp_path / "pending").pending() == ()
    assert [each.row for each in log.bring_in()] == [1]
    assert log.recorded(calm["run_id"])
