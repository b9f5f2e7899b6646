"""`runbook resume` where no run is unfinished: what ended runs left behind is offered for removal, line by line."""

from __future__ import annotations

import argparse
import sys
from contextlib import closing

from runbook.commands import fronts
from runbook.commands.configured import Configured
from runbook.commands.exits import ExitCode
from runbook.commands.machine import SystemClock
from runbook.commands.places import Home
from runbook.commands.real import leftovers, workshop
from runbook.commands.real.beginning import bounds_of
from runbook.commands.real.leftovers import Leftovers
from runbook.commands.real.named import Named
from runbook.commands.session import RunSession
from runbook.config.file import ENVIRONMENT_OF
from runbook.engine.errors import WrongUse
from runbook.engine.ports import Operator
from runbook.plain import Keyboard, Lines, PlainOperator
from runbook.records.run_lock import local_lock
from steps import PROCEDURE, declaring

MODES = ("drill", "recovery")
"""One for each environment."""


class Removal(RunSession):
    """Lends the removal of leftovers what a session has: tools, and who listens."""

    async def walk(self, home: Home, platform: Configured, mode: str, lines: Lines) -> None:
        """Offer everything that runs on that mode's environment left."""
        with (
            local_lock(home.root, ENVIRONMENT_OF[mode], "removal of leftovers"),
            self._tools(bounds_of(platform, mode)) as tools,
            closing(Keyboard(sys.stdin)) as keyboard,
        ):
            person = PlainOperator(lines, keyboard, lambda: None)
            operator, role = await _named(person, platform)
            shop = await workshop.opened(platform, home, mode, tools, operator)
            for line in await Leftovers(shop, self._clock, operator, role).offer():
                lines.say(f"  {line}")


async def _named(person: Operator, platform: Configured) -> tuple[Operator, str]:
    """Who removes it stands in the record."""
    answers = await person.fill(declaring.resumed_by("The removal", platform.settings.people.model_dump()))
    if answers is None:
        raise WrongUse("nobody said who removes it, so nothing was removed", fix="runbook resume")
    who = declaring.resumer(answers)["operator"]
    return Named(person, who["name"]), who["role"]


def offer(arguments: argparse.Namespace, home: Home, platform: Configured) -> int:
    """Each environment in turn; WrongUse where nothing is left over either."""
    left = [mode for mode in MODES if leftovers.found(platform, ENVIRONMENT_OF[mode])]
    if not left:
        raise WrongUse("there is no unfinished run, and no run left anything behind", fix="runbook drill starts one.")
    if arguments.unattended:
        raise WrongUse("removing what a run left asks a person", fix="runbook resume, without --unattended.")
    lines = Lines(PROCEDURE, sys.stdout)
    for mode in left:
        walk = Removal(SystemClock()).walk(home, platform, mode, lines)
        if (code := fronts.interruptible(walk)) is not None:
            return code
    still = [each for mode in left for each in leftovers.found(platform, ENVIRONMENT_OF[mode])]
    return ExitCode.PASS_WITH_ISSUES if still else ExitCode.PASS
