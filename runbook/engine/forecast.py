"""How long it will take, from how long it took: the earlier runs of the same estate, and nothing invented."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from runbook.engine.procedure import Procedure, Stage
from runbook.engine.run import Run


@dataclass(frozen=True, slots=True)
class Forecast:
    """Seconds, each the median of the earlier runs that have it.

    `steps`: of a step's last attempt, waiting for people left out; `stages`: from a stage's beginning to its
    checkpoint, people included; `runs`: of how many runs these are.
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
    return _left_of(run, current, forecast, now) + sum(forecast.stages[stage.id] for stage in later)


def _left_of(run: Run, stage: Stage[Any], forecast: Forecast, now: datetime) -> float:
    usual, begun = forecast.stages[stage.id], run.entered.get(stage.id)
    if begun is None:
        return usual
    open_steps = (step.id for step in stage.steps if not run.satisfied(step.id))
    return max(usual - _since(begun, now), sum(_step_left(run, step, forecast, now) for step in open_steps), 0.0)


def _step_left(run: Run, step: str, forecast: Forecast, now: datetime) -> float:
    begun = run.begun.get(step)
    return max(forecast.steps.get(step, 0.0) - (_since(begun, now) if begun else 0.0), 0.0)


def _since(then: datetime, now: datetime) -> float:
    return (now - then).total_seconds()


def shared_out(rto_s: float | None, forecast: Forecast, stages: Iterable[str]) -> Mapping[str, float]:
    """The recovery time's target split over the stages as earlier runs needed it; {} where that is not known."""
    ids = tuple(stages)
    if rto_s is None or any(stage not in forecast.stages for stage in ids):
        return {}
    whole = sum(forecast.stages[stage] for stage in ids)
    return {stage: rto_s * forecast.stages[stage] / whole for stage in ids} if whole > 0 else {}
