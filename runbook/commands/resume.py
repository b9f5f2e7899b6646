"""`runbook resume`: the same walk over a replayed state."""

from __future__ import annotations

import argparse
import sys
from contextlib import ExitStack

from runbook.commands import abandoned, fronts, plans
from runbook.commands.app import screens
from runbook.commands.configured import Configured, configured, configured_if_any
from runbook.commands.exits import ExitCode
from runbook.commands.machine import SystemClock
from runbook.commands.places import REAL, Home, home_of
from runbook.commands.real import unfinished
from runbook.commands.real.completing import complete
from runbook.commands.real.removal import offer
from runbook.commands.real.session import RealSession
from runbook.commands.training_session import TrainingSession
from runbook.config.file import ENVIRONMENT_OF
from runbook.records.run_lock import local_lock


def run(arguments: argparse.Namespace) -> int:
    """Resume the named run, or the newest unfinished one; one that only lacks its record gets it.

    Where no run is unfinished, what ended ones left behind is offered for removal.
    """
    home, named = home_of(arguments), arguments.run
    if named is not None:
        real = named.partition("-")[0] in REAL
        return _real(arguments, home, configured(arguments)) if real else _training(arguments, home)
    found = configured_if_any(arguments)
    if found.trouble:
        print(f"runbook: {found.trouble}", file=sys.stderr)
    if found.platform is not None and unfinished.newest_is_real(home, found.platform):
        return _real(arguments, home, found.platform)
    if found.platform is not None and not home.unfinished():
        return _nothing_unfinished(arguments, home, found.platform)
    return _training(arguments, home)


def _nothing_unfinished(arguments: argparse.Namespace, home: Home, platform: Configured) -> int:
    """Ended runs get the record that they lack; else what they left is offered for removal."""
    with ExitStack() as held:
        for environment in sorted(set(ENVIRONMENT_OF.values())):
            held.enter_context(local_lock(home.root, environment, "records of ended runs"))
        done = complete(home, platform)
    for trouble in done.troubles:
        print(f"runbook: not finished: {trouble}", file=sys.stderr)
    if done.endings:
        return fronts.told(done.endings[-1])
    return ExitCode.NOT_RECORDED if done.troubles else offer(arguments, home, platform)


def _real(arguments: argparse.Namespace, home: Home, platform: Configured) -> int:
    wanted = unfinished.intention(platform, arguments.run)
    front = fronts.choose(arguments)
    fronts.refuse_other_way(wanted.attended, front)
    session = RealSession(home, platform, wanted)
    return screens(home, platform, resume=session) if front is fronts.Front.SCREENS else fronts.lines(session, front)


def _training(arguments: argparse.Namespace, home: Home) -> int:
    with home.locked():
        finished = abandoned.complete(home, SystemClock())
    if finished is not None and not home.unfinished():
        return fronts.told(finished)
    plan = plans.plan_of(home, arguments.run) if arguments.run else plans.plan_of_newest(home)
    front = fronts.choose(arguments)
    fronts.refuse_other_way(plan.attended, front)
    session = TrainingSession(home, plan)
    return screens(home, None, resume=session) if front is fronts.Front.SCREENS else fronts.lines(session, front)
