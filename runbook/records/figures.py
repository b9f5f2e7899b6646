"""The arithmetic of a run: seconds by stage, RTO and RPO with both their timestamps and whose clock."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from runbook.engine.events import Event
from runbook.engine.outcome import NOT_RUN, stage_result
from runbook.engine.procedure import H, Procedure, Stage
from runbook.engine.run import Run
from runbook.records.canonical import moment, stamp
from runbook.records.established import Established

REACHED = frozenset({"PASS", "ATTESTED", "ACCEPTED"})


def stages(run: Run, procedure: Procedure[H], events: Iterable[Event]) -> list[dict[str, Any]]:
    """One element a stage of the policy; machine, human and waiting seconds add up to `seconds`."""
    last_seen = {event.stage: event.at for event in events if event.stage is not None}
    said = results(run, procedure)
    return [_stage(run, stage, said[stage.id], last_seen.get(stage.id)) for stage in procedure.stages]


def results(run: Run, procedure: Procedure[H]) -> dict[str, str]:
    """Result by stage.  A stage that was passed but stands on one that fell since does not count as run."""
    said: dict[str, str] = {}
    for stage in procedure.stages:
        own = stage_result(run, stage)
        holds = all(before in REACHED for before in said.values())
        said[stage.id] = NOT_RUN if own in REACHED and not holds else own
    return said


def _stage(run: Run, stage: Stage[H], result: str, last_seen: datetime | None) -> dict[str, Any]:
    entered = run.entered.get(stage.id)
    left = run.left.get(stage.id) if stage.id in run.opened else last_seen  # shut again by going back: not left
    seconds = _between(entered, left)
    waiting = min(round(run.waiting_s.get(stage.id, 0.0)), seconds)
    human = min(round(run.human_s.get(stage.id, 0.0)), seconds - waiting)
    return {
        "number": stage.number,
        "id": stage.id,
        "title": stage.title,
        "result": result,
        "entered_at": stamp(entered) if entered else None,
        "left_at": stamp(left) if entered and left else None,
        "seconds": seconds,
        "machine_s": seconds - human - waiting,
        "human_s": human,
        "waiting_s": waiting,
        "target_s": None,
    }


def rto(run: Run, procedure: Procedure[H], target: int | None) -> dict[str, Any]:
    """From T0 to the last result of the last stage, by this machine's wall clock; no figure where it was not reached.

    `criteria_s` runs to the last criterion instead.
    """
    last = procedure.stages[-1]
    reached = results(run, procedure)[last.id] in REACHED
    until = _newest(run, (step.id for step in last.steps)) if reached else None
    criteria = [step.id for step in procedure.steps() if getattr(step, "criterion", "")]
    proved = all(run.satisfied(step) for step in criteria)
    actual = _between(run.started_at, until) if until else None
    return {
        "target_s": target,
        "actual_s": actual,
        "from": stamp(run.started_at) if run.started_at else None,
        "to": stamp(until) if until else None,
        "clock": "local",
        "met": met(actual, target),
        "criteria_s": _between(run.started_at, _newest(run, criteria)) if criteria and proved else None,
    }


def rpo(run: Run, known: Established, target: int | None) -> dict[str, Any]:
    """From the newest business row to T0 on the provider's clock.

    A row newer than T0 means that the clocks disagree: no figure then, never a negative one.
    """
    until = known.moment("DataUntil", "at")
    started = server_time(run.started_at, known)
    actual = None
    if until and started and started >= until:
        actual = _between(until, started)
    return {
        "target_s": target,
        "actual_s": actual,
        "from": stamp(until) if until else None,
        "to": stamp(started) if started else None,
        "clock": "server",
        "met": met(actual, target),
    }


def age_s(created: str | None, run: Run, known: Established) -> int | None:
    """A backup's age at T0 on the provider's clock, in seconds; None when it is not known or negative."""
    started = server_time(run.started_at, known)
    if not created or started is None or started < moment(created):
        return None
    return _between(moment(created), started)


def server_time(at: datetime | None, known: Established) -> datetime | None:
    """This machine's time on the provider's clock; ClockOffset.ms is how far this machine is ahead."""
    ahead = known.get("ClockOffset", "ms")
    return at - timedelta(milliseconds=float(ahead or 0)) if at else None


def met(actual: int | None, target: int | None) -> str:
    """YES, NO, NOT_SET (no target), UNKNOWN (a target, but no figure)."""
    if target is None:
        return "NOT_SET"
    if actual is None:
        return "UNKNOWN"
    return "YES" if actual <= target else "NO"


def _newest(run: Run, steps: Iterable[str]) -> datetime | None:
    return max((result.at for step in steps if (result := run.result(step))), default=None)


def _between(start: datetime | None, end: datetime | None) -> int:
    return max(round((end - start).total_seconds()), 0) if start and end else 0
