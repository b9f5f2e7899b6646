"""What must be so before a run is gone on with: it is not over, its rules and configuration hold, somebody says who."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from runbook.commands.plans import refuse_other_rules
from runbook.commands.real import changed
from runbook.commands.real.completing import write_elsewhere
from runbook.commands.real.named import Named
from runbook.config.file import Configuration
from runbook.config.load import Loaded
from runbook.engine.errors import WrongUse
from runbook.engine.events import Event
from runbook.engine.ports import Confirm, Operator, Preview
from runbook.engine.run import Run
from runbook.plain.nobody import Nobody
from steps import declaring


def may_go_on(
    run: Run, folder: Path, settings: Configuration, operator: Operator | None, *, ended_elsewhere: bool
) -> None:
    """WrongUse where the run is over, was begun under other rules, or in the other way; `operator` None: unattended."""
    if run.outcome is not None and not ended_elsewhere:
        fix = "runbook resume, without its name, makes what is missing of its record."
        raise WrongUse(f"{run.id} ended as {run.outcome} on this machine", fix=fix)
    if run.outcome is not None:
        write_elsewhere(folder, run.id, run.outcome)
        raise WrongUse(
            f"{run.id} ended as {run.outcome}: another machine went on with it",
            fix="Its record is there, and in the evidence bucket.",
        )
    refuse_other_rules(run.declared, settings.policy())
    if bool(run.declared["attended"]) is not (operator is not None):
        way = "attended" if run.declared["attended"] else "unattended"
        raise WrongUse(f"this run is {way}, and stays so", fix="runbook resume, with --unattended for a rehearsal.")


async def who_goes_on(run: Run, operator: Operator | None) -> Operator:
    """The operator who was declared, or another person who says who they are."""
    if operator is None:
        return Nobody()
    declared = run.declared["operator"]
    defaults = {"operator": declared["name"], "operator_role": declared["role"]}
    answers = await operator.fill(declaring.resumed_by(run.id, defaults))
    if answers is None:
        raise WrongUse("nobody said who goes on, so nothing was done", fix="runbook resume")
    return Named(operator, declaring.resumer(answers)["operator"]["name"])


async def taken_as_it_is(
    past: Iterable[Event], loaded: Loaded, who: Operator, operator: Operator | None
) -> dict[str, Any]:
    """What the resume says of itself; a changed configuration is shown, and agreed to by a person or not at all."""
    flat = loaded.flat()
    drift = changed.difference(changed.baseline(past) or {}, flat)
    told: dict[str, Any] = {"by": who.name, "host": platform.node(), "pid": os.getpid()}
    if drift is None:
        return told
    if operator is None or not await who.confirm(_shown(drift, loaded.path)):
        sentence = f"{loaded.path.name} is not what the run goes by ({drift.keys})"
        raise WrongUse(sentence, fix="Put the file back, or have a person agree to the difference.")
    return told | {changed.KEY: flat, "void_from": drift.stage, "why": f"{loaded.path.name} changed: {drift.keys}"}


def _shown(drift: changed.Difference, path: Path) -> Confirm:
    """The difference, before anything goes on with it."""
    back = f"the run goes back to stage {drift.stage}" if drift.stage else "no stage reads it: nothing is done again"
    what = f"{path.name} was changed since this run went by it; {back}"
    preview = Preview(what=what, target=path.name, changes=drift.changes)
    return Confirm(step="identity.tool", title="Go on with the changed configuration", preview=preview)
