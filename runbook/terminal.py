"""Another tool's command with the terminal to itself: both front ends run it the same way.

The command is put into the foreground as a shell would do it, so that ctrl+c ends the command and not the run.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator

LOOK_S = 0.1  # how often the command is looked after; the run (heartbeats, the record) goes on meanwhile
PATIENCE_S = 2.0  # what a command that is told to end gets for it


async def run_here(argv: tuple[str, ...]) -> int | None:
    """Run it to its end on this process's own terminal; its exit status, None when it could not be started.

    A status below 0 is the signal that ended it (ctrl+c: -2).  Cancelling ends the command too.
    """
    try:
        process = subprocess.Popen(argv, process_group=0)  # noqa: ASYNC220 - starting it does not block
    except OSError:
        return None
    with _foreground(process.pid):
        try:
            return await _ended(process)
        except asyncio.CancelledError:
            _end(process)
            raise


async def _ended(process: subprocess.Popen[bytes]) -> int:
    while True:
        pid, status = os.waitpid(process.pid, os.WNOHANG | os.WUNTRACED)  # noqa: ASYNC222 - does not block
        if pid and os.WIFSTOPPED(status):  # ctrl+z, or it asked for the terminal before it was given to it
            os.killpg(process.pid, signal.SIGCONT)
        elif pid:
            process.returncode = os.waitstatus_to_exitcode(status)
            return process.returncode
        await asyncio.sleep(LOOK_S)


def _end(process: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)
        os.killpg(process.pid, signal.SIGCONT)
    try:
        process.wait(PATIENCE_S)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


@contextlib.contextmanager
def _foreground(group: int) -> Iterator[None]:
    """Inside it, the terminal (where there is one) belongs to that process group; afterwards to this one again."""
    terminal = _ours()
    if terminal is None:
        yield
        return
    try:
        with contextlib.suppress(OSError):  # it ended before it was given anything
            os.tcsetpgrp(terminal, group)
        yield
    finally:
        with contextlib.suppress(OSError):  # the terminal was closed meanwhile
            _take_back(terminal)


def _ours() -> int | None:
    """The terminal's descriptor, if there is one and this process is in its foreground."""
    try:
        terminal = sys.stdin.fileno()
        return terminal if os.tcgetpgrp(terminal) == os.getpgrp() else None
    except (OSError, ValueError):
        return None


def _take_back(terminal: int) -> None:
    """From the background, taking the terminal raises SIGTTOU unless that is blocked."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTTOU})
    try:
        os.tcsetpgrp(terminal, os.getpgrp())
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
