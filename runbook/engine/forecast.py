"""How long it will take, from how long it took: the earlier runs of the same estate, and nothing invented."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from runbook.engine.procedure import Procedure, Stage
from runbook.engine.run import Run
from runbook.engine.standing import times
from runbook.engine.timekeeping import Times


@dataclass(frozen=True, slots=True)
class Forecast:
    """Seconds, each the median of the earlier runs that have it.

    `steps`: of a step's last attempt, waiting for people left out; `stages`: in that stage, people included; both
    without the time in which nobody was there; `runs`: of how many runs these are.
    """

    steps: Mapping[str, float] = field(default_factory=dict)
    stages: Mapping[str, float] = field(default_factory=dict)
    runs: int = 0


def left_s(run: Run, procedure: Procedure[Any], forecast: Forecast, now: datetime) -> float | None:
    """Seconds until the last checkpoint of the five opens; None where a stage to come has no earlier time.

    What takes longer than it usually does is not taken to end at once: it counts as what its steps usually still take.
    """
    to_come = [stage for stage in procedure.stages if stage.id not in run.opened]
    if any(stage.id not in forecast.stages for stage in to_come):
        return None
    if not to_come:
        return 0.0
    current, *later = to_come
    return _left_of(run, current, forecast, times(run, now)) + sum(forecast.stages[stage.id] for stage in later)


def _left_of(run: Run, stage: Stage[Any], forecast: Forecast, so_far: Times) -> float:
    usual, spent = forecast.stages[stage.id], so_far.shares_of(stage.id)
    if stage.id not in run.entered:
        return usual
    open_steps = (step.id for step in stage.steps if not run.satisfied(step.id))
    steps_left = sum(_step_left(run, step, forecast, so_far) for step in open_steps)
    return max(usual - spent.people - spent.machines, steps_left, 0.0)


def _step_left(run: Run, step: str, forecast: Forecast, so_far: Times) -> float:
    begun = run.begun.get(step)
    return max(forecast.steps.get(step, 0.0) - (so_far.there_since(begun) if begun else 0.0), 0.0)


def shared_out(rto_s: float | None, forecast: Forecast, stages: Iterable[str]) -> Mapping[str, float]:
    """The recovery time's target split over the stages as earlier runs needed it; {} where that is not known."""
    ids = tuple(stages)
    if rto_s is None or any(stage not in forecast.stages for stage in ids):
        return {}
    whole = sum(forecast.stages[stage] for stage in ids)
    return {stage: rto_s * forecast.stages[stage] / whole for stage in ids} if whole > 0 else {}
