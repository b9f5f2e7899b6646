"""A run's clocks in lines: each stage against its budget, the two objectives, who took how long."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from runbook.engine.forecast import left_s
from runbook.engine.objectives import loss_so_far, recovering, recovery_so_far
from runbook.engine.procedure import Stage
from runbook.engine.standing import shares, taken_s, until
from runbook.plain.spoken import counted, spoken
from runbook.views import Session

NO_TARGET: Final = "no target set"


def time_taken(session: Session, stage: Stage[Any]) -> str | None:
    """`12 minutes of 30 minutes`: a stage against its budget, and whether that is over; None: it was not begun."""
    took, budget = taken_s(session.run, stage, session.now()), session.budgets.get(stage.id)
    if took is None:
        return None
    if budget is None:
        return f"took {spoken(took)}, {allowed(session, stage) or 'no budget is set'}"
    over = f", OVER by {spoken(took - budget)}" if took > budget else ""
    return f"took {spoken(took)} of {spoken(budget)}{over}"


def allowed(session: Session, stage: Stage[Any]) -> str:
    """What a stage may take, else how long it usually takes; "": neither is known."""
    budget, usual = session.budgets.get(stage.id), session.forecast.stages.get(stage.id)
    if budget is not None:
        return f"budget {spoken(budget)}"
    return f"usually {spoken(usual)}" if usual is not None else ""


def clocks(session: Session) -> Iterator[str]:
    """A line for each of them."""
    yield f"Recovery time (RTO): {'; '.join(_recovery_time(session))}."
    yield f"Data loss (RPO): {'; '.join(_loss(session))}."
    spent = shares(session.run, session.now())
    interrupted = f"; interrupted {spoken(spent.nobody)}" if spent.nobody >= 1 else ""
    yield f"Waited for people {spoken(spent.people)}, for machines {spoken(spent.machines)}{interrupted}."


def _recovery_time(session: Session) -> Iterator[str]:
    """Its clock stops with the last stage; then it is met or not, and nothing is forecast any more."""
    run, now, target = session.run, session.now(), session.targets.get("rto_s")
    clock = recovery_so_far(run, session.procedure.stages[-1].id, until(run, now))
    since = "the incident" if recovering(run) else "T0"
    to = " to the last stage's end" if clock.stopped else ""
    gone = clock.gone_s
    yield "not known, as the time of the incident is not" if gone is None else f"{spoken(gone)} since {since}{to}"
    left = None
    if not clock.stopped:
        left = left_s(run, session.procedure, session.forecast, now)
        runs = counted(session.forecast.runs, "earlier run")
        yield "no forecast yet" if left is None else f"by {runs} about {spoken(left)} to go"
    yield NO_TARGET if target is None else f"target {spoken(target)}"
    if target is None or gone is None:
        return
    if gone > target:
        yield "EXCEEDED"
    elif clock.stopped:
        yield "met"
    elif left is not None:
        yield "it will be met" if gone + left <= target else "it will be MISSED at this pace"


def _loss(session: Session) -> Iterator[str]:
    """From the newest row that was restored."""
    run, target = session.run, session.targets.get("rpo_s")
    loss = loss_so_far(run, target)
    if loss is None:
        yield "not known yet"
    elif loss.actual_s is None:
        yield "unknown, as the clocks disagree"
    else:
        yield f"{spoken(loss.actual_s)} before {'the incident' if recovering(run) else 'T0'}"
    yield NO_TARGET if target is None else f"target {spoken(target)}"
    if loss is not None and loss.met in _MET:
        yield _MET[loss.met]


_MET: Final = {"YES": "met", "NO": "MISSED"}
