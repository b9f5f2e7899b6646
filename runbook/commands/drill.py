"""`runbook drill` and `runbook recover`: the configured environments, walked for real."""

from __future__ import annotations

import argparse
from datetime import UTC, datetime

from runbook.commands import fronts
from runbook.commands.app import screens
from runbook.commands.configured import configured
from runbook.commands.places import home_of
from runbook.commands.real.beginning import Intention
from runbook.commands.real.session import RealSession
from runbook.engine.errors import WrongUse


def run(arguments: argparse.Namespace) -> int:
    """A new run, in the front end that was asked for."""
    front = fronts.choose(arguments)
    unattended = front is fronts.Front.UNATTENDED
    mode = "recovery" if arguments.command == "recover" else "rehearsal" if unattended else "drill"
    wanted = Intention(mode, attended=not unattended, point_in_time=_moment(arguments.point_in_time))
    home, platform = home_of(arguments), configured(arguments)
    session = RealSession(home, platform, wanted)
    return screens(home, platform, begin=session) if front is fronts.Front.SCREENS else fronts.lines(session, front)


def _moment(text: str) -> str:
    """As it is declared; "" where none was given."""
    if not text:
        return ""
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        at = None
    if at is None or at.tzinfo is None:
        raise WrongUse(f"--point-in-time {text}: that is no time with a zone", fix="Write it as 2027-01-15T09:30Z.")
    return at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
