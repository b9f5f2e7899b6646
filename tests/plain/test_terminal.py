"""Another tool's command with the terminal to itself, on a terminal of its own."""

from __future__ import annotations

import asyncio
import os
import select
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from runbook.terminal import run_here

# The run: it owns its terminal, goes on beside the command, and says what became of it.
RUN = """
import asyncio, fcntl, os, sys, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
from runbook.terminal import run_here
async def beat():
    while True:
        await asyncio.sleep(0.01)
        os.write(1, b".")
async def run():
    beating = asyncio.create_task(beat())
    status = await run_here(tuple(sys.argv[1:]))
    beating.cancel()
    print("status", status, "ours" if os.tcgetpgrp(0) == os.getpgrp() else "NOT OURS", flush=True)
asyncio.run(run())
"""


class Screen:
    """A terminal in which that run was started with that command."""

    def __init__(self, *argv: str) -> None:
        self._hand, inner = os.openpty()
        words = [sys.executable, "-c", RUN, *argv]
        self.process = subprocess.Popen(words, stdin=inner, stdout=inner, stderr=inner, start_new_session=True)
        os.close(inner)
        self.said = ""

    def until(self, text: str) -> None:
        while text not in self.said:
            ready, _, _ = select.select([self._hand], [], [], 20)
            assert ready, f"{text!r} was not said: {self.said!r}"
            self.said += os.read(self._hand, 4096).decode()

    def until_lent(self) -> None:
        """Until the terminal belongs to the command: it may have said something a moment before."""
        deadline = time.monotonic() + 20
        while os.tcgetpgrp(self._hand) == self.process.pid:
            assert time.monotonic() < deadline, "the terminal was never lent"
            time.sleep(0.005)

    def type(self, text: str) -> None:
        os.write(self._hand, text.encode())

    def close(self) -> None:
        self.process.kill()
        self.process.wait(20)
        os.close(self._hand)


@pytest.fixture
def screens() -> Iterator[list[Screen]]:
    opened: list[Screen] = []
    yield opened
    for screen in opened:
        screen.close()


def _run(screens: list[Screen], *argv: str) -> Screen:
    screens.append(Screen(*argv))
    return screens[-1]


def test_the_command_reads_from_the_terminal_and_the_run_goes_on_beside_it(screens: list[Screen]) -> None:
    screen = _run(screens, "sh", "-c", "echo ready; read line; echo got $line; exit 3")
    screen.until("ready")
    screen.said = ""
    screen.until("....")
    screen.type("browser done\n")
    screen.until("got browser done")
    screen.until("status 3 ours")


def test_ctrl_c_ends_the_command_and_not_the_run(screens: list[Screen]) -> None:
    screen = _run(screens, "sh", "-c", "echo ready; exec sleep 60")
    screen.until("ready")
    screen.until_lent()
    screen.type("\x03")
    screen.until("status -2 ours")
    assert screen.process.wait(20) == 0


def test_a_command_that_is_stopped_goes_on(screens: list[Screen]) -> None:
    screen = _run(screens, "sh", "-c", "echo ready; read line; exit 4")
    screen.until("ready")
    screen.until_lent()
    screen.type("\x1a")
    screen.type("on\n")
    screen.until("status 4 ours")


def test_a_command_that_is_not_there_is_no_command(screens: list[Screen]) -> None:
    _run(screens, "no-such-tool-anywhere").until("status None ours")


async def test_what_cannot_be_started_is_no_command(tmp_path: Path) -> None:
    assert await run_here((str(tmp_path),)) is None  # a folder
    gibberish = tmp_path / "gibberish"
    gibberish.write_bytes(b"\x00\x01")
    gibberish.chmod(0o700)
    assert await run_here((str(gibberish),)) is None


async def test_a_run_that_is_left_takes_its_command_along(tmp_path: Path) -> None:
    told = tmp_path / "pid"
    script = f"import os, pathlib, time; pathlib.Path({str(told)!r}).write_text(str(os.getpid())); time.sleep(60)"
    running = asyncio.create_task(run_here((sys.executable, "-c", script)))
    async with asyncio.timeout(20):
        while not told.exists() or not told.read_text(encoding="utf-8"):  # noqa: ASYNC110 - another process writes it
            await asyncio.sleep(0.02)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    with pytest.raises(ProcessLookupError):
        os.kill(int(told.read_text(encoding="utf-8")), 0)
