"""What a run comes to: computed from its state, never typed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from runbook.engine.procedure import Check, H, Procedure, Stage
from runbook.engine.run import Run
from runbook.engine.verdict import Verdict


class Outcome(StrEnum):
    """In the order in which they apply: the first that fits is the run's."""

    FAIL = "FAIL"  # a criterion or a layer failed
    INCONCLUSIVE = "INCONCLUSIVE"  # no verdict about the backup
    ABORTED = "ABORTED"  # the operator stopped, nothing had failed
    PASS_WITH_ISSUES = "PASS_WITH_ISSUES"  # attestation, accepted failure, finding, target missed, cleanup not finished
    PASS = "PASS"


NOT_RUN = "NOT_RUN"


def criteria(run: Run, procedure: Procedure[H]) -> dict[str, str]:
    """Verdict by criterion (boots, connects, decrypts), NOT_RUN where the run did not get there."""
    return {step.criterion: _verdict(run, step.id) for step in _checks(procedure) if step.criterion}


def controls(run: Run, procedure: Procedure[H]) -> dict[str, str]:
    """Verdict by negative control (sealed, damaged)."""
    return {step.control: _verdict(run, step.id) for step in _checks(procedure) if step.control}


def stage_result(run: Run, stage: Stage[H]) -> str:
    """PASS, ATTESTED, ACCEPTED, FAIL or NOT_RUN, as the test log says it."""
    last = [run.last(step.id) for step in stage.steps]
    failed = {attempt.step for attempt in last if attempt and attempt.verdict is Verdict.FAIL}
    if failed - set(run.accepted) or _fell(run, stage):
        return "FAIL"
    if stage.id not in run.opened or _silent(run, stage):
        return NOT_RUN
    if failed:
        return "ACCEPTED"
    excepted = {exception["what"] for exception in run.exceptions}
    attested = {attempt.step for attempt in last if attempt and attempt.verdict is Verdict.ATTESTED}
    return "ATTESTED" if excepted & attested else "PASS"


@dataclass(frozen=True, slots=True)
class Tally:
    """What the run comes to now."""

    outcome: Outcome
    criteria: Mapping[str, str]
    controls: Mapping[str, str]


def tally(run: Run, procedure: Procedure[H]) -> Tally:
    """Outcome, criteria and negative controls of the run as it stands."""
    return Tally(outcome(run, procedure), criteria(run, procedure), controls(run, procedure))


def outcome(run: Run, procedure: Procedure[H]) -> Outcome:
    """The run's outcome now; a missed target is a finding by then (`closeout.criteria`)."""
    lasts = [last for stage in procedure.stages for step in stage.steps if (last := run.last(step.id))]
    verdicts = [last.verdict for last in lasts if not last.declined and last.step not in run.accepted]
    if run.stopped or Verdict.FAIL in verdicts or any(_fell(run, stage) for stage in procedure.stages):
        return Outcome.FAIL
    if Verdict.INCONCLUSIVE in verdicts or any(_silent(run, stage) for stage in procedure.stages):
        return Outcome.INCONCLUSIVE
    if run.aborted is not None or len(run.opened) < len(procedure.stages):
        return Outcome.ABORTED
    issues = run.exceptions or run.findings or run.open_ledger
    return Outcome.PASS_WITH_ISSUES if issues else Outcome.PASS


def _checks(procedure: Procedure[H]) -> list[Check[H]]:
    return [step for step in procedure.steps() if isinstance(step, Check)]


def _verdict(run: Run, step: str) -> str:
    """What was shown and still counts; a failure counts also after going back behind it."""
    last = run.last(step)
    return NOT_RUN if last is None or (last.void and last.verdict is not Verdict.FAIL) else str(last.verdict)


def _fell(run: Run, stage: Stage[H]) -> bool:
    pulse = run.pulses.get(stage.id)
    return pulse is not None and pulse.failed


def _silent(run: Run, stage: Stage[H]) -> bool:
    pulse = run.pulses.get(stage.id)
    return pulse is not None and not pulse.alive and not pulse.failed
