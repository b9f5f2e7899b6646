"""`runbook resume`: the same walk over a replayed state."""

from __future__ import annotations

import argparse

from runbook import __version__
from runbook.commands import fronts
from runbook.commands.places import Home, home_of, state_of
from runbook.commands.training_session import Plan, TrainingSession, policy_hash
from runbook.engine.errors import WrongUse
from runbook.training.scenario import Scenario


def run(arguments: argparse.Namespace) -> int:
    """Resume the named run, or the newest unfinished one."""
    home = home_of(arguments)
    plan = plan_of(home, arguments.run) if arguments.run else plan_of_newest(home)
    front = fronts.choose(arguments)
    fronts.refuse_other_way(plan.attended, front)
    if front is fronts.Front.SCREENS:
        return fronts.screens(home, resume=True)
    return fronts.lines(TrainingSession(home, plan), front)


def plan_of_newest(home: Home) -> Plan:
    """The newest unfinished run; WrongUse when there is none."""
    unfinished = home.unfinished()
    if not unfinished:
        raise WrongUse("there is no unfinished run", fix="runbook train starts one.")
    return plan_of(home, unfinished[0])


def plan_of(home: Home, run_id: str) -> Plan:
    """What the run declared; a journal of another policy or major version is refused with both values."""
    run = state_of(home.folder(run_id))
    if run is None:
        raise WrongUse(f"there is no run {run_id} in {home.training}", fix="runbook status lists them.")
    if run.outcome is not None:
        raise WrongUse(
            f"{run_id} ended with {run.outcome}: it cannot be resumed", fix="runbook train starts a new one."
        )
    declared = run.declared
    _refuse_difference("policy and procedure", str(declared["policy"]["sha256"])[:16], policy_hash()[:16])
    _refuse_difference("major version", _major(str(declared["tool_version"])), _major(__version__))
    script = Scenario.model_validate(declared["script"])
    return Plan(script, int(declared["seed"]), attended=bool(declared["attended"]), run_id=run_id)


def _refuse_difference(what: str, theirs: str, ours: str) -> None:
    if theirs != ours:
        raise WrongUse(
            f"the run was begun under another {what}: {theirs}, here it is {ours}",
            fix="Resume it with the version it was begun with.",
        )


def _major(version: str) -> str:
    return version.partition(".")[0]
