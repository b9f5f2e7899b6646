"""Where a run is, in lines: each stage and its layer, the clocks, the findings, what is asked."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from runbook.engine.forecast import left_s
from runbook.engine.objectives import began, recovering
from runbook.engine.procedure import Stage
from runbook.engine.standing import current_stage, shares, state, taken_s, until
from runbook.plain.helping import numbered
from runbook.plain.spoken import counted, spoken
from runbook.views import Session


def whereabouts(session: Session, question: str) -> Iterator[str]:
    """All of it; `question` is what waits for an answer, "" for nothing."""
    run, procedure = session.run, session.procedure
    yield session.banner.line
    if run.started_at is None:
        yield "The run has not begun: no clock runs."
    else:
        yield f"Now: {numbered(procedure, current_stage(run, procedure))}."
        yield from (_of_stage(session, stage) for stage in (*procedure.stages, procedure.closing))
        yield from _clocks(session)
        yield from _findings(session)
    if question:
        yield f"Not answered yet: {question}"


def _of_stage(session: Session, stage: Stage[Any]) -> str:
    run, procedure = session.run, session.procedure
    hold = sum(run.satisfied(step.id) for step in stage.steps)
    said = [f"{state(run, procedure, stage)}", f"{hold} of {counted(len(stage.steps), 'step')} hold"]
    if (took := time_taken(session, stage)) is not None:
        said.append(took)
    pulse = run.pulses.get(stage.id)
    if pulse is not None:
        age = f"{spoken((session.now() - pulse.at).total_seconds())} ago"
        said.append(f"layer alive, seen {age}" if pulse.alive else f"layer DOWN, seen {age}: {pulse.observed}")
    number = f"Stage {stage.number}, " if stage in procedure.stages else ""
    return f"{number}{stage.title}: {'; '.join(said)}."


def time_taken(session: Session, stage: Stage[Any]) -> str | None:
    """`12 minutes of 30 minutes`: a stage against its budget, and whether that is over; None: it was not begun."""
    took, budget = taken_s(session.run, stage, session.now()), session.budgets.get(stage.id)
    if took is None:
        return None
    if budget is None:
        return f"took {spoken(took)}, no budget is set"
    over = f", OVER by {spoken(took - budget)}" if took > budget else ""
    return f"took {spoken(took)} of {spoken(budget)}{over}"


def _clocks(session: Session) -> Iterator[str]:
    yield f"Recovery time: {'; '.join(_recovery_time(session))}."
    spent = shares(session.run, session.now())
    interrupted = f"; interrupted {spoken(spent.nobody)}" if spent.nobody >= 1 else ""
    yield f"Waited for people {spoken(spent.people)}, for machines {spoken(spent.machines)}{interrupted}."


def _recovery_time(session: Session) -> Iterator[str]:
    run, now, target = session.run, session.now(), session.targets.get("rto_s")
    start = began(run)
    since = "the incident" if recovering(run) else "T0"
    gone = until(run, now) - start if start else None
    yield f"{spoken(gone.total_seconds())} since {since}" if gone else "not known, as the time of the incident is not"
    left = left_s(run, session.procedure, session.forecast, now)
    yield "no forecast yet" if left is None else f"by earlier runs about {spoken(left)} to go"
    if target is None:
        yield "no target set"
        return
    yield f"target {spoken(target)}"
    if gone is not None and gone.total_seconds() > target:
        yield "EXCEEDED"
    elif gone is not None and left is not None:
        yield "it will be met" if gone.total_seconds() + left <= target else "it will be MISSED at this pace"


def _findings(session: Session) -> Iterator[str]:
    found = session.run.findings
    yield f"Findings: {len(found) or 'none'}."
    yield from (f"Finding, {each.severity}: {each.text}" for each in found)
