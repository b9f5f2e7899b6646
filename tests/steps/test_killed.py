"""The process is killed in delicate places; a new one goes on with the same world: nothing is done twice, nothing left.

At every place: `test_crash_everywhere`.
"""

from __future__ import annotations

import asyncio
from functools import partial
from pathlib import Path

import pytest

from runbook.engine.events import Kind
from tests.support.practice import Practice
from tests.support.recorder import Killed, MemoryRecorder

ONCE = {
    "rds:RestoreDBInstanceFromDBSnapshot": 1,
    "northflank:Deploy": 2,  # web and worker
    "northflank:Restart": 0,
}


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
    for operation, times in ONCE.items():
        assert (len(practice.done(operation)), len(set(practice.done(operation)))) == (times, times), where
    assert practice.world.databases.copies == {}, where
    assert practice.world.server.cluster is None, where
    assert [path for path in practice.folder.rglob("*") if path.is_file()] == [], where
    assert recorder.events[-1].kind is Kind.ENDED, where


@pytest.mark.parametrize("late", [False, True], ids=["right after an event", "before the next event"])
def test_a_firewall_that_was_half_put_right_is_right_when_the_run_is_resumed(tmp_path: Path, *, late: bool) -> None:
    """Killed after every event of the step that puts it right; no record is changed before it is."""
    step = "connectivity.waf"
    calm = Practice(tmp_path / "calm")
    calm.world.waf_off()
    recorder = calm.recorder()
    asyncio.run(calm.walk(recorder=recorder))
    rooms = [event.seq for event in recorder.events if event.step == step]
    assert len(rooms) >= 4
    for room in rooms:
        practice = Practice(tmp_path / f"{room}")
        practice.world.waf_off()
        practice.world.watch(partial(_only_protected, practice))
        resumes_well(practice, killed(practice, room, late=late))
        assert practice.world.edge.protected


def _only_protected(practice: Practice, operation: str, _: str) -> None:
    assert operation != "cloudflare:SetRecord" or practice.world.edge.protected


@pytest.mark.parametrize(
    "step",
    [
        "vault.restore",
        "database.restore",
        "application.quiet",
        "application.config",
        "application.deploy",
        "connectivity.records",
    ],
)
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
