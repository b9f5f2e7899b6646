"""`runbook watch RUN`: follows a run from another terminal, read-only: first what happened, then what happens."""

from __future__ import annotations

import argparse
import asyncio
import sys
from contextlib import aclosing
from datetime import timedelta
from pathlib import Path
from typing import Final

from runbook.commands import tty
from runbook.commands.configured import folder_of
from runbook.commands.exits import ExitCode
from runbook.commands.machine import SystemClock
from runbook.commands.places import JOURNAL
from runbook.commands.tail import looks
from runbook.engine.errors import WrongUse
from runbook.engine.events import Kind
from runbook.engine.ports import Clock
from runbook.plain import Lines
from steps import PROCEDURE

SILENCE: Final = timedelta(minutes=2)  # a run whose first checkpoint is open is heard of every half minute


def run(arguments: argparse.Namespace) -> int:
    """Until the run's end, or Ctrl-C; on a terminal as the run's own screen, which stays after the end."""
    path = folder_of(arguments, arguments.run) / JOURNAL
    if not path.is_file():
        raise WrongUse(f"there is no journal of {arguments.run} on this machine", fix="runbook status lists the runs.")
    if tty.on_terminal() and not arguments.plain:
        return _on_screen(arguments, path)
    asyncio.run(follow(path, Lines(PROCEDURE, sys.stdout), SystemClock()))
    return ExitCode.PASS


def _on_screen(arguments: argparse.Namespace, path: Path) -> int:
    from runbook.commands.app import screens
    from runbook.commands.places import home_of
    from runbook.commands.watching import Watched, kept

    where = kept(arguments)
    return screens(home_of(arguments), where.platform, watch=Watched(path, where, SystemClock()))


async def follow(path: Path, out: Lines, clock: Clock) -> None:
    """Say every line of the journal, as it comes, until `ended`; RecordFailed names damage.

    A last line that is not whole is being written, or was torn by a crash and will be cut off: it is waited for.
    """
    last, said_silent = clock.now(), False
    async with aclosing(looks(path, clock)) as looked:
        async for events in looked:
            for event in events:
                out.hear(event)
                if event.kind is Kind.ENDED:
                    return
                last, said_silent = event.at, False
            if not said_silent and clock.now() - last > SILENCE:
                out.say(
                    f"  SILENT       nothing was written since {last:%H:%M:%SZ}: somebody thinks, or nobody is there"
                )
                said_silent = True
