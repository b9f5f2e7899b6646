"""What a verdict speaks about, what each way on does, and why one that is looked for is not offered: in words.

Every front end says these; nothing here decides anything.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from runbook.engine.ports import Act, Decide
from runbook.engine.procedure import Check, Procedure, Step
from runbook.engine.run import Attempt, Run
from runbook.engine.verdict import Verdict

NO_VERDICT: Final = "No verdict could be had: this says nothing about the backup."
DECLINED: Final = "You did not agree, so nothing was done: this says nothing about the backup."
STOPPED: Final = "To go on would do harm: this run can only be ended."
CRITERION: Final = "One of the three criteria that make a restore a success; it can never be attested."
CONTROL: Final = "This was to be refused, and was not: what succeeds after it would prove nothing."
OF_STAGE: Final[Mapping[str, str]] = MappingProxyType(
    {
        "identity": "This is about the way in, not about the backup: nothing of it was looked at here.",
        "vault": "This is about the backup of the vault, or the vault that was made of it.",
        "database": "This is about the recovery point, or the database that was made of it.",
        "application": "This is about the application on the restored layers.",
        "connectivity": "This is about the way from the Internet to the restored application.",
    }
)
CLOSING: Final = "This is about the end of the run and what it leaves behind."
NEVER_FAIL: Final = "not offered: a FAIL can never be attested"
NEVER_STEP: Final = "not offered: this step can never be attested"
NOTHING_LOOKED_AT: Final = "not offered: nothing was looked at; retry and agree, or go another way"
FAILED_BEFORE: Final = "not offered: it was a FAIL earlier in this run, and no later doubt takes that back"
ONLY_IN_RECOVERY: Final = "not offered: a loss is accepted in a recovery, by two people, and nowhere else"
MEANS: Final[Mapping[Act, str]] = MappingProxyType(
    {
        Act.OPEN: "every layer is looked at once more, then it opens; it is your act, and cannot be taken back",
        Act.SIGN_IN: "here and now; the step is tried again, nothing is lost",
        Act.RETRY: "once more; what was done already is found, and not done twice",
        Act.ATTEST: "you state it in place of the check, with a reason; the run is PASS WITH ISSUES at best",
        Act.ACCEPT: "you and a second named person state what is lost; the step stays FAIL, the stage becomes "
        "ACCEPTED, the run PASS WITH ISSUES at best",
        Act.CLOSE: "takes back what was opened to the world, at once; the run goes on",
        Act.BACK: "to an earlier stage, with a reason; the results from there on become void, the clocks go on",
        Act.ABORT: "ends this run for good, with a reason; what it made is cleaned up, and all of it is recorded",
    }
)
"""What each act does, in a line."""


def meaning(ask: Decide, run: Run, procedure: Procedure[Any]) -> str:
    """What this failure speaks about."""
    step, last = procedure.step(ask.step), run.last(ask.step)
    if last is not None and last.hard_stop:
        return STOPPED
    if ask.verdict is Verdict.INCONCLUSIVE:
        return DECLINED if last is not None and last.declined else NO_VERDICT
    return _of_failure(step)


def _of_failure(step: Step[Any]) -> str:
    if isinstance(step, Check) and step.criterion:
        return CRITERION
    if isinstance(step, Check) and step.control:
        return CONTROL
    return OF_STAGE.get(step.stage, CLOSING)


def not_offered(ask: Decide, run: Run, procedure: Procedure[Any]) -> dict[Act, str]:
    """The acts that are looked for in vain, each with the reason."""
    step = procedure.step(ask.step)
    reasons = {Act.ATTEST: _no_attesting(ask, run, attestable=step.attestable)}
    if step.acceptable and ask.verdict is Verdict.FAIL:
        reasons[Act.ACCEPT] = ONLY_IN_RECOVERY
    return {act: reason for act, reason in reasons.items() if reason and act not in ask.options}


def _no_attesting(ask: Decide, run: Run, *, attestable: bool) -> str:
    last = run.last(ask.step)
    if ask.verdict is Verdict.FAIL:
        return NEVER_FAIL
    if not attestable:
        return NEVER_STEP
    if last is not None and last.declined:
        return NOTHING_LOOKED_AT
    return FAILED_BEFORE if run.failed_before(ask.step) else ""


def tries(run: Run, step: str) -> tuple[Attempt, ...]:
    """The attempts of a step since it last held, oldest first."""
    found: list[Attempt] = []
    for attempt in reversed([each for each in run.attempts if each.step == step]):
        if attempt.void or attempt.verdict.satisfies:
            break
        found.append(attempt)
    return tuple(reversed(found))


def becomes_void(run: Run, procedure: Procedure[Any], place: str) -> tuple[str, ...]:
    """The steps of the five whose results stand no longer once the run goes back to that stage, or step of one."""
    ids = [step.id for stage in procedure.stages for step in stage.steps]
    stage_id = place.partition(".")[0]
    first = place if place in ids else next((step for step in ids if step.startswith(f"{stage_id}.")), None)
    return tuple(step for step in ids[ids.index(first) :] if run.result(step) is not None) if first else ()
