"""A person's end of `runbook …`: over pipes, or on a terminal of its own (pty) that can be closed under it."""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import select
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

RUNBOOK = ("-m", "runbook")
TAKE_TERMINAL = """import fcntl, os, sys, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
os.execv(sys.executable, [sys.executable, *sys.argv[1:]])"""
LIMIT_S = 120.0
SETTLED_S = 0.06  # nothing more is said: what stands last is being asked


class Terminal:
    """`said` is all that was printed so far; `seen` how much of it was answered or passed over."""

    def __init__(self, process: subprocess.Popen[bytes], source: int, sink: int) -> None:
        self.process = process
        self.said = ""
        self.seen = 0
        self._source, self._sink = source, sink

    @property
    def unseen(self) -> str:
        """What was printed since."""
        return self.said[self.seen :]

    def read(self, wait_s: float = 0.0) -> bool:
        """Take what is there; False when nothing came within that time, or nobody can say anything any more."""
        ready, _, _ = select.select([self._source], [], [], wait_s)
        if not ready:
            return False
        try:
            read = os.read(self._source, 1 << 16)
        except OSError:  # a pty whose last process is gone
            read = b""
        self.said += read.decode("utf-8", "replace")
        return bool(read)

    def expect(self, pattern: str, limit_s: float = LIMIT_S) -> re.Match[str]:
        """Wait until something new matches."""
        deadline = time.monotonic() + limit_s
        while not (found := re.compile(pattern).search(self.said, self.seen)):
            assert time.monotonic() < deadline, f"{pattern!r} never came:\n{self.said[-3000:]}"
            if not self.read(0.05) and self.process.poll() is not None and not self.read():
                raise AssertionError(f"{pattern!r} never came, and it ended:\n{self.said[-3000:]}")
        self.seen = found.end()
        return found

    def settled(self, limit_s: float = LIMIT_S) -> str:
        """What was printed since the last answer, once nothing more is said and it ends in a question; "" at the end.

        A line that is said while a question is open puts the question again: only the last one counts.
        """
        deadline = time.monotonic() + limit_s
        while True:
            if self.read(SETTLED_S):
                continue
            if self.unseen.endswith(": "):
                return self.unseen
            if self.process.poll() is not None and not self.read():
                return ""
            assert time.monotonic() < deadline, f"nothing was asked any more:\n{self.said[-3000:]}"

    def type(self, text: str) -> None:
        """A line; everything said so far counts as seen."""
        self.seen = len(self.said)
        with contextlib.suppress(BrokenPipeError):  # it has ended meanwhile: the test sees that by itself
            os.write(self._sink, (text + "\n").encode())

    def ended(self, limit_s: float = 60.0) -> int:
        """The exit status, and the rest of what was said."""
        deadline = time.monotonic() + limit_s
        while self.process.poll() is None:
            assert time.monotonic() < deadline, f"it did not end:\n{self.said[-3000:]}"
            self.read(0.05)
        while self.read():
            pass
        return self.process.returncode


@contextlib.contextmanager
def piped(
    *arguments: str, cwd: Path, environment: Mapping[str, str] | None = None, program: Sequence[str] = RUNBOOK
) -> Iterator[Terminal]:
    """`runbook …` without a terminal: lines in, lines out; ended with the block if it has not by itself."""
    process = subprocess.Popen(
        [sys.executable, "-P", *program, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        cwd=cwd,
        env=_environment(environment),
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        yield Terminal(process, process.stdout.fileno(), process.stdin.fileno())
    finally:
        _end(process)
        process.stdin.close()
        process.stdout.close()


class Pty(Terminal):
    """On a terminal of its own, of which it is the session's leader: closing it is what a lost SSH connection does."""

    def __init__(self, process: subprocess.Popen[bytes], hand: int, inner: int) -> None:
        super().__init__(process, hand, hand)
        self._hand, self._inner = hand, inner
        self._fresh = _modes(inner)
        self.closed = False

    def close(self) -> None:
        """Nobody holds the terminal any more: the kernel hangs up."""
        if not self.closed:
            self.closed = True
            os.close(self._inner)
            os.close(self._hand)

    @property
    def restored(self) -> bool:
        """Whether it echoes, reads lines and so on as before the process began."""
        return _modes(self._inner) == self._fresh


@contextlib.contextmanager
def on_a_terminal(
    *arguments: str, cwd: Path, environment: Mapping[str, str] | None = None, size: tuple[int, int] = (100, 30)
) -> Iterator[Pty]:
    """`runbook …` on a pty of that many columns and rows; stderr too."""
    hand, inner = os.openpty()
    fcntl.ioctl(inner, termios.TIOCSWINSZ, struct.pack("HHHH", size[1], size[0], 0, 0))
    process = subprocess.Popen(
        [sys.executable, "-c", TAKE_TERMINAL, "-P", *RUNBOOK, *arguments],
        stdin=inner,
        stdout=inner,
        stderr=inner,
        cwd=cwd,
        env=_environment({"TERM": "xterm-256color", **(environment or {})}),
        start_new_session=True,
    )
    terminal = Pty(process, hand, inner)
    try:
        yield terminal
    finally:
        _end(process)
        terminal.close()


def _environment(more: Mapping[str, str] | None) -> dict[str, str]:
    """Without a credential store, whatever this machine has."""
    none = {"PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring", "PYTHONUNBUFFERED": "1"}
    return {**os.environ, **none, **(more or {})}


def _modes(descriptor: int) -> list[object]:
    return list(termios.tcgetattr(descriptor)[:4])


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.kill()
    process.wait(20)
