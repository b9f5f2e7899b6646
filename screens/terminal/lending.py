"""The terminal is lent to another tool's command, and taken back when that has ended."""

from __future__ import annotations

import asyncio
import os
import shlex
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from textual.app import App, SuspendNotSupported

from runbook.terminal import run_here
from screens.text import one_line


async def lend_terminal(app: App[Any], argv: tuple[str, ...]) -> int | None:
    """The command's exit status; None when it could not be started, or there is no terminal to lend.

    What a command that failed has said stays in sight until the operator goes back.
    """
    try:
        with _suspended(app):
            _say(f"runbook steps aside for: {one_line(shlex.join(argv))}  (ctrl+c ends it; the run goes on)")
            status = await run_here(argv)
            if status != 0:
                _say(f"{_ending(status)} Press Enter to go back to runbook.")
                await _enter()
            return status
    except SuspendNotSupported:
        return None


@contextmanager
def _suspended(app: App[Any]) -> Iterator[None]:
    """Like Textual's own, for a body that awaits: nothing is painted meanwhile, and the app always comes back.

    Textual's writer is stopped while suspended: what is painted then would fill its queue and block the run.
    """
    ended: BaseException | None = None
    with app.suspend(), app.batch_update():
        try:
            yield
        except BaseException as error:  # noqa: BLE001  # Textual does not come back from a body that raises: told below
            ended = error
    app.refresh(layout=True)
    if ended is not None:
        raise ended


def _ending(status: int | None) -> str:
    if status is None:
        return "It could not be started: is it installed on this machine?"
    return f"It ended with status {status}." if status > 0 else f"It was ended by {signal.Signals(-status).name}."


def _say(text: str) -> None:
    sys.stdout.write(f"\n{text}\n")
    sys.stdout.flush()


async def _enter() -> None:
    """Wait for one line, whatever is on it."""
    loop, pressed = asyncio.get_running_loop(), asyncio.Event()
    terminal = sys.stdin.fileno()
    loop.add_reader(terminal, pressed.set)
    try:
        await pressed.wait()
        os.read(terminal, 1024)
    finally:
        loop.remove_reader(terminal)
