"""The practice estate as a process of its own: started, adopted, stopped, killed; nothing of it stays."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from runbook.engine.errors import NoVerdict
from runbook.training import statefile
from runbook.training.client import PracticeEstate, reap
from runbook.training.statefile import EstateFile

pytestmark = pytest.mark.estate


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path / "practice-run"
    reap(tmp_path / "practice-run")


def content_of(folder: Path) -> EstateFile:
    found = statefile.read(folder)
    assert found is not None
    return found


def left_of(content: EstateFile) -> list[object]:
    """Processes, folders and ports that are still there."""
    living = [one.name for one in content.processes if psutil.pid_exists(one.pid)]
    return [*living, *(path for path in content.temporary if Path(path).exists())]


def descendants(content: EstateFile) -> list[psutil.Process]:
    return psutil.Process(content.supervisor.pid).children(recursive=True)


def test_it_starts_is_adopted_and_stops_without_a_trace(run: Path) -> None:
    said: list[str] = []
    estate = PracticeEstate.start(run, seed=3, on_progress=said.append)
    content, family = content_of(run), descendants(content_of(run))
    assert {"bao production is up", "bao staging is up", "postgres source is up", "aws is up"} <= set(said)
    assert estate.environment().name == "practice"
    adopted = PracticeEstate.adopt(run)
    assert adopted is not None
    assert adopted.environment() == estate.environment()
    estate.stop()
    assert left_of(content) == []
    assert [one for one in family if one.is_running()] == []
    assert list(run.iterdir()) == []
    assert PracticeEstate.adopt(run) is None


def test_a_terminal_that_closes_does_not_end_it_and_a_kill_leaves_nothing_to_the_reaper(run: Path) -> None:
    PracticeEstate.start(run, seed=3)
    content, family = content_of(run), descendants(content_of(run))
    for ignored in (signal.SIGHUP, signal.SIGINT):
        os.kill(content.supervisor.pid, ignored)
    estate = PracticeEstate.adopt(run)
    assert estate is not None
    psutil.Process(content.supervisor.pid).kill()
    done = reap(run)
    assert left_of(content) == []
    assert [one for one in family if one.is_running()] == []
    assert any("postgres source" in one for one in done)
    assert shared_memory_of(content) == []
    assert list(run.iterdir()) == []


def shared_memory_of(content: EstateFile) -> list[str]:
    """System V segments made by the estate's processes (PostgreSQL has one); none where they are not listed."""
    try:
        segments = [line.split() for line in Path("/proc/sysvipc/shm").read_text().splitlines()[1:]]
    except OSError:
        return []
    makers = {str(one.pid) for one in content.processes}
    return [fields[1] for fields in segments if fields[4] in makers]


def test_a_supervisor_that_ends_at_once_is_told_and_nothing_stays(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.executable", shutil.which("false"))
    with pytest.raises(NoVerdict, match="ended at once"):
        PracticeEstate.start(run, seed=3)
    assert list(run.iterdir()) == []
