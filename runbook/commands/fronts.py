"""Which front end a command gets, and how it is run: screens, plain lines, or lines with nobody there."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Callable, Coroutine
from enum import Enum, auto
from pathlib import Path
from typing import Any, Final, TextIO

from runbook.commands.exits import ExitCode
from runbook.commands.tty import on_terminal
from runbook.engine.errors import OperatorGone, WrongUse
from runbook.engine.events import Event, Kind, Said
from runbook.engine.procedure import Procedure
from runbook.plain import ANNOUNCED, GoingOn, Keyboard, Lines, PlainOperator, copied
from runbook.views import Ending, Session
from steps import PROCEDURE

PRACTICE: Final = "training-"
"""How the id of a run begins that nobody signs off."""
_SIGNALS = {signal.SIGINT: ExitCode.INTERRUPTED, signal.SIGTERM: ExitCode.TERMINATED, signal.SIGHUP: ExitCode.HANGUP}


class Front(Enum):
    """The three front ends on the one engine."""

    SCREENS = auto()
    PLAIN = auto()
    UNATTENDED = auto()


def choose(arguments: argparse.Namespace) -> Front:
    """What was asked for; without a terminal, or on a dumb one, lines."""
    if arguments.unattended:
        return Front.UNATTENDED
    return Front.SCREENS if on_terminal() and not arguments.plain else Front.PLAIN


@copied.shown_too()
def lines(session: Session, front: Front, *, explain: bool = False) -> int:
    """A run as lines; answers the exit status.  A signal leaves a run that can be resumed."""
    out = Lines(session.procedure, sys.stdout)
    session.subscribe(out.hear)
    if explain:
        session.subscribe(_explainer(session.procedure, out))
    out.say(session.banner.line)
    if front is Front.PLAIN:
        out.say(ANNOUNCED)
    endings: list[Ending] = []

    async def walk() -> None:
        endings.append(await _walk(session, front, out))

    if (code := interruptible(walk())) is not None:
        return code
    _say_ending(out, endings[0])
    return endings[0].exit_code


def interruptible(work: Coroutine[Any, Any, None]) -> int | None:
    """Run it; the exit status of the signal that ended it, or None.  Ended so, it has put its things down first."""
    caught: list[ExitCode] = []
    try:
        asyncio.run(_until_signalled(work, caught))
    except asyncio.CancelledError:
        return _interrupted(caught[0] if caught else ExitCode.INTERRUPTED)
    except OperatorGone:
        return _interrupted(ExitCode.HANGUP)
    return None


async def _until_signalled(work: Coroutine[Any, Any, None], caught: list[ExitCode]) -> None:
    task = asyncio.ensure_future(work)

    def stop(code: ExitCode) -> None:
        caught.append(code)
        task.cancel()

    for number, code in _SIGNALS.items():
        asyncio.get_running_loop().add_signal_handler(number, stop, code)
    await task


async def _walk(session: Session, front: Front, out: Lines) -> Ending:
    if front is Front.UNATTENDED:
        return await session.walk(None)
    going_on = GoingOn(session, out)
    stop = session.subscribe(going_on.hear)
    watching = asyncio.create_task(going_on.keep(), name="say that work goes on")
    try:
        with contextlib.closing(Keyboard(sys.stdin)) as keyboard:
            return await session.walk(PlainOperator(out, keyboard, lambda: session.phone, session=session))
    finally:
        watching.cancel()
        stop()


def _interrupted(code: ExitCode) -> int:
    with contextlib.suppress(OSError):  # the terminal may be gone
        print("\nrunbook: interrupted; nothing is lost: `runbook resume` goes on from here", file=sys.stderr)
    for stream in (sys.stdout, sys.stderr):
        _let_go(stream)
    return code


def _let_go(stream: TextIO) -> None:
    """What Python still holds back for a terminal that is gone must not fail when it ends."""
    try:
        stream.flush()
    except OSError:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)


def told(ending: Ending) -> int:
    """Say how a run ended; answers the exit status."""
    _say_ending(Lines(PROCEDURE, sys.stdout), ending)
    return ending.exit_code


def _say_ending(out: Lines, ending: Ending) -> None:
    out.say()
    out.say(f"OUTCOME {ending.outcome} (exit {ending.exit_code})")
    expected = ending.details.get("expected")
    if expected is not None:
        good = ending.details.get("as_expected") == "yes"
        judged = "as expected" if good else f"not as expected: {expected} was expected of a good operator"
        out.say(f"Scenario {judged}")
    out.say(f"Record:  {ending.folder}")
    if said := ending.details.get("commit"):
        out.say(f"Commit:  {said}")
    out.say(f"Row:     {ending.details['row']} in {ending.details['log']}")
    out.say(f"Head:    {ending.details['short']} (written down elsewhere, it shows if the log is cut or made anew)")
    run = Path(ending.folder).name
    signed = "" if run.startswith(PRACTICE) else f"; runbook log sign {run} signs it off"
    out.say(f"Next:    runbook report {run} shows the report{signed}")


def _explainer(procedure: Procedure[Any], out: Lines) -> Callable[[Said], None]:
    def hear(said: Said) -> None:
        if isinstance(said, Event) and said.kind is Kind.STARTED and said.step is not None:
            step = procedure.step(said.step)
            out.say(f"    why        {step.id}: {step.why}")

    return hear


def refuse_other_way(declared_attended: bool, front: Front) -> None:  # noqa: FBT001  # a fact of the journal
    """Attended or not is part of the run and cannot change."""
    if declared_attended and front is Front.UNATTENDED:
        raise WrongUse("this run is attended, and stays so", fix="runbook resume, without --unattended.")
    if not declared_attended and front is not Front.UNATTENDED:
        raise WrongUse("this run is unattended, and stays so", fix="runbook resume --unattended.")
