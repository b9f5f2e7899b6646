from __future__ import annotations

import json
import multiprocessing
from pathlib import Path
from typing import Any

import pytest

from runbook.engine.errors import RecordFailed
from runbook.records.log import logs
from runbook.records.log.head import beside
from runbook.records.log.logs import Recorded, TrainingLog
from runbook.records.log.verdicts import LogVerdict
from tests.records.disks import CrashingDisk, FullDisk, ReadOnlyDisk, ShortDisk, TiredDisk, TracingDisk

DIGEST = "sha256:" + "00" * 32
HEAD = ["write", "fsync", "folder"]
"""How the head beside the log is replaced."""


def _record(log: TrainingLog, document: dict[str, Any], run_id: str | None = None, digest: str = DIGEST) -> Recorded:
    named = {**document, "run_id": run_id or document["run_id"]}
    return log.record(named, evidence_path="x/SHA256SUMS", evidence_digest=digest)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


def test_rows_are_appended_and_chained(home: Path, calm: dict[str, Any], empty_table: dict[str, Any]) -> None:
    log = TrainingLog(home)
    assert log.verify().verdict is LogVerdict.FILE_ABSENT
    assert log.path == home / "training" / "training-log.csv"
    first = _record(log, calm)
    second = _record(log, empty_table, "training-2")
    assert (first.row, second.row, second.already) == (1, 2, False)
    judged = log.verify()
    assert judged.verdict is LogVerdict.OK
    assert judged.rows[1]["prev_hash"] == first.row_hash
    assert log.head == second.row_hash
    assert not (home / "pending").exists()


def test_a_row_is_one_write_and_one_fsync_and_a_new_file_its_folders(home: Path, calm: dict[str, Any]) -> None:
    (home / "training").mkdir(parents=True)
    disk = TracingDisk()
    _record(TrainingLog(home, disk=disk), calm, "training-1")
    assert disk.calls == ["write", "fsync", "folder", *HEAD]
    disk.calls.clear()
    _record(TrainingLog(home, disk=disk), calm, "training-2")
    assert disk.calls == ["write", "fsync", *HEAD]
    disk.calls.clear()
    _record(TrainingLog(home, disk=disk), calm, "training-2")
    assert disk.calls == ["fsync", "folder", *HEAD], (
        "a row that stood there already is made durable before it is RECORDED"
    )


def test_the_same_run_is_recognised_not_appended_twice(home: Path, calm: dict[str, Any]) -> None:
    log = TrainingLog(home)
    first = _record(log, calm)
    content = log.path.read_bytes()
    assert _record(log, calm) == Recorded(1, first.row_hash, already=True, anchor=first.anchor)
    assert log.path.read_bytes() == content


def test_another_row_under_the_same_run_id_is_refused(home: Path, calm: dict[str, Any]) -> None:
    log = TrainingLog(home)
    _record(log, calm)
    with pytest.raises(RecordFailed, match=r"another row of training-.* already: it differs in evidence_digest"):
        _record(log, calm, digest="sha256:" + "11" * 32)


def test_only_training_runs_are_taken(home: Path, calm: dict[str, Any]) -> None:
    for mode in ("drill", "recovery", "rehearsal", None):
        with pytest.raises(RecordFailed, match="takes no"):
            TrainingLog(home).record({**calm, "mode": mode}, evidence_path="x", evidence_digest=DIGEST)
    assert not home.exists()


def test_no_public_way_leads_to_another_file(home: Path, calm: dict[str, Any], tmp_path: Path) -> None:
    log = TrainingLog(home)
    with pytest.raises(AttributeError):
        log.path = tmp_path / "restoration-test-log.csv"  # type: ignore[misc]  # the test is that it cannot be set
    for wrong in (logs.TestLog(home, home), logs.TestLog(tmp_path, home)):
        with pytest.raises(RecordFailed, match="takes no training run"):
            wrong.record(calm, evidence_path="x", evidence_digest=DIGEST)
    public = {name for name in vars(logs) if isinstance(vars(logs)[name], type) and not name.startswith("_")}
    writers = {name for name in public if hasattr(vars(logs)[name], "record")}
    assert writers == {"TrainingLog", "TestLog"}, "one takes nothing but training, the other everything but"


def test_a_damaged_log_is_left_alone_and_the_row_kept(home: Path, calm: dict[str, Any]) -> None:
    log = TrainingLog(home)
    _record(log, calm)
    damaged = log.path.read_bytes().replace(b"Pat Example", b"Sam Example")
    log.path.write_bytes(damaged)
    with pytest.raises(RecordFailed, match=r"NOT RECORDED: .*ROW_ALTERED.*kept in pending/training-2\.json"):
        _record(log, calm, "training-2")
    assert log.path.read_bytes() == damaged
    kept = json.loads((home / "pending" / "training-2.json").read_text())
    assert kept["row"]["run_id"] == "training-2"
    assert Path(kept["log"]).name == "training-log.csv"


def test_a_row_that_contradicts_itself_never_reaches_the_log(home: Path, calm: dict[str, Any]) -> None:
    with pytest.raises(RecordFailed, match="contradicts itself: FAIL although nothing"):
        TrainingLog(home).record({**calm, "outcome": "FAIL"}, evidence_path="x", evidence_digest=DIGEST)
    assert not (home / "training").exists()
    assert (home / "pending" / f"{calm['run_id']}.json").exists()


def test_a_spreadsheet_that_only_saved_it_differently_does_not_stop_the_next_run(
    home: Path, calm: dict[str, Any]
) -> None:
    log = TrainingLog(home)
    _record(log, calm)
    log.path.write_bytes(b"\xef\xbb\xbf" + log.path.read_bytes().replace(b"\r\n", b"\n"))
    _record(log, calm, "training-2")
    assert log.verify().verdict is LogVerdict.RE_ENCODED
    assert len(log.verify().rows) == 2


def test_a_linked_log_is_refused(home: Path, calm: dict[str, Any], tmp_path: Path) -> None:
    (home / "training").mkdir(parents=True)
    elsewhere = tmp_path / "restoration-test-log.csv"
    for target in (elsewhere, tmp_path / "there.csv"):
        if target is elsewhere:
            elsewhere.write_text("")
        TrainingLog(home).path.unlink(missing_ok=True)
        TrainingLog(home).path.symlink_to(target)
        with pytest.raises(RecordFailed, match="NOT RECORDED"):
            _record(TrainingLog(home), calm)
    assert elsewhere.read_text() == ""
    assert not (tmp_path / "there.csv").exists()


def _trouble(disk: FullDisk | ShortDisk | TiredDisk) -> None:
    if isinstance(disk, FullDisk):
        disk.full = True
    elif isinstance(disk, ShortDisk):
        disk.room = 100
    else:
        disk.tired = True


@pytest.mark.parametrize("kind", [FullDisk, ShortDisk, TiredDisk])
@pytest.mark.parametrize("rows_before", [0, 2])
def test_a_failing_disk_means_not_recorded_and_loses_no_older_row(
    home: Path, calm: dict[str, Any], kind: type[FullDisk | ShortDisk | TiredDisk], rows_before: int
) -> None:
    disk = kind()
    log = TrainingLog(home, disk=disk)
    for number in range(rows_before):
        _record(log, calm, f"training-{number}")
    (home / "training").mkdir(parents=True, exist_ok=True)
    (home / "pending").mkdir(exist_ok=True)
    older = log.verify().rows
    _trouble(disk)
    with pytest.raises(RecordFailed, match="NOT RECORDED"):
        _record(log, calm, "training-new")
    assert log.verify().rows[:rows_before] == older
    if isinstance(disk, TiredDisk):
        assert len(disk.asked) == 2, "once for the row, once for the pending file: never twice on one descriptor"
    else:
        assert log.verify().rows == older, "rolled back"
    recorded = _record(TrainingLog(home), calm, "training-new")
    assert recorded.row == rows_before + 1
    assert TrainingLog(home).verify().verdict is LogVerdict.OK


def test_a_read_only_disk_says_that_even_the_row_could_not_be_kept(home: Path, calm: dict[str, Any]) -> None:
    with pytest.raises(RecordFailed, match="nor could the row be kept in pending"):
        _record(TrainingLog(home, disk=ReadOnlyDisk()), calm)


def test_a_crash_at_any_byte_of_the_append_loses_no_older_row(home: Path, calm: dict[str, Any]) -> None:
    _record(TrainingLog(home), calm, "training-1")
    before = TrainingLog(home).path.read_bytes()
    head = beside(TrainingLog(home).path).read_bytes()
    older = TrainingLog(home).verify().rows
    _record(TrainingLog(home), calm, "training-2")
    length = len(TrainingLog(home).path.read_bytes()) - len(before)
    for cut in range(0, length + 1, 13):
        TrainingLog(home).path.write_bytes(before)
        beside(TrainingLog(home).path).write_bytes(head)
        with pytest.raises(KeyboardInterrupt):
            _record(TrainingLog(home, disk=CrashingDisk(cut)), calm, "training-2")
        judged = TrainingLog(home).verify()
        assert judged.rows[:1] == older
        assert judged.verdict in {LogVerdict.OK, LogVerdict.TORN_TAIL}


def _writer(home: Path, document: dict[str, Any], name: str) -> None:
    for number in range(4):
        _record(TrainingLog(home), document, f"training-{name}-{number}")


def test_writers_at_once_make_one_valid_chain(home: Path, calm: dict[str, Any]) -> None:
    context = multiprocessing.get_context("spawn")
    writers = [context.Process(target=_writer, args=(home, calm, name)) for name in ("a", "b", "c")]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(60)
    assert [writer.exitcode for writer in writers] == [0, 0, 0]
    judged = TrainingLog(home).verify()
    assert (judged.verdict, len(judged.rows)) == (LogVerdict.OK, 12)
