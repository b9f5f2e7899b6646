"""The restoration-test log: what it takes, its amendments, its head."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from runbook.engine.errors import RecordFailed
from runbook.records.canonical import moment
from runbook.records.log.logs import Recorded, TestLog, TrainingLog
from runbook.records.log.testlog import COLUMNS, FIRST, Domain, line, row_hash, sealed
from runbook.records.log.verdicts import LogVerdict
from tests.records.disks import FullDisk
from tests.records.real_runs import DIGEST, drill, told_of_one_left
from tests.records.story import document_of

OTHER = "sha256:" + "11" * 32


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "compliance"


@pytest.fixture
def log(folder: Path, tmp_path: Path) -> TestLog:
    return TestLog(folder, tmp_path / "pending")


@pytest.fixture
def calm_drill(tmp_path: Path) -> dict[str, Any]:
    return drill(tmp_path / "calm drill")


@pytest.fixture
def left(tmp_path: Path) -> dict[str, Any]:
    """run.json of a drill whose instance could not be deleted."""
    return document_of(told_of_one_left(tmp_path / "left"))


def _record(log: TestLog, document: dict[str, Any], run_id: str | None = None) -> Recorded:
    named = {**document, "run_id": run_id or document["run_id"]}
    return log.record(named, evidence_path=f"evidence/{named['run_id']}", evidence_digest=DIGEST)


def _removed(document: dict[str, Any]) -> dict[str, Any]:
    return {
        **document,
        "cleanup": {"state": "DONE", "at": "2027-01-16T08:00:00Z"},
        "findings": [{**each, "status": "CLOSED"} for each in document["findings"]],
        "summary": "The instance that was left is gone.",
    }


def _amend(log: TestLog, document: dict[str, Any], **more: str) -> Recorded:
    run_id = document["run_id"]
    said = {"own": f"{run_id}.cleanup-1", "evidence_path": "evidence/x.cleanup-1", "evidence_digest": OTHER, **more}
    return log.amend(run_id, _removed(document), **said)


def test_a_drill_is_recorded_as_what_it_was(log: TestLog, folder: Path, calm_drill: dict[str, Any]) -> None:
    recorded = _record(log, calm_drill)
    (row,) = log.verify().rows
    said = {name: row[name] for name in ("mode", "environment", "providers", "region", "dpia_ref", "evidence_refs")}
    assert said == {
        "mode": "DRILL",
        "environment": "STAGING",
        "providers": "REAL",
        "region": "eu-west-2",
        "dpia_ref": "DPIA-12",
        "evidence_refs": "DSPT 7.2.1;7.3.4",
    }
    assert (row["witness_name"], row["signoff"], row["patient_data_used"]) == ("Sam Example", "PENDING", "YES")
    assert row["row_hash"] == recorded.row_hash == row_hash(row, Domain.TEST) == log.head
    assert log.path == folder / "restoration-test-log.csv"


def test_a_training_run_never_reaches_it_not_even_from_the_pending_folder(
    log: TestLog, folder: Path, tmp_path: Path, calm: dict[str, Any], calm_drill: dict[str, Any]
) -> None:
    for mode in ("training", "", None, "DRILL"):
        with pytest.raises(RecordFailed, match="takes no"):
            _record(log, {**calm, "mode": mode})
        with pytest.raises(RecordFailed, match="takes no"):
            log.amend(calm["run_id"], {**calm, "mode": mode}, own="x", evidence_path="x", evidence_digest=DIGEST)
    TrainingLog(tmp_path).record(calm, evidence_path="x", evidence_digest=DIGEST)
    (row,) = TrainingLog(tmp_path).verify().rows
    note = {"schema": 1, "log": str(log.path), "why": "smuggled", "row": row}
    (tmp_path / "pending").mkdir()
    (tmp_path / "pending" / f"{row['run_id']}.json").write_text(json.dumps(note))
    with pytest.raises(RecordFailed, match="takes no training run"):
        log.bring_in()
    assert not folder.exists()
    _record(log, calm_drill)
    log.path.write_bytes(log.path.read_bytes() + line(row))
    assert log.verify().verdict is LogVerdict.ROW_ALTERED, "another hash domain"


# -- the head -----------------------------------------------------------------------------------------------------
def test_each_append_leaves_the_head_beside_the_log(log: TestLog, folder: Path, calm_drill: dict[str, Any]) -> None:
    first = _record(log, calm_drill)
    second = _record(log, calm_drill, "drill-2")
    said = json.loads((folder / "restoration-test-log.head").read_text())
    assert (said["rows"], said["head"]) == (2, second.row_hash)
    assert first.anchor is not None
    assert second.anchor is not None
    assert (first.anchor.rows, first.anchor.head) == (1, first.row_hash)
    assert (second.anchor.rows, second.anchor.head, second.anchor.at) == (2, second.row_hash, moment(said["at"]))
    assert log.recorded("drill-2")
    assert not log.recorded("drill-3")


def test_rows_that_were_cut_off_are_seen_by_the_head_and_nothing_is_appended(
    log: TestLog, calm_drill: dict[str, Any]
) -> None:
    for number in range(3):
        _record(log, calm_drill, f"drill-{number}")
    whole = log.path.read_bytes()
    lines = whole.splitlines(keepends=True)
    for kept in (1, 2, 3):
        log.path.write_bytes(b"".join(lines[:kept]))
        assert log.verify().verdict is LogVerdict.TRUNCATED
        with pytest.raises(
            RecordFailed, match=r"TRUNCATED\): the log had 3 rows \(restoration-test-log\.head\) and has"
        ):
            _record(log, calm_drill, "drill-new")
        assert log.path.read_bytes() == b"".join(lines[:kept])
    log.path.unlink()
    assert log.verify().verdict is LogVerdict.FILE_ABSENT
    with pytest.raises(RecordFailed, match=r"the log had 3 rows \(restoration-test-log\.head\) and has 0"):
        _record(log, calm_drill, "drill-new")
    assert not log.path.exists(), "a log that is gone is never begun anew"


def test_a_log_that_was_written_anew_is_seen_by_the_head(log: TestLog, calm_drill: dict[str, Any]) -> None:
    _record(log, calm_drill)
    (row,) = log.verify().rows
    forged = sealed({**row, "operator_name": "Somebody Else"}, FIRST, Domain.TEST)
    log.path.write_bytes(line(COLUMNS) + line(forged))
    assert log.verify().verdict is LogVerdict.ROW_ALTERED
    assert "written anew" in log.verify().problems[0].sentence


def test_a_head_that_is_none_of_ours_stops_the_append(log: TestLog, folder: Path, calm_drill: dict[str, Any]) -> None:
    _record(log, calm_drill)
    for content in (b"", b"[]", b'{"rows": 1}', b"\xff\xfe"):
        (folder / "restoration-test-log.head").write_bytes(content)
        with pytest.raises(RecordFailed, match="whether rows were cut off cannot be said"):
            _record(log, calm_drill, "drill-2")
    assert len(log.verify().rows) == 1


def test_a_head_that_a_crash_left_behind_is_caught_up_with(
    log: TestLog, folder: Path, calm_drill: dict[str, Any]
) -> None:
    _record(log, calm_drill)
    behind = (folder / "restoration-test-log.head").read_bytes()
    second = _record(log, calm_drill, "drill-2")
    (folder / "restoration-test-log.head").write_bytes(behind)
    assert log.verify().verdict is LogVerdict.OK
    assert not log.recorded("drill-2"), "the next start does it again"
    again = _record(log, calm_drill, "drill-2")
    assert again == Recorded(2, second.row_hash, already=True, anchor=second.anchor)
    assert log.recorded("drill-2")


class _HeadFails(FullDisk):
    """Full after so many writes."""

    def __init__(self, writes: int) -> None:
        self.left = writes

    def write(self, descriptor: int, data: bytes) -> int:
        self.left -= 1
        self.full = self.left < 0
        return super().write(descriptor, data)


def test_a_head_that_cannot_be_written_is_said_and_the_row_stands(
    folder: Path, tmp_path: Path, calm_drill: dict[str, Any]
) -> None:
    log = TestLog(folder, tmp_path / "pending", disk=_HeadFails(1))
    with pytest.raises(RecordFailed, match=r"row 1 is in restoration-test-log.csv, but .*head could not be written"):
        _record(log, calm_drill)
    assert not (tmp_path / "pending").exists(), "nothing waits: the row is there"
    later = TestLog(folder, tmp_path / "pending")
    assert not later.recorded(calm_drill["run_id"])
    assert _record(later, calm_drill).already
    assert later.recorded(calm_drill["run_id"])
    assert not list(folder.glob(".*.head.*")), "nothing half written stays"


# -- amendments ---------------------------------------------------------------------------------------------------
def test_what_became_of_a_run_is_a_row_of_its_own(log: TestLog, left: dict[str, Any]) -> None:
    _record(log, left)
    before = log.path.read_bytes()
    amended = _amend(log, left)
    assert log.path.read_bytes().startswith(before), "no row is ever changed"
    run, row = log.verify().rows
    assert (run["outcome"], run["cleanup"], run["findings_open"]) == ("PASS_WITH_ISSUES", "FAILED", "1")
    differing = {name for name in COLUMNS if run[name] != row[name]}
    assert differing == {
        "run_id",
        "record_type",
        "refers_to",
        "cleanup",
        "cleanup_at",
        "findings_open",
        "summary",
        "evidence_path",
        "evidence_digest",
        "prev_hash",
        "row_hash",
    }
    assert (row["run_id"], row["record_type"], row["refers_to"]) == (
        f"{left['run_id']}.cleanup-1",
        "AMENDMENT",
        left["run_id"],
    )
    assert (row["cleanup"], row["cleanup_at"], row["findings_open"]) == ("DONE", "2027-01-16T08:00:00Z", "0")
    assert (row["outcome"], row["prev_hash"], amended.row) == ("PASS_WITH_ISSUES", run["row_hash"], 2)
    assert log.verify().verdict is LogVerdict.OK


def test_the_same_amendment_is_recognised_and_another_has_a_name_of_its_own(log: TestLog, left: dict[str, Any]) -> None:
    run_id = left["run_id"]
    _record(log, left)
    assert log.next_name(run_id, "cleanup") == f"{run_id}.cleanup-1"
    first = _amend(log, left)
    assert _amend(log, left) == Recorded(2, first.row_hash, already=True, anchor=first.anchor)
    with pytest.raises(RecordFailed, match=r"another row of .*\.cleanup-1 already: it differs in evidence_path"):
        _amend(log, left, evidence_path="evidence/x.cleanup-2")
    seventh = _amend(log, left, own=f"{run_id}.cleanup-7", evidence_path="evidence/x.cleanup-7")
    assert log.next_name(run_id, "cleanup") == f"{run_id}.cleanup-8"
    assert (seventh.row, log.verify().verdict) == (3, LogVerdict.OK)


def test_only_a_run_that_stands_there_can_be_amended(log: TestLog, left: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(RecordFailed, match=r"NOT RECORDED: .* has no row in the log that a further one could"):
        _amend(log, left)
    with pytest.raises(RecordFailed, match="does not amend drill-other"):
        log.amend("drill-other", left, own="x", evidence_path="x", evidence_digest=DIGEST)
    assert (tmp_path / "pending" / f"{left['run_id']}.cleanup-1.json").exists()
    _record(log, left)
    (brought,) = log.bring_in()
    assert (brought.row, log.verify().rows[1]["record_type"]) == (2, "AMENDMENT")
    assert log.pending() == ()


@pytest.mark.parametrize(
    ("change", "wrong"),
    [
        ({"outcome": "PASS"}, "it changes outcome, which no cleanup may"),
        ({"started_at": "2027-01-14T10:00:00Z", "operator_name": "X"}, "it changes operator_name, started_at, which"),
        ({"refers_to": "drill-nobody"}, "it refers to drill-nobody, of which no row stands before it"),
    ],
)
def test_an_amendment_that_may_not_be_is_found_by_verify(
    log: TestLog, left: dict[str, Any], change: dict[str, str], wrong: str
) -> None:
    _record(log, left)
    _amend(log, left)
    run, row = log.verify().rows
    forged = sealed({**row, **change}, run["row_hash"], Domain.TEST)
    log.path.write_bytes(line(COLUMNS) + line(run) + line(forged))
    log.path.with_suffix(".head").unlink()
    judged = log.verify()
    assert judged.verdict is LogVerdict.ROW_ALTERED
    assert {each.row for each in judged.problems} == {2}
    assert any(wrong in each.sentence for each in judged.problems)


def test_a_second_row_of_a_run_is_found_by_verify(log: TestLog, calm_drill: dict[str, Any]) -> None:
    _record(log, calm_drill)
    (run,) = log.verify().rows
    again = sealed({**run, "summary": "another"}, run["row_hash"], Domain.TEST)
    log.path.write_bytes(line(COLUMNS) + line(run) + line(again))
    assert log.verify().verdict is LogVerdict.ROW_DUPLICATED


# -- the head for the next run's evidence -----------------------------------------------------------------------------
def test_the_next_run_is_told_the_head_of_the_log(log: TestLog, folder: Path, calm_drill: dict[str, Any]) -> None:
    assert log.head == FIRST, "no run was ever recorded"
    folder.mkdir()
    log.path.touch()
    assert log.head == FIRST, "its first write never happened"
    recorded = _record(log, calm_drill)
    assert log.head == recorded.row_hash
    log.path.write_bytes(log.path.read_bytes().replace(b"\r\n", b"\n"))
    assert log.head == recorded.row_hash, "a spreadsheet saved it"


@pytest.mark.parametrize(
    "damage",
    [
        lambda path: path.write_bytes(path.read_bytes()[:-2]),
        lambda path: path.write_bytes(path.read_bytes().replace(b"DRILL", b"DR1LL")),
        lambda path: path.write_bytes(b""),
        Path.unlink,
        lambda path: (path.unlink(), path.mkdir()),
    ],
)
def test_the_head_of_a_damaged_log_is_not_known(
    log: TestLog, calm_drill: dict[str, Any], damage: Callable[[Path], object]
) -> None:
    _record(log, calm_drill)
    damage(log.path)
    assert log.head is None
