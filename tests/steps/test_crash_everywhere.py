"""A calm drill is killed at every record of its journal: whoever resumes it comes to the same end."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from runbook.engine.events import Kind
from runbook.engine.run import replay
from tests.support.crashing import STAGES, Crashing, calm, same_in_the_end

RECOVERY = {"class": "LOSS", "incident_at": "2027-01-15T09:30:00Z", "environment": "production"}
WHOLE = pytest.mark.scenarios  # half a minute each
IDS = ("right after a record", "before the next record")
LATE = pytest.mark.parametrize("late", [False, pytest.param(True, marks=WHOLE)], ids=IDS)
SOME = 4  # the default tests look at every fourth record, those of whole runs at each


@pytest.mark.parametrize(
    ("late", "every"),
    [(False, SOME), pytest.param(False, 1, marks=WHOLE), pytest.param(True, 1, marks=WHOLE)],
    ids=[f"{IDS[0]}, of some", *IDS],
)
def test_a_drill_that_was_killed_at_any_record_comes_to_the_same_end(tmp_path: Path, *, late: bool, every: int) -> None:
    """Prefixes 1 to N-1: those with which a run was declared and had not ended."""
    undisturbed = calm(tmp_path / "calm")
    records = len(undisturbed.disk.events)
    for room in range(1, records, every):
        practice = Crashing(tmp_path / f"{room}")
        practice.killed(room, late=late)
        where = f"killed after {practice.disk.events[-1]}"
        practice.resume()
        try:
            same_in_the_end(practice, undisturbed)
        except AssertionError as wrong:
            wrong.add_note(where)
            raise


def test_before_the_first_record_nothing_was_called_and_after_the_last_nothing_is(tmp_path: Path) -> None:
    """Prefixes 0 and N."""
    undisturbed = calm(tmp_path / "calm")
    practice = Crashing(tmp_path / "none")
    practice.killed(0, late=False)
    assert (practice.disk.events, practice.world.calls) == ([], [])
    assert practice.begin().outcome == "PASS"
    same_in_the_end(practice, undisturbed)

    ended = Crashing(tmp_path / "all")
    ended.killed(len(undisturbed.disk.events), late=False)
    called, recorded = list(ended.world.calls), list(ended.disk.events)
    ended.disk = ended.recorder(recorded)
    assert asyncio.run(ended.conductor(recorder=ended.disk).walk()).outcome == "PASS"
    assert (ended.world.calls, ended.disk.events) == (called, recorded)
    same_in_the_end(ended, undisturbed)


DEAD_S = 3600


def test_the_clocks_go_on_from_the_first_start_while_nobody_is_there(tmp_path: Path) -> None:
    """An hour between the crash and the resume is an hour of the recovery time, and of nobody's work."""
    undisturbed = calm(tmp_path / "calm")
    took = undisturbed.document()["rto"]["actual_s"]
    stages = [event for event in undisturbed.disk.events if event.stage in STAGES]
    for room in (event.seq for event in stages[5::20]):
        practice = Crashing(tmp_path / f"{room}")
        practice.killed(room, late=False)
        begun = dict(replay(practice.disk.events).entered)
        practice.clock.advance(DEAD_S)
        run = practice.resume()
        document = practice.document()
        assert {stage: run.entered[stage] for stage in begun} == begun
        assert document["rto"]["from"] == undisturbed.document()["rto"]["from"]
        assert DEAD_S <= document["rto"]["actual_s"] <= took + DEAD_S + 60
        assert sum(stage["waiting_s"] for stage in document["stages"]) == pytest.approx(DEAD_S, abs=1)
        assert document["outcome"] == "PASS"


@LATE
def test_a_recovery_that_was_killed_comes_to_the_same_end(tmp_path: Path, *, late: bool) -> None:
    """At every intent and its neighbours: what lies between calls is the drill's."""
    undisturbed = calm(tmp_path / "calm", "recovery", RECOVERY)
    rooms = {event.seq + by for event in undisturbed.disk.events if event.kind is Kind.INTENT for by in (-1, 0, 1)}
    for room in sorted(rooms):
        practice = Crashing(tmp_path / f"{room}", "recovery", RECOVERY)
        practice.killed(room, late=late)
        practice.resume()
        same_in_the_end(practice, undisturbed)
