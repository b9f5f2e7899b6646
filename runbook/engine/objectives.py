"""The arithmetic of the objectives, once: how long it took, how much was lost, and whether that was good enough.

A drill's clocks run from T0, when the run was declared.  A recovery's run from the incident; where nobody knows when
that was there is no figure, and no other moment stands in for it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from runbook.engine.run import Run

RECOVERY = "recovery"


@dataclass(frozen=True, slots=True)
class Objective:
    """From one moment to another, and the seconds that this was to take at most (None: no target was set)."""

    start: datetime | None
    end: datetime | None
    target_s: int | None = None

    @property
    def actual_s(self) -> int | None:
        """Whole seconds; None where a moment is not known, or where they contradict each other: never negative."""
        if self.start is None or self.end is None or self.end < self.start:
            return None
        return round((self.end - self.start).total_seconds())

    @property
    def met(self) -> str:
        """YES, NO, NOT_SET (no target), UNKNOWN (a target, but no figure)."""
        if self.target_s is None:
            return "NOT_SET"
        if self.actual_s is None:
            return "UNKNOWN"
        return "YES" if self.actual_s <= self.target_s else "NO"


def recovering(run: Run) -> bool:
    """Whether the run answers an incident."""
    return run.declared.get("mode") == RECOVERY


def incident(run: Run) -> datetime | None:
    """When the incident was that a recovery answers, as people stated it; None where it is not known, or in a drill."""
    stated = run.declared.get("incident_at")
    return datetime.fromisoformat(stated).astimezone(UTC) if stated and recovering(run) else None


def began(run: Run) -> datetime | None:
    """What the clocks run from: T0, in a recovery the incident."""
    return incident(run) if recovering(run) else run.started_at


def recovery_time(run: Run, last_stage: str, target_s: int | None = None) -> Objective:
    """Until the newest result that counts of the last stage, once its checkpoint is open; by this machine's clock."""
    ends = [attempt.at for attempt in run.attempts if attempt.stage == last_stage and not attempt.void]
    reached = last_stage in run.opened
    return Objective(began(run), max(ends, default=None) if reached else None, target_s)


@dataclass(frozen=True, slots=True)
class RecoveryClock:
    """Seconds since the beginning (None: nobody knows when the incident was); `stopped` once the last stage is open."""

    gone_s: float | None
    stopped: bool


def recovery_so_far(run: Run, last_stage: str, now: datetime) -> RecoveryClock:
    """The recovery time while it runs; `now` is when the run ended, once it has."""
    end, start = recovery_time(run, last_stage).end, began(run)
    return RecoveryClock(((end or now) - start).total_seconds() if start else None, end is not None)


def criteria_time(run: Run, steps: Iterable[str]) -> Objective:
    """Until the last of the steps that show the criteria, when each of them is satisfied."""
    steps = tuple(steps)
    results = [result.at for step in steps if (result := run.result(step)) and run.satisfied(step)]
    return Objective(began(run), max(results) if steps and len(results) == len(steps) else None)


def data_loss(run: Run, until: datetime | None, ahead: timedelta, target_s: int | None = None) -> Objective:
    """From the newest row that was restored (`until`, by the provider's clock) to T0 or the incident.

    `ahead` is how far this machine's clock is before the provider's; an incident's time is nobody's clock.
    """
    return Objective(until, reference(run, ahead), target_s)


def loss_so_far(run: Run, target_s: int | None = None) -> Objective | None:
    """The same, by what the steps established; None as long as the newest row is not known."""
    newest, ahead = _moment(known(run, "DataUntil").get("at")), known(run, "ClockOffset").get("ms")
    if newest is None:
        return None
    ahead_ms = ahead if isinstance(ahead, int | float) else 0
    return data_loss(run, newest, timedelta(milliseconds=ahead_ms), target_s)


def known(run: Run, fact: str) -> Mapping[str, Any]:
    """The fields of the newest fact of that name that counts; {} where there is none."""
    facts = (each.facts[fact] for each in reversed(run.attempts) if fact in each.facts and not each.void)
    return next(facts, {})


def _moment(said: object) -> datetime | None:
    try:
        found = datetime.fromisoformat(said) if isinstance(said, str) else None
    except ValueError:
        return None
    return found if found and found.tzinfo else None


def reference(run: Run, ahead: timedelta) -> datetime | None:
    """The moment that ages and losses are counted to, on the provider's clock."""
    if recovering(run):
        return incident(run)
    return run.started_at - ahead if run.started_at else None
