"""The closing: what was shown, everything undone and seen to be gone, the end declared."""

from __future__ import annotations

from runbook.engine.ports import Preview
from runbook.engine.procedure import Action, Check, Repeat, Stage
from runbook.engine.verdict import Finding, Observation
from steps.facts import DataUntil
from steps.here import Here, moment

LAST_STAGE = "connectivity"


async def criteria_shown(here: Here) -> Observation:
    """The three criteria and the negative controls as they stand; a missed target becomes a finding."""
    tally = here.desk.tally()
    shown = {**tally.criteria, **{f"control {name}": verdict for name, verdict in tally.controls.items()}}
    said = ", ".join(f"{name} {verdict}" for name, verdict in shown.items())
    if "FAIL" not in shown.values() and set(shown.values()) != {"PASS"}:
        return Observation.not_needed(f"not everything could be shown: {said}", source="this run")
    return Observation.that(
        "FAIL" not in shown.values(),
        expected="three criteria and two negative controls PASS",
        observed=said,
        source="this run's own results",
        fix="Nothing to try here: the record says what failed.",
        findings=_missed(here),
    )


def _missed(here: Here) -> tuple[Finding, ...]:
    """Targets that were set and not met: recovery time from T0 to stage 5's last check, data loss before T0."""
    run, targets, missed = here.run, here.targets, []
    ends = [attempt.at for attempt in run.attempts if attempt.stage == LAST_STAGE and not attempt.void]
    until = run.fact(DataUntil)
    if run.started_at and ends and targets.rto_s is not None:
        took = int((ends[-1] - run.started_at).total_seconds())
        if took > targets.rto_s:
            missed.append(Finding(f"RTO missed: {took} s against {targets.rto_s} s", "major"))
    if run.started_at and until and targets.rpo_s is not None:
        began = run.started_at - (here.now() - here.provider_now())
        lost = int((began - moment(until.at)).total_seconds())
        if lost > targets.rpo_s:
            missed.append(Finding(f"RPO missed: {lost} s against {targets.rpo_s} s", "major"))
    return tuple(missed)


async def nothing_left(here: Here) -> Observation | None:
    """Nothing was made, or it is all gone."""
    return _clean(len(here.run.ledger)) if not here.run.open_ledger else None


async def show_cleanup(here: Here) -> Preview:
    """Every entry of the ledger that will be undone."""
    entries = here.run.open_ledger
    return Preview(
        what=f"Undo everything that this run made or changed ({len(entries)} entries), and see that it is gone",
        target=here.environment.name,
        calls=tuple(f"{entry.kind} {entry.id} (made by {entry.step})" for entry in entries),
    )


async def clean_up(here: Here) -> Observation:
    """Newest first; each is asked for again until it is not found."""
    return await here.desk.undo_all()


def _clean(entries: int) -> Observation:
    return Observation.passed(
        expected="nothing left", observed=f"nothing left of {entries} ledger entries", source="the ledger"
    )


async def declare(here: Here) -> Observation:
    """The outcome is computed, never typed."""
    tally = here.desk.tally()
    return Observation.passed(
        expected="the end of the run, declared",
        observed=f"outcome {tally.outcome}"
        + (f", {len(here.run.findings)} findings" if here.run.findings else ", no findings"),
        source="computed from this run's results",
    )


CLOSEOUT: Stage[Here] = Stage(
    number=6,
    id="closeout",
    title="Closing",
    clause="5",
    touches="only what this run made: it is undone and seen to be gone, then the record is written",
    steps=(
        Check(
            id="closeout.criteria",
            title="The three criteria and the negative controls",
            why="They decide what this run is worth.",
            manual="read the results of application.boots, application.database, application.decrypt",
            look=criteria_shown,
        ),
        Action(
            id="closeout.cleanup",
            title="Undo everything, and see that it is gone",
            why="A test that leaves a copy of patient data behind is not a passed test.",
            manual="delete what the ledger in the report lists, each by its provider's console",
            find=nothing_left,
            preview=show_cleanup,
            perform=clean_up,
            repeat=Repeat.AGAIN,
        ),
        Check(
            id="closeout.declare",
            title="Declare the end",
            why="From here on the record is not changed any more.",
            manual="sign and file the report",
            look=declare,
        ),
    ),
)
