"""The process is killed anywhere; a new one goes on with the same world: nothing is done twice, nothing is left."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from runbook.engine.events import Kind
from tests.support.practice import Practice
from tests.support.recorder import Killed, MemoryRecorder

ONCE = ("rds:RestoreDBInstanceFromDBSnapshot", "northflank:Deploy")


def calm_journal(folder: Path) -> MemoryRecorder:
    practice = Practice(folder)
    recorder = practice.recorder()
    asyncio.run(practice.walk(recorder=recorder))
    return recorder


def killed(practice: Practice, room: int, *, late: bool) -> MemoryRecorder:
    recorder = practice.recorder(room=room, late=late)
    with pytest.raises(Killed):
        asyncio.run(practice.walk(recorder=recorder))
    return practice.recorder(recorder.events)


def resumes_well(practice: Practice, recorder: MemoryRecorder) -> None:
    where = f"killed after {recorder.events[-1]}"
    run = asyncio.run(practice.conductor(recorder=recorder).resume(by="tester"))
    assert run.outcome == "PASS", where
    assert [len(practice.done(operation)) for operation in ONCE] == [1, 1], where
    assert practice.done("northflank:Restart") == [], where
    assert practice.world.databases.copies == {}, where
    assert practice.world.server.cluster is None, where
    assert [path for path in practice.folder.rglob("*") if path.is_file()] == [], where
    assert recorder.events[-1].kind is Kind.ENDED, where


@pytest.mark.parametrize("late", [False, True], ids=["right after an event", "before the next event"])
def test_a_run_that_was_killed_anywhere_ends_passed_when_it_is_resumed(tmp_path: Path, *, late: bool) -> None:
    """At every announced call, and at a sample of all other events."""
    calm = calm_journal(tmp_path / "calm").events
    calls = {event.seq for event in calm if event.kind is Kind.INTENT}
    sample = set(range(2 + late * 3, len(calm), 6))
    for room in sorted(calls | sample):
        practice = Practice(tmp_path / f"{room}")
        resumes_well(practice, killed(practice, room, late=late))


@pytest.mark.parametrize("step", ["vault.restore", "database.restore", "application.deploy"])
def test_killed_twice_at_the_same_step_nothing_is_done_twice(tmp_path: Path, step: str) -> None:
    calm = calm_journal(tmp_path / "calm").events
    room = next(event.seq for event in calm if event.kind is Kind.INTENT and event.step == step)
    practice = Practice(tmp_path / "twice")
    first = killed(practice, room, late=True)
    second = practice.recorder(first.events, room=len(first.events) + 3, late=True)
    with pytest.raises(Killed):
        asyncio.run(practice.conductor(recorder=second).resume(by="tester"))
    third = practice.recorder(second.events)
    resumes_well(practice, third)
    assert len(third.of(Kind.RESUMED)) == 2
