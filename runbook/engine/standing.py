"""How far a run is, stage by stage, and who took how long: every front end says the same."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from runbook.engine.procedure import Procedure, Stage
from runbook.engine.run import Run


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
    """Seconds from a stage's beginning to its checkpoint, or to now, waiting included; None: it was not begun."""
    begun = run.entered.get(stage.id)
    if begun is None:
        return None
    left = run.left.get(stage.id) if stage.id in run.opened else None
    return ((left or until(run, now)) - begun).total_seconds()


@dataclass(frozen=True, slots=True)
class Shares:
    """Seconds of a run since T0: in which people were waited for, nobody was there, and the machines worked."""

    people: float
    nobody: float
    machines: float


def shares(run: Run, now: datetime) -> Shares:
    """A question that is open counts already."""
    if run.started_at is None:
        return Shares(0.0, 0.0, 0.0)
    end = until(run, now)
    asked = min((since for _, since in run.questions), default=end)
    people = sum(run.human_s.values()) + max((end - asked).total_seconds(), 0.0)
    nobody = sum(run.waiting_s.values())
    return Shares(people, nobody, max((end - run.started_at).total_seconds() - people - nobody, 0.0))


def until(run: Run, now: datetime) -> datetime:
    """Now, or the end: a run that is over takes no more time."""
    return run.last_at if run.outcome is not None and run.last_at else now
