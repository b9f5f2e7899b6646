"""Help on a step or a stage: why it is there, the policy's clause, the way without this tool, how long it takes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from runbook.engine.procedure import AnyStep, Procedure, Stage
from runbook.engine.run import Attempt
from runbook.plain.spoken import counted, spoken
from runbook.views import Session

NO_MANUAL = "there is no way without this tool"


def help_on(session: Session, place: str) -> Iterator[str]:
    """Lines about the step or stage of that id; of anything else, that there is no more to say."""
    procedure = session.procedure
    step = next((each for each in procedure.steps() if each.id == place), None)
    stage = next((each for each in (*procedure.stages, procedure.closing) if each.id == place), None)
    if step is not None:
        yield from _of_step(session, step)
    elif stage is not None:
        yield from _of_stage(session, stage)
    else:
        yield "There is no more to say about this question; ? says what can be answered, where says how the run stands."


def _of_step(session: Session, step: AnyStep[Any]) -> Iterator[str]:
    yield f"Help on {step.id}: {step.title}. It is {_article(step.kind)} of {_named(session, step.stage)}."
    yield f"Why: {step.why or 'not said'}"
    yield f"Usually takes: {usually(session, session.forecast.steps.get(step.id))}"
    yield f"By hand: {step.manual or NO_MANUAL}"
    if not step.attestable:
        yield "It can never be attested."
    last = session.run.last(step.id)
    if last is not None:
        yield from _of_attempt(last)


def _of_attempt(last: Attempt) -> Iterator[str]:
    yield f"Last attempt: {last.verdict}: {last.observed}"
    said = {"expected": last.expected, "source": last.source, "fix": last.fix, "they said": last.provider_text}
    for label, text in {**said, "reason": last.reason}.items():
        if text:
            yield f"Last attempt, {label}: {text}"


def _of_stage(session: Session, stage: Stage[Any]) -> Iterator[str]:
    yield f"Help on {_named(session, stage.id)}. It touches {stage.touches}."
    yield f"Usually takes: {usually(session, session.forecast.stages.get(stage.id))}"
    yield "Its checkpoint opens once every step holds and every layer before it answers now. There is no way past it."
    for step in stage.steps:
        yield f"Step {step.id}: {step.title}"


def usually(session: Session, seconds: float | None) -> str:
    """How long it took in earlier runs, in words."""
    if seconds is None:
        return "no forecast yet: no earlier run of this estate has it"
    return f"{spoken(seconds)} (median; {counted(session.forecast.runs, 'earlier run')} looked at)"


def _named(session: Session, stage_id: str) -> str:
    stage = session.procedure.stage(stage_id)
    return f"{numbered(session.procedure, stage)}, policy {stage.clause}" if stage.clause else stage.title


def numbered(procedure: Procedure[Any], stage: Stage[Any]) -> str:
    """`stage 2 of 5, Encryption Vault`; the closing has no number."""
    number = f"stage {stage.number} of {len(procedure.stages)}, " if stage in procedure.stages else ""
    return f"{number}{stage.title}"


def _article(kind: str) -> str:
    return f"{'an' if kind[0] in 'aeiou' else 'a'} {kind}"
