"""`runbook watch RUN`: follows a run from another terminal, read-only: first what happened, then what happens."""

from __future__ import annotations

import argparse
import asyncio
import sys
from datetime import timedelta
from pathlib import Path
from typing import Final

from runbook.commands.configured import folder_of
from runbook.commands.exits import ExitCode
from runbook.commands.machine import SystemClock
from runbook.commands.places import JOURNAL
from runbook.engine.errors import RecordFailed, WrongUse
from runbook.engine.events import Event, Kind
from runbook.engine.ports import Clock
from runbook.plain import Lines
from runbook.records.chain import read_chain
from runbook.records.disk import Disk, read_whole
from steps import PROCEDURE

EVERY_S: Final = 1.0
SILENCE: Final = timedelta(minutes=2)  # a run whose first checkpoint is open is heard of every half minute


def run(arguments: argparse.Namespace) -> int:
    """Until the run's end, or Ctrl-C."""
    path = folder_of(arguments, arguments.run) / JOURNAL
    if not path.is_file():
        raise WrongUse(f"there is no journal of {arguments.run} on this machine", fix="runbook status lists the runs.")
    asyncio.run(follow(path, Lines(PROCEDURE, sys.stdout), SystemClock()))
    return ExitCode.PASS


async def follow(path: Path, out: Lines, clock: Clock) -> None:
    """Say every line of the journal, as it comes, until `ended`; RecordFailed names damage.

    A last line that is not whole is being written, or was torn by a crash and will be cut off: it is waited for.
    """
    tail = Tail(path)
    last, said_silent = clock.now(), False
    while True:
        for event in await asyncio.to_thread(tail.new):
            out.hear(event)
            if event.kind is Kind.ENDED:
                return
            last, said_silent = event.at, False
        if not said_silent and clock.now() - last > SILENCE:
            out.say(f"  SILENT       nothing was written since {last:%H:%M:%SZ}: somebody thinks, or nobody is there")
            said_silent = True
        await clock.sleep(EVERY_S)


class Tail:
    """A journal that somebody else writes; read anew only when its size changed, and verified whole each time."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._size = -1
        self._events: tuple[Event, ...] = ()

    def new(self) -> tuple[Event, ...]:
        """The whole lines that came since the last call; RecordFailed when those of before are not what they were."""
        if self._length() == self._size:
            return ()
        content = read_whole(self._path, Disk())
        self._size = len(content)
        before, self._events = self._events, read_chain(content, self._path).events
        if self._events[: len(before)] != before:
            raise RecordFailed(
                f"{self._path.name} no longer holds the lines that it held",
                fix="Something else writes to it: keep the file as it is, and start a new run.",
                source=str(self._path),
            )
        return self._events[len(before) :]

    def _length(self) -> int:
        try:
            return self._path.stat().st_size
        except OSError:
            return -2  # let the reading say what is wrong
