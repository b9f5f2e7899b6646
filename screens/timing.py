"""The run's clocks as people read them: how long it took, how long it may, how long it usually does."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from textual.content import Content

from runbook.engine import objectives
from runbook.engine.forecast import left_s
from runbook.engine.procedure import Stage
from runbook.engine.standing import until
from runbook.views import Session
from screens.words import BAD, GOOD, QUIET, WARN, clock

NOTICED_S = 2.0  # what takes longer than that says how long it has taken
NO_FORECAST = "no forecast yet"


# -- the objectives ---------------------------------------------------------------------------------------------------
def recovery(session: Session, now: datetime) -> Content:
    """The recovery clock against its target, stopped once the last stage is open."""
    run, target = session.run, session.targets.get("rto_s")
    so_far = objectives.recovery_so_far(run, session.procedure.stages[-1].id, until(run, now))
    gone = so_far.gone_s
    if run.started_at is None:
        return Content("RTO not begun")
    if gone is None:
        return Content("RTO unknown: nobody knows when the incident was")
    if target is None:
        return Content.assemble("RTO ", (clock(gone), "bold"), ", no target set")
    over = gone > target
    met = (", met", GOOD) if so_far.stopped and not over else (" EXCEEDED" if over else "", BAD)
    return Content.assemble("RTO ", (clock(gone), BAD if over else "bold"), f" of {clock(target)}", met)


def outlook(session: Session, now: datetime) -> Content:
    """When all five stages will stand, and whether that is in time; empty once they do."""
    run, procedure, target = session.run, session.procedure, session.targets.get("rto_s")
    begun = objectives.began(run)
    if run.started_at is None or run.outcome is not None or len(run.opened) == len(procedure.stages):
        return Content("")
    left = left_s(run, procedure, session.forecast, now)
    if left is None or begun is None:
        return Content.styled(NO_FORECAST, QUIET)
    whole = (now - begun).total_seconds() + left
    late = target is not None and whole > target
    word = ("" if target is None else ", TOO LATE" if late else ", in time", WARN if late else GOOD)
    return Content.assemble("forecast ", (clock(whole), WARN if late else "bold"), word)


def loss(session: Session) -> Content:
    """What is lost: from the newest row that was restored to T0 or the incident."""
    run, target = session.run, session.targets.get("rpo_s")
    said = objectives.loss_so_far(run, target)
    if said is None:
        return Content(f"RPO not known yet{f', target {clock(target)}' if target is not None else ''}")
    if said.actual_s is None:
        return Content.styled("RPO unknown: the clocks disagree", WARN)
    if target is None:
        return Content.assemble("RPO ", (clock(said.actual_s), "bold"), ", no target set")
    missed = said.met == "NO"
    word = (" MISSED" if missed else ", met", BAD if missed else GOOD)
    return Content.assemble("RPO ", (clock(said.actual_s), BAD if missed else "bold"), f" of {clock(target)}", word)


# -- a step, a stage --------------------------------------------------------------------------------------------------
def lasting(gone: float, usual: float | None) -> str:
    """`0:01:12, usually 0:07:00`; "" for what has only just begun."""
    if gone < NOTICED_S:
        return ""
    if usual is None:
        return f"{clock(gone)}, {NO_FORECAST}"
    word = "usually" if gone <= usual else "longer than the usual"
    return f"{clock(gone)}, {word} {clock(usual)}"


@dataclass(frozen=True, slots=True)
class Allowance:
    """What a stage may take, or usually takes; `budget` tells which.  None: neither is known."""

    seconds: float | None
    budget: bool

    def against(self, gone: float) -> str:
        """What it is measured against, in words that go on from the time it took."""
        if self.seconds is None:
            return ""
        if self.over(gone):
            return f" OVER {clock(self.seconds)}"
        return f", {self.words}"

    @property
    def words(self) -> str:
        """`budget 0:30:00`, `usually 0:12:04`."""
        return "" if self.seconds is None else f"{'budget' if self.budget else 'usually'} {clock(self.seconds)}"

    def over(self, gone: float) -> bool:
        """Whether it took more than its budget; what usually holds is no limit."""
        return self.budget and self.seconds is not None and gone > self.seconds


def allowance(session: Session, stage: Stage[Any]) -> Allowance:
    """The stage's budget, else how long it usually takes."""
    budget = session.budgets.get(stage.id)
    return Allowance(session.forecast.stages.get(stage.id) if budget is None else budget, budget is not None)
