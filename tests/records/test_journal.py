from __future__ import annotations

import json
import stat
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runbook.engine.errors import RecordFailed
from runbook.engine.events import Kind
from runbook.engine.ports import Recorder, Secret
from runbook.engine.run import replay
from runbook.records.journal import Journal, read
from runbook.records.scanner import Scanner
from tests.records.disks import FullDisk, ReadOnlyDisk, ShortDisk, TiredDisk, TracingDisk
from tests.records.story import DECLARED, FakeClock, journal, tell_calm


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal.jsonl"


def _short(path: Path, **more: Any) -> Journal:
    told = Journal.create(path, FakeClock(), **more)
    told.append(Kind.DECLARED, stage=None, step=None, data=DECLARED)
    told.append(Kind.STARTED, stage="identity", step=None, data={})
    return told


def test_what_is_read_again_is_what_was_appended(tmp_path: Path) -> None:
    clock = FakeClock()
    told: Recorder = journal(tmp_path, clock)
    events = tell_calm(told, clock)
    assert read(tmp_path / "journal.jsonl") == events
    assert replay(read(tmp_path / "journal.jsonl")).outcome == "PASS"


def test_the_first_line_carries_the_schema_and_a_prev_of_zeros(path: Path) -> None:
    _short(path).close()
    first = json.loads(path.read_bytes().splitlines()[0])
    assert (first["seq"], first["event"], first["prev"], first["data"]["schema"]) == (1, "declared", "0" * 64, 1)
    assert first["at"] == "2027-01-15T10:00:00.000000Z"


def test_the_file_is_private_and_never_replaced(path: Path) -> None:
    _short(path).close()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    with pytest.raises(RecordFailed, match="could not be created"):
        Journal.create(path, FakeClock())


def test_a_link_is_not_followed(path: Path, tmp_path: Path) -> None:
    _short(tmp_path / "other.jsonl").close()
    path.symlink_to(tmp_path / "other.jsonl")
    with pytest.raises(RecordFailed):
        read(path)
    with pytest.raises(RecordFailed):
        Journal.open(path, FakeClock())


def test_any_changed_byte_is_detected(path: Path) -> None:
    _short(path).close()
    content = path.read_bytes()
    whole = read(path)
    for index in range(len(content)):
        for flip in (0x01, 0x20, 0x80):
            path.write_bytes(content[:index] + bytes([content[index] ^ flip]) + content[index + 1 :])
            if index == len(content) - 1:  # without its newline the last line is a torn one, which is left out
                assert read(path) == whole[:-1]
                continue
            with pytest.raises(RecordFailed, match=r"journal\.jsonl, line [12]: "):
                read(path)


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(lambda lines: lines[1:], id="first cut"),
        pytest.param(lambda lines: [lines[0], *lines[2:]], id="one removed"),
        pytest.param(lambda lines: [lines[0], lines[2], lines[1], *lines[3:]], id="two swapped"),
        pytest.param(lambda lines: [*lines[:2], *lines[1:]], id="one twice"),
        pytest.param(lambda lines: [lines[0], b"\n", *lines[1:]], id="blank line"),
        pytest.param(lambda lines: [lines[0], b"[]\n", *lines[1:]], id="foreign line"),
        pytest.param(lambda lines: [lines[0], b"[" * 200_000 + b"\n", *lines[1:]], id="deep nesting"),
        pytest.param(lambda lines: [lines[0].replace(b",", b", ", 1), *lines[1:]], id="written again"),
    ],
)
def test_damage_is_named_by_line(path: Path, damage: Any) -> None:
    told = _short(path)
    told.append(Kind.STARTED, stage="identity", step="identity.clock", data={"attempt": 1})
    told.close()
    path.write_bytes(b"".join(damage(path.read_bytes().splitlines(keepends=True))))
    before = path.read_bytes()
    for attempt in (lambda: read(path), lambda: Journal.open(path, FakeClock())):
        with pytest.raises(RecordFailed, match=r"journal\.jsonl, line [123]: "):
            attempt()
    assert path.read_bytes() == before


def test_a_newer_journal_is_refused_with_both_versions(path: Path) -> None:
    from runbook.records import chain

    told = chain.link(
        seq=1,
        at=FakeClock().now(),
        mono_ns=0,
        boot_id="b",
        kind=Kind.DECLARED,
        stage=None,
        step=None,
        data={"schema": 2},
        prev="0" * 64,
    )
    path.write_bytes(told.line)
    with pytest.raises(RecordFailed, match="version 2, this tool reads version 1"):
        read(path)


def test_every_cut_inside_the_last_line_is_a_torn_tail(path: Path) -> None:
    _short(path).close()
    content = path.read_bytes()
    whole = read(path)
    last = len(content.splitlines(keepends=True)[0])
    for cut in range(last + 1, len(content)):
        for zeros in (0, 5):
            path.write_bytes(content[:cut] + b"\0" * zeros)
            path.with_name("journal.jsonl.torn").unlink(missing_ok=True)
            assert read(path) == whole[:-1]
            told = Journal.open(path, FakeClock())
            assert told.past == whole[:-1]
            assert path.with_name("journal.jsonl.torn").read_bytes() == content[last:cut] + b"\0" * zeros
            told.append(Kind.RESUMED, stage=None, step=None, data={"by": "test", "pid": 1, "gap_s": 0})
            told.close()
            assert [event.kind for event in read(path)] == [Kind.DECLARED, Kind.RESUMED]


def test_a_last_line_with_unwritten_sectors_is_torn_too(path: Path) -> None:
    _short(path).close()
    content = path.read_bytes()
    path.write_bytes(content[:-40] + b"\0" * 20 + content[-20:])
    told = Journal.open(path, FakeClock())
    told.close()
    assert len(told.past) == 1
    assert b"\0" not in path.read_bytes()


def test_a_journal_without_a_whole_line_cannot_be_resumed_and_stays(path: Path) -> None:
    _short(path).close()
    path.write_bytes(path.read_bytes()[:50])
    assert read(path) == ()
    with pytest.raises(RecordFailed, match="declared nothing"):
        Journal.open(path, FakeClock())
    assert path.stat().st_size == 50


def test_a_resumed_journal_goes_on_with_the_chain(path: Path) -> None:
    _short(path).close()
    told = Journal.open(path, FakeClock())
    event = told.append(Kind.RESUMED, stage=None, step=None, data={"by": "x"})
    told.close()
    assert event.seq == 3
    assert len(read(path)) == 3


def _full(disk: FullDisk | ShortDisk | TiredDisk) -> None:
    if isinstance(disk, FullDisk):
        disk.full = True
    elif isinstance(disk, ShortDisk):
        disk.room = 17
    else:
        disk.tired = True


def _mend(disk: FullDisk | ShortDisk | TiredDisk) -> None:
    for trouble in ("full", "room", "tired"):
        vars(disk).pop(trouble, None)


@pytest.mark.parametrize("disk", [FullDisk(), ShortDisk(), TiredDisk()], ids=lambda disk: type(disk).__name__)
def test_a_failing_disk_ends_the_journal_for_good(path: Path, disk: FullDisk | ShortDisk | TiredDisk) -> None:
    told = _short(path, disk=disk)
    whole = read(path)
    _full(disk)
    with pytest.raises(RecordFailed, match=r"journal\.jsonl could not be"):
        told.append(Kind.INTENT, stage="vault", step="vault.restore", data={"operation": "x", "target": "y"})
    _mend(disk)
    with pytest.raises(RecordFailed, match="failed earlier"):
        told.append(Kind.STARTED, stage="vault", step=None, data={})
    told.close()
    assert read(path)[:2] == whole
    if isinstance(disk, TiredDisk):
        assert len(disk.asked) == 1, "a failed fsync is never tried again on that descriptor"
    else:
        assert read(path) == whole, "a half line was rolled back"


def test_each_line_is_one_write_and_one_fsync_and_a_new_file_its_folders(path: Path) -> None:
    disk = TracingDisk()
    _short(path, disk=disk).close()
    assert disk.calls == ["folder", "write", "fsync", "write", "fsync"]


def test_a_read_only_disk_refuses_the_journal_at_once(path: Path) -> None:
    with pytest.raises(RecordFailed, match="could not be created"):
        Journal.create(path, FakeClock(), disk=ReadOnlyDisk())


def test_a_second_writer_is_noticed_before_anything_is_written(path: Path) -> None:
    one = _short(path)
    other = Journal.open(path, FakeClock())
    one.append(Kind.STARTED, stage="vault", step=None, data={})
    with pytest.raises(RecordFailed, match="something else writes to it"):
        other.append(Kind.STARTED, stage="vault", step=None, data={})
    one.close()
    other.close()
    assert len(read(path)) == 3


def test_declared_comes_first_and_once_and_ended_last(path: Path) -> None:
    told = Journal.create(path, FakeClock())
    with pytest.raises(RecordFailed, match="begins with `declared`"):
        told.append(Kind.STARTED, stage="vault", step=None, data={})
    told.append(Kind.DECLARED, stage=None, step=None, data=DECLARED)
    with pytest.raises(RecordFailed, match="holds it once"):
        told.append(Kind.DECLARED, stage=None, step=None, data=DECLARED)
    told.append(Kind.ENDED, stage=None, step=None, data={"outcome": "ABORTED"})
    with pytest.raises(RecordFailed, match="last line"):
        told.append(Kind.HEARTBEAT, stage="vault", step=None, data={"alive": True, "observed": ""})
    told.close()
    with pytest.raises(RecordFailed, match="closed"):
        told.append(Kind.HEARTBEAT, stage="vault", step=None, data={})


@pytest.mark.parametrize(
    "value",
    [float("nan"), object(), {1: 2}, b"bytes", Secret("never in a record")],
    ids=["not a number", "object", "a key that is no text", "bytes", "secret"],
)
def test_what_has_no_form_in_json_is_refused(path: Path, value: object) -> None:
    told = _short(path)
    with pytest.raises(RecordFailed, match="has no form") as failure:
        told.append(Kind.STARTED, stage="vault", step=None, data={"x": value})
    assert "never in a record" not in str(failure.value)
    told.close()
    assert len(read(path)) == 2


def test_every_record_passes_the_scanner_and_its_finding_may_be_journalled(path: Path) -> None:
    told: list[Journal] = []

    def found(where: str) -> None:
        told[0].append(Kind.FINDING, stage=None, step=None, data={"text": f"a secret was masked in {where}"})

    scanner = Scanner(found)
    secret = Secret("hvs.CAESIJ-a-long-token")
    scanner.register(secret)
    told.append(Journal.create(path, FakeClock(), scan=scanner.scan))
    told[0].append(Kind.DECLARED, stage=None, step=None, data=DECLARED)
    event = told[0].append(
        Kind.RESULT, stage="vault", step="vault.login", data={"observed": f"token {secret.reveal()} accepted"}
    )
    told[0].close()
    assert event.data["observed"] == "token *** accepted"
    assert secret.reveal().encode() not in path.read_bytes()
    assert [each.kind for each in read(path)] == [Kind.DECLARED, Kind.FINDING, Kind.RESULT]


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@settings(max_examples=60, deadline=None)
@given(data=st.dictionaries(st.text(), _json, max_size=5))
def test_any_json_comes_back_as_it_was_returned(tmp_path_factory: pytest.TempPathFactory, data: dict[str, Any]) -> None:
    path = tmp_path_factory.mktemp("journal") / "journal.jsonl"
    told = _short(path)
    event = told.append(Kind.ASKED, stage=None, step=None, data=data)
    told.close()
    assert read(path)[-1] == event


def test_lone_surrogates_do_not_lose_a_record(path: Path) -> None:
    told = _short(path)
    event = told.append(Kind.ASKED, stage=None, step=None, data={"text": "a\ud800b", "\udfff": 1})
    told.close()
    assert event.data == {"text": "a\ufffdb", "\ufffd": 1}
