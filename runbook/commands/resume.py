"""`runbook resume`: the same walk over a replayed state."""

from __future__ import annotations

import argparse

from runbook.commands import abandoned, fronts, plans
from runbook.commands.app import screens
from runbook.commands.machine import SystemClock
from runbook.commands.places import home_of
from runbook.commands.training_session import TrainingSession


def run(arguments: argparse.Namespace) -> int:
    """Resume the named run, or the newest unfinished one; one that only lacks its record gets it."""
    home = home_of(arguments)
    with home.locked():
        finished = abandoned.complete(home, SystemClock())
    if finished is not None and not home.unfinished():
        return fronts.told(finished)
    plan = plans.plan_of(home, arguments.run) if arguments.run else plans.plan_of_newest(home)
    front = fronts.choose(arguments)
    fronts.refuse_other_way(plan.attended, front)
    if front is fronts.Front.SCREENS:
        return screens(home, resume=plan)
    return fronts.lines(TrainingSession(home, plan), front)
