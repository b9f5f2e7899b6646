"""The arithmetic of a run: seconds by stage, RTO and RPO with both their timestamps and whose clock."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

from runbook.engine import objectives
from runbook.engine.outcome import NOT_RUN, stage_result
from runbook.engine.procedure import H, Procedure, Stage
from runbook.engine.run import Run
from runbook.records.canonical import moment, stamp
from runbook.records.evidence.established import Established

REACHED = frozenset({"PASS", "ATTESTED", "ACCEPTED"})


def stages(run: Run, procedure: Procedure[H]) -> list[dict[str, Any]]:
    """One element a stage of the policy; machine, human and waiting seconds add up to `seconds`.

    Seconds are whole ones that passed: those of the stages add up to no more than the run's.  A stage that was gone
    back to was left in between, so that its seconds are fewer than from `entered_at` to `left_at`.  `target_s` is the
    budget that was declared for it, of which no verdict hangs.
    """
    said = results(run, procedure)
    budgets = (run.declared.get("targets") or {}).get("stages") or {}
    return [
        _stage(run, stage, said[stage.id]) | {"target_s": budgets.get(f"{stage.id}_s")} for stage in procedure.stages
    ]


def results(run: Run, procedure: Procedure[H]) -> dict[str, str]:
    """Result by stage.  A stage that was passed but stands on one that fell since does not count as run."""
    said: dict[str, str] = {}
    for stage in procedure.stages:
        own = stage_result(run, stage)
        holds = all(before in REACHED for before in said.values())
        said[stage.id] = NOT_RUN if own in REACHED and not holds else own
    return said


def _stage(run: Run, stage: Stage[H], result: str) -> dict[str, Any]:
    entered, left, spent = run.entered.get(stage.id), run.times.left(stage.id), run.times.shares_of(stage.id)
    seconds, human, waiting = int(spent.whole), int(spent.people), int(spent.nobody)
    return {
        "number": stage.number,
        "id": stage.id,
        "title": stage.title,
        "result": result,
        "entered_at": stamp(entered) if entered else None,
        "left_at": stamp(left) if left else None,
        "seconds": seconds,
        "machine_s": seconds - human - waiting,
        "human_s": human,
        "waiting_s": waiting,
    }


def rto(run: Run, procedure: Procedure[H], target: int | None) -> dict[str, Any]:
    """From T0 or the incident to the last result of the last stage, by this machine's wall clock.

    No figure where that was not reached, or where the time of the incident is not known.  `criteria_s` runs to the last
    criterion instead.
    """
    last = procedure.stages[-1]
    reached = results(run, procedure)[last.id] in REACHED
    criteria = [step.id for step in procedure.steps() if getattr(step, "criterion", "")]
    whole = objectives.recovery_time(run, last.id, target)
    said = _objective(whole if reached else replace(whole, end=None), "local")
    return said | {"since": since(run), "criteria_s": objectives.criteria_time(run, criteria).actual_s}


def rpo(run: Run, known: Established, target: int | None) -> dict[str, Any]:
    """From the newest business row to T0 or the incident, on the provider's clock.

    A row newer than that means that the clocks disagree: no figure then, never a negative one.
    """
    said = objectives.data_loss(run, known.moment("DataUntil", "at"), ahead(known), target)
    return _objective(said, "server") | {"since": since(run)}


def since(run: Run) -> str:
    """What the clocks run from: `start` (T0), or `incident`, whose time people stated."""
    return "incident" if objectives.recovering(run) else "start"


def age_s(created: str | None, run: Run, known: Established) -> int | None:
    """A backup's age at T0 or the incident, in seconds; None when it is not known or negative."""
    made = moment(created) if created else None
    return objectives.Objective(made, objectives.reference(run, ahead(known))).actual_s


def ahead(known: Established) -> timedelta:
    """How far this machine's clock is before the provider's."""
    return timedelta(milliseconds=float(known.get("ClockOffset", "ms") or 0))


def _objective(said: objectives.Objective, clock: str) -> dict[str, Any]:
    return {
        "target_s": said.target_s,
        "actual_s": said.actual_s,
        "from": stamp(said.start) if said.start else None,
        "to": stamp(said.end) if said.end else None,
        "clock": clock,
        "met": said.met,
    }
