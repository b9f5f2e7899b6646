"""Why a gate stays shut.  Every front end shows these sentences; nothing else opens or shuts anything."""

from __future__ import annotations

from runbook.engine.procedure import H, Procedure, Stage
from runbook.engine.run import Run
from runbook.engine.verdict import Verdict


def entry_refusal(run: Run, procedure: Procedure[H], stage: Stage[H]) -> str | None:
    """Why this stage may not be begun, or None."""
    if run.outcome is not None:
        return f"this run ended with {run.outcome}: start a new one"
    if stage.id in run.opened:
        return f"stage {stage.number} ({stage.title}) is done; going back to it needs a reason"
    for earlier in procedure.before(stage):
        if earlier.id not in run.opened:
            return (
                f"stage {stage.number} ({stage.title}) cannot begin before the checkpoint "
                f"of stage {earlier.number} ({earlier.title}) is open"
            )
    return None


def refusal(run: Run, procedure: Procedure[H], stage: Stage[H]) -> str | None:
    """Why this stage's checkpoint stays shut, or None."""
    return entry_refusal(run, procedure, stage) or _unsatisfied(run, stage) or fallen(run, procedure, stage)


def _unsatisfied(run: Run, stage: Stage[H]) -> str | None:
    for step in stage.steps:
        result = run.result(step.id)
        if result is None:
            return f"{step.id} was not done yet: {step.title}"
        if not run.satisfied(step.id):
            word = "failed" if result.verdict is Verdict.FAIL else "came to no verdict"
            return f"{step.id} {word}: {result.observed}"
    return None


def fallen(run: Run, procedure: Procedure[H], stage: Stage[H]) -> str | None:
    """Which layer, this one or an earlier one, does not hold any more, or None."""
    for layer in (*procedure.before(stage), stage):
        pulse = run.pulses.get(layer.id)
        if pulse is not None and not pulse.alive:
            return f"stage {layer.number} ({layer.title}) fell: {pulse.observed}"
    return None
