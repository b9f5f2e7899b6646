"""A journal whose place takes nothing more goes on in a second place, and comes back without losing a line."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

import pytest

from runbook.engine.errors import RecordFailed
from runbook.engine.events import Kind
from runbook.engine.run import replay
from runbook.records.journal import Journal, read
from tests.records.disks import FailsAt, FullDisk, TiredDisk
from tests.records.story import DECLARED, FakeClock

WHY = "journal.jsonl could not be written: No space left on device"


@pytest.fixture
def first(tmp_path: Path) -> Path:
    return tmp_path / "compliance" / "journal.jsonl"


@pytest.fixture
def second(tmp_path: Path) -> Path:
    return tmp_path / "home" / "runs" / "journal.jsonl"


def _failed(first: Path, disk: FullDisk | TiredDisk) -> Journal:
    told = Journal.create(first, FakeClock(), disk=disk)
    told.append(Kind.DECLARED, stage=None, step=None, data=DECLARED)
    told.append(Kind.STARTED, stage="identity", step=None, data={})
    if isinstance(disk, FullDisk):
        disk.full = True
    else:
        disk.tired = True
    with pytest.raises(RecordFailed):
        told.append(Kind.STARTED, stage="vault", step=None, data={})
    told.close()
    return told


def _rescued(first: Path, second: Path) -> Journal:
    return Journal.rescued(first, second, FakeClock(), why=WHY)


def _say(told: Journal, stage: str) -> None:
    told.append(Kind.STARTED, stage=stage, step=None, data={})


def test_it_goes_on_in_the_second_place_with_a_finding_and_comes_back(first: Path, second: Path) -> None:
    _failed(first, FullDisk())
    before = first.read_bytes()
    told = _rescued(first, second)
    assert [event.kind for event in told.past] == [Kind.DECLARED, Kind.STARTED, Kind.FINDING]
    (finding,) = replay(told.past).findings
    assert WHY in finding.text
    assert str(second) in finding.text
    assert finding.severity == "major"
    assert (told.path, stat.S_IMODE(second.stat().st_mode)) == (second, 0o600)
    told.append(Kind.RESUMED, stage=None, step=None, data={"by": "Pat", "place": str(second)})
    _say(told, "vault")
    told.close()
    assert first.read_bytes() == before, "its own place is left alone until the end"
    Journal.bring_back(second, first)
    assert read(first) == told.events
    assert stat.S_IMODE(first.stat().st_mode) == 0o600
    assert not second.exists()
    again = Journal.open(first, FakeClock(), run_id=DECLARED["run_id"])
    _say(again, "database")
    again.close()


def test_a_line_that_was_never_acknowledged_goes_along_if_it_is_whole(first: Path, second: Path) -> None:
    """Its fsync failed: it may be on the medium or not, and the next start finds out what became of it."""
    _failed(first, TiredDisk())
    told = _rescued(first, second)
    assert [event.kind for event in told.past][-2:] == [Kind.STARTED, Kind.FINDING]
    assert len(told.past) == 4
    told.close()
    Journal.bring_back(second, first)
    assert len(read(first)) == 4


def test_a_torn_line_stays_behind_and_is_kept(first: Path, second: Path) -> None:
    _failed(first, FullDisk())
    first.write_bytes(first.read_bytes() + b'{"at":"2027')
    told = _rescued(first, second)
    told.close()
    Journal.bring_back(second, first)
    assert read(first) == told.past
    assert first.with_name("journal.jsonl.torn").read_bytes() == b'{"at":"2027'


@pytest.mark.parametrize("harm", ["gone", "unreadable"])
def test_where_the_first_place_cannot_be_read_the_lines_are_written_again(first: Path, second: Path, harm: str) -> None:
    failed = _failed(first, FullDisk())
    content = first.read_bytes()
    if harm == "gone":
        first.unlink()
        first.parent.rmdir()
    else:
        first.write_bytes(b"\0" * 40 + content[40:])
    with pytest.raises(RecordFailed):
        _rescued(first, second)
    told = Journal.rescued(first, second, FakeClock(), why=WHY, known=failed.events)
    assert second.read_bytes().startswith(content), "the same lines, to the byte"
    told.close()
    if harm == "gone":
        Journal.bring_back(second, first)
        assert read(first) == told.past


def test_nothing_that_was_recorded_is_written_over(first: Path, second: Path) -> None:
    _failed(first, FullDisk())
    told = _rescued(first, second)
    _say(told, "vault")
    told.close()
    other = Journal.open(first, FakeClock())
    _say(other, "database")
    other.close()
    before = (first.read_bytes(), second.read_bytes())
    with pytest.raises(RecordFailed, match=r"holds another line 3 than .*nothing was written over"):
        Journal.bring_back(second, first)
    assert (first.read_bytes(), second.read_bytes()) == before


def test_a_first_place_that_says_more_is_not_cut_short(first: Path, second: Path) -> None:
    _failed(first, FullDisk())
    told = _rescued(first, second)
    told.close()
    first.write_bytes(second.read_bytes())
    longer = Journal.open(first, FakeClock())
    _say(longer, "vault")
    longer.close()
    with pytest.raises(RecordFailed, match="holds another line 4"):
        Journal.bring_back(second, first)
    assert read(first) == longer.events


def test_a_second_rescue_goes_on_where_the_first_one_was(first: Path, second: Path) -> None:
    _failed(first, FullDisk())
    told = _rescued(first, second)
    _say(told, "vault")
    told.close()
    again = _rescued(first, second)
    assert again.past[: len(told.events)] == told.events
    again.close()


def test_a_second_place_that_holds_another_run_is_refused(first: Path, second: Path) -> None:
    other = Journal.create(second, FakeClock())
    other.append(Kind.DECLARED, stage=None, step=None, data={**DECLARED, "run_id": "drill-other"})
    other.close()
    _failed(first, FullDisk())
    before = second.read_bytes()
    with pytest.raises(RecordFailed, match="holds other lines than"):
        _rescued(first, second)
    assert second.read_bytes() == before


@pytest.mark.parametrize("how", ["full", "short", "io", "readonly"])
def test_coming_back_may_fail_at_any_call_and_be_done_again(tmp_path: Path, how: str) -> None:
    number, fired = 1, True
    while fired:
        first, second = tmp_path / f"{number}" / "journal.jsonl", tmp_path / f"{number} second" / "journal.jsonl"
        _failed(first, FullDisk())
        told = _rescued(first, second)
        told.close()
        disk = FailsAt(how, number)
        if _fails(second, first, disk):
            assert second.exists(), "given up only when all of it is back"
            assert read(first) == told.past[: len(read(first))]
            assert len(read(first)) >= 2
            Journal.bring_back(second, first)
        assert read(first) == told.past
        assert [path.name for path in first.parent.iterdir()] == ["journal.jsonl"]
        fired = disk.fired
        number += 1
    assert number > 2


def _fails(second: Path, first: Path, disk: FailsAt) -> bool:
    try:
        Journal.bring_back(second, first, disk=disk)
    except RecordFailed:
        return True
    return False


def test_a_second_place_that_is_full_too_says_so(first: Path, second: Path) -> None:
    class Full(FullDisk):
        full = True

    _failed(first, FullDisk())
    with pytest.raises(RecordFailed, match=os.strerror(errno.ENOSPC)):
        Journal.rescued(first, second, FakeClock(), why=WHY, disk=Full())
    assert not second.exists()


def test_a_journal_that_had_ended_is_copied_as_it_is(first: Path, second: Path) -> None:
    told = Journal.create(first, FakeClock())
    told.append(Kind.DECLARED, stage=None, step=None, data=DECLARED)
    told.append(Kind.ENDED, stage=None, step=None, data={"outcome": "ABORTED"})
    told.close()
    again = _rescued(first, second)
    assert again.past == told.events
    again.close()


def test_a_journal_of_another_run_is_refused_with_both_names(first: Path) -> None:
    told = Journal.create(first, FakeClock())
    told.append(Kind.DECLARED, stage=None, step=None, data=DECLARED)
    told.close()
    with pytest.raises(RecordFailed, match=f"journal of {DECLARED['run_id']}, not of drill-other"):
        Journal.open(first, FakeClock(), run_id="drill-other")


def test_who_keeps_a_copy_elsewhere_is_told_each_line_once_it_is_on_disk(first: Path, second: Path) -> None:
    heard: list[tuple[bytes, int]] = []
    disk = FullDisk()
    told = Journal.create(first, FakeClock(), disk=disk, on_line=lambda line, seq: heard.append((line, seq)))
    told.append(Kind.DECLARED, stage=None, step=None, data=DECLARED)
    disk.full = True
    with pytest.raises(RecordFailed):
        _say(told, "vault")
    told.close()
    goes_on = Journal.rescued(first, second, FakeClock(), why=WHY, on_line=lambda line, seq: heard.append((line, seq)))
    goes_on.close()
    assert b"".join(line for line, _ in heard) == second.read_bytes()
    assert [seq for _, seq in heard] == [1, 2]
