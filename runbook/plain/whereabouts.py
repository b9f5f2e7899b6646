"""Where a run is, in lines: stages and layers, the clocks, what was found, what it made, what is asked."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from runbook.engine.objectives import known
from runbook.engine.procedure import Stage
from runbook.engine.run import LedgerEntry, Run
from runbook.engine.standing import current_stage, state
from runbook.plain.clocks import allowed, clocks, time_taken
from runbook.plain.helping import numbered
from runbook.plain.spoken import counted, spoken
from runbook.views import Session

_MFA: Final = {"PROVEN": "proven", "ATTESTED": "attested, not proven", "NO": "NONE"}


def whereabouts(session: Session, question: str) -> Iterator[str]:
    """All of it; `question` is what waits for an answer, "" for nothing."""
    run, procedure = session.run, session.procedure
    yield session.banner.line
    if run.started_at is None:
        yield "The run has not begun: no clock runs."
    else:
        yield f"Now: {numbered(procedure, current_stage(run, procedure))}."
        yield from (_of_stage(session, stage) for stage in (*procedure.stages, procedure.closing))
        yield from clocks(session)
        yield f"Second factor (MFA): {_MFA.get(str(known(run, 'SignedInAs').get('mfa')), 'not known yet')}."
        yield from _pauses(run)
        yield from _findings(run)
        yield from _made(run)
    if question:
        yield f"Not answered yet: {question}"


def _of_stage(session: Session, stage: Stage[Any]) -> str:
    run, procedure = session.run, session.procedure
    hold = sum(run.satisfied(step.id) for step in stage.steps)
    said = [f"{state(run, procedure, stage)}", f"{hold} of {counted(len(stage.steps), 'step')} hold"]
    if time := time_taken(session, stage) or allowed(session, stage):
        said.append(time)
    pulse = run.pulses.get(stage.id)
    if pulse is not None:
        age = f"{spoken((session.now() - pulse.at).total_seconds())} ago"
        said.append(f"layer alive, seen {age}" if pulse.alive else f"layer DOWN, seen {age}: {pulse.observed}")
    number = f"Stage {stage.number}, " if stage in procedure.stages else ""
    return f"{number}{stage.title}: {'; '.join(said)}."


def _pauses(run: Run) -> Iterator[str]:
    yield f"Pauses: {len(run.pauses) or 'none'}."
    yield from (f"Pause, {each.kind}, {spoken(abs(each.seconds))}: {each.observed}" for each in run.pauses)


def _findings(run: Run) -> Iterator[str]:
    yield f"Findings: {len(run.findings) or 'none'}."
    yield from (f"Finding, {each.severity}: {each.text}" for each in run.findings)


def _made(run: Run) -> Iterator[str]:
    yield f"Made by this run: {len(run.ledger) or 'nothing so far'}."
    yield from (f"Made, {_fate(entry)}: {entry.name} ({entry.kind})" for entry in run.ledger)


def _fate(entry: LedgerEntry) -> str:
    if entry.destroyed is not None:
        return "undone"
    return "kept" if entry.kept is not None else "there"
