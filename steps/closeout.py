"""The closing: what was shown, everything undone and seen to be gone, the end declared."""

from __future__ import annotations

from dataclasses import replace

from runbook.engine.objectives import data_loss, recovery_time
from runbook.engine.ports import Preview
from runbook.engine.procedure import Action, Attestation, Check, Question, Repeat, Stage
from runbook.engine.verdict import Finding, Observation
from steps import findings, loss
from steps.facts import DataUntil
from steps.handing_over import handed_over
from steps.here import Here, moment

NOTHING_LEFT = "nothing left"
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
    """Targets that were set and not met."""
    run, until = here.run, here.run.fact(DataUntil)
    ahead = here.now() - here.provider_now()
    objectives = {
        "RTO": recovery_time(run, LAST_STAGE, here.targets.rto_s),
        "RPO": data_loss(run, moment(until.at) if until else None, ahead, here.targets.rpo_s),
    }
    return tuple(
        Finding(f"{name} missed: {each.actual_s} s against {each.target_s} s", "major")
        for name, each in objectives.items()
        if each.met == "NO"
    )


async def nothing_left(here: Here) -> Observation | None:
    """Nothing was made, or it is all gone or handed over."""
    return _clean(here) if not here.run.open_ledger else None


async def show_cleanup(here: Here) -> Preview:
    """Every entry of the ledger that will be undone; in a recovery also what stays, being the platform from now on."""
    kept = [entry for entry in here.run.open_ledger if handed_over(here, entry)]
    undone = [entry for entry in here.run.open_ledger if entry not in kept]
    what = (
        "everything that this run made or changed" if not kept else "what this run made and the platform does not need"
    )
    return Preview(
        what=f"Undo {what} ({len(undone)} entries), and see that it is gone" + (f"; {len(kept)} stay" if kept else ""),
        target=here.environment.name,
        calls=(
            *(f"{entry.kind} {entry.id} (made by {entry.step})" for entry in undone),
            *(f"stays: {entry.kind} {entry.id} (made by {entry.step})" for entry in kept),
        ),
    )


async def clean_up(here: Here) -> Observation:
    """Newest first; each is asked for again until it is not found."""
    seen = await here.desk.undo_all()
    return replace(seen, observed=f"{seen.observed}{_handed_over(here)}")


def _clean(here: Here) -> Observation:
    return Observation.passed(
        expected=NOTHING_LEFT,
        observed=f"nothing left of {len(here.run.ledger)} ledger entries{_handed_over(here)}",
        source="the ledger",
    )


def _handed_over(here: Here) -> str:
    kept = sum(entry.kept is not None for entry in here.run.ledger)
    return f"; {kept} handed over with the platform" if kept else ""


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
            aim=NOTHING_LEFT,
            why="A test that leaves a copy of patient data behind is not a passed test.",
            manual="delete what the ledger in the report lists, each by its provider's console",
            find=nothing_left,
            preview=show_cleanup,
            perform=clean_up,
            repeat=Repeat.AGAIN,
        ),
        Attestation(
            id="closeout.loss",
            title="What was lost, and who was told of it",
            why="Whoever treats patients has to know what is missing, and the ICO's 72 hours are running.",
            manual="state the window in writing; call the clinical safety officer; report to the ICO (ico.org.uk, "
            "report a breach) and by the DSPT incident tool; tell the customers",
            statement=loss.STATEMENT,
            spared=loss.only_in_recovery,
            form=loss.form,
            filled=loss.stated,
        ),
        Question(
            id="closeout.findings",
            title="An owner and a date for every finding",
            why="A finding that nobody owns is found again the next time.",
            manual="write a name and a date beside each finding in the report",
            ask=findings.owned,
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
