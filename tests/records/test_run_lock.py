"""One run per environment on one machine, between real processes."""

from __future__ import annotations

import json
import os
import platform
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from runbook.engine.errors import RecordFailed, Refused
from runbook.records import run_lock
from runbook.records.run_lock import local_lock, started, this_process

ROOT = Path(__file__).parents[2]
RUN = "drill-20270115T100000Z-7f3a"
OTHER = "drill-20270116T090000Z-00aa"


class Holder:
    """Another process that asked for the lock; `answer` is what it got."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        assert process.stdout is not None
        self.answer = process.stdout.readline().strip()
        self.pid = process.pid

    def ends(self) -> None:
        self._process.communicate("", timeout=30)

    def is_killed(self) -> None:
        self._process.kill()
        self._process.wait(30)


@contextmanager
def holder(home: Path, run_id: str = RUN, environment: str = "staging") -> Iterator[Holder]:
    command = [sys.executable, "-m", "tests.records.holder", str(home), environment, run_id]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield Holder(process)
        finally:
            process.kill()


def left_behind(home: Path, **process: Any) -> Path:
    """The words of a holder that is no more, and whose lock the system let go of."""
    words = home / "locks" / "staging.json"
    words.parent.mkdir(parents=True, exist_ok=True)
    here = this_process()
    known = {"host": here.host, "pid": here.pid, "boot_id": here.boot_id, "started": here.started, **process}
    words.write_text(json.dumps({"process": known, "run_id": RUN, "since": "2027-01-15T10:00:00Z"}))
    return words


def ended_pid() -> int:
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait(30)
    return process.pid


def test_a_second_process_is_refused_and_told_process_host_and_run(tmp_path):
    with holder(tmp_path) as first:
        assert first.answer == "held:"
        with pytest.raises(Refused) as refused, local_lock(tmp_path, "staging", OTHER):
            pass
        for words in ("staging", f"process {first.pid}", f"on {platform.node()}", f"run {RUN}"):
            assert words in refused.value.sentence
        with holder(tmp_path, OTHER) as second:
            assert second.answer == f"refused: {refused.value.sentence}"


def test_another_environment_and_another_home_are_free(tmp_path):
    with holder(tmp_path), local_lock(tmp_path, "production", OTHER) as note:
        assert note == ""
        with local_lock(tmp_path / "another", "staging", OTHER) as also:
            assert also == ""


def test_a_stopped_process_still_holds_it(tmp_path):
    with holder(tmp_path) as first:
        os.kill(first.pid, signal.SIGSTOP)
        os.waitid(os.P_PID, first.pid, os.WSTOPPED | os.WNOWAIT)
        with pytest.raises(Refused, match=f"process {first.pid}"), local_lock(tmp_path, "staging", OTHER):
            pass
        os.kill(first.pid, signal.SIGCONT)
        first.ends()
    with local_lock(tmp_path, "staging", OTHER) as note:
        assert note == ""


def test_a_killed_process_lets_go_and_that_is_said(tmp_path):
    with holder(tmp_path) as first:
        first.is_killed()
        with local_lock(tmp_path, "staging", OTHER) as note:
            assert f"left behind by process {first.pid}" in note
            assert f"run {RUN}" in note
            assert "which ended" in note
            assert "taken over" in note
            with holder(tmp_path, RUN) as second:
                assert f"run {OTHER}" in second.answer


def test_what_was_given_back_leaves_no_words_and_no_note(tmp_path):
    with local_lock(tmp_path, "staging", RUN):
        assert (tmp_path / "locks" / "staging.json").is_file()
    assert [path.name for path in (tmp_path / "locks").iterdir()] == ["staging.lock"]
    with local_lock(tmp_path, "staging", OTHER) as note:
        assert note == ""


def test_it_is_given_back_when_the_run_fails(tmp_path):
    with pytest.raises(ZeroDivisionError), local_lock(tmp_path, "staging", RUN):
        raise ZeroDivisionError
    with local_lock(tmp_path, "staging", OTHER) as note:
        assert note == ""


def test_one_process_cannot_hold_it_twice(tmp_path):
    with local_lock(tmp_path, "staging", RUN), pytest.raises(Refused), local_lock(tmp_path, "staging", OTHER):
        pass


def test_its_files_are_private(tmp_path):
    with local_lock(tmp_path, "staging", RUN):
        modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "locks").iterdir()}
    assert modes == {"staging.lock": 0o600, "staging.json": 0o600}
    assert stat.S_IMODE((tmp_path / "locks").stat().st_mode) == 0o700


@pytest.mark.parametrize(
    ("process", "words"),
    [
        ({"pid": 0}, ", which ended: it was taken over"),
        ({"started": "1"}, "its number belongs to another process now"),
        ({"boot_id": "an earlier boot"}, "before this machine was started again"),
        ({"pid": 0, "boot_id": ""}, ", which ended: it was taken over"),
        ({"pid": 0, "host": "the name it had in another network"}, "which ended"),
    ],
)
def test_a_stale_lock_is_taken_over_with_a_note(tmp_path, process, words):
    left_behind(tmp_path, **{**process, "pid": process["pid"] or ended_pid()} if "pid" in process else process)
    with local_lock(tmp_path, "staging", OTHER) as note:
        assert words in note
        assert f"run {RUN}, since 2027-01-15T10:00:00Z" in note


@pytest.mark.parametrize(
    "process", [{}, {"boot_id": "", "started": ""}, {"host": "another machine", "boot_id": "its boot"}]
)
def test_a_holder_that_may_still_be_there_is_not_taken_over_although_the_system_gave_the_lock(tmp_path, process):
    """A home on a network drive, whose locks may not reach the other machine."""
    words = left_behind(tmp_path, **process)
    with pytest.raises(Refused) as refused, local_lock(tmp_path, "staging", OTHER):
        pass
    assert f"remove {words} by hand" in refused.value.fix
    assert words.is_file()
    words.unlink()
    with local_lock(tmp_path, "staging", OTHER) as note:
        assert note == ""


@pytest.mark.parametrize("body", ["", "{", "[]", '{"process": 1}'])
def test_words_that_cannot_be_read_are_taken_over_with_a_note(tmp_path, body):
    left_behind(tmp_path).write_text(body)
    with local_lock(tmp_path, "staging", OTHER) as note:
        assert "unreadable" in note


def test_a_folder_that_cannot_be_written_is_said(tmp_path):
    (tmp_path / "locks").write_text("a file in its place")
    with pytest.raises(RecordFailed), local_lock(tmp_path, "staging", RUN):
        pass


def test_a_process_has_one_beginning_and_a_dead_one_has_none():
    assert started(os.getpid()) == started(os.getpid()) != ""
    assert started(os.getpid()) != started(1)
    assert started(ended_pid()) == ""


def test_a_machine_without_proc_asks_ps(monkeypatch):
    assert run_lock._started_by_ps(ended_pid()) == ""
    said = run_lock._started_by_ps(os.getpid())
    assert said == run_lock._started_by_ps(os.getpid())
