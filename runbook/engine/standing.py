"""How far a run is, stage by stage, and who took how long: every front end says the same."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from runbook.engine.procedure import Procedure, Stage
from runbook.engine.run import Run
from runbook.engine.timekeeping import Shares, Times, Whose


class State(StrEnum):
    """Of one stage."""

    TO_COME = "to come"
    UNDER_WAY = "under way"
    CHECKPOINT = "at its checkpoint"
    NOT_PASSED = "not passed"
    PASSED = "passed"
    ACCEPTED = "passed, with a failure that was accepted"
    FELL = "fell"
    CLOSED = "closed"


def current_stage(run: Run, procedure: Procedure[Any]) -> Stage[Any]:
    """The first stage whose checkpoint is not open; the closing after the last."""
    return next((stage for stage in procedure.stages if stage.id not in run.opened), procedure.closing)


def state(run: Run, procedure: Procedure[Any], stage: Stage[Any]) -> State:
    """How far that stage is; a layer that does not hold comes before all else."""
    pulse = run.pulses.get(stage.id)
    if pulse is not None and not pulse.alive:
        return State.FELL
    if stage.id in run.opened:
        return State.ACCEPTED if any(step.id in run.accepted for step in stage.steps) else State.PASSED
    if stage.id == procedure.closing.id and run.outcome is not None:
        return State.CLOSED
    if stage.id != current_stage(run, procedure).id or stage.id not in run.entered:
        return State.TO_COME
    return _under_way(run, stage)


def _under_way(run: Run, stage: Stage[Any]) -> State:
    results = [run.result(step.id) for step in stage.steps]
    if any(result is not None and not run.satisfied(result.step) for result in results):
        return State.NOT_PASSED
    return State.CHECKPOINT if all(result is not None for result in results) else State.UNDER_WAY


def taken_s(run: Run, stage: Stage[Any], now: datetime) -> float | None:
    """Seconds that the run was in a stage until now, waiting included; None: it was not begun."""
    return times(run, now).shares_of(stage.id).whole if stage.id in run.entered else None


def shares(run: Run, now: datetime) -> Shares:
    """Who took the time since T0."""
    return times(run, now).shares()


def times(run: Run, now: datetime) -> Times:
    """Of the run until now; a question that is open counts already."""
    if run.started_at is None or run.outcome is not None:
        return run.times
    return run.times.until(now, Whose.PEOPLE if run.questions else Whose.MACHINES)


def until(run: Run, now: datetime) -> datetime:
    """Now, or the end: a run that is over takes no more time."""
    return run.last_at if run.outcome is not None and run.last_at else now
