"""A program in a terminal of 80 by 24, and when it paints where."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import termios
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

ROWS, COLUMNS = 24, 80
KEPT = 1 << 16  # bytes of what was painted
_ESCAPES = re.compile(rb"\x1b\[[0-9;?=>]*[ -/]*[@-~]|\x1b[P\]_^].*?(?:\x1b\\|\x07)|\x1b[@-Z\\-_78=>]", re.DOTALL)
_MOVES = re.compile(rb"\x1b\[(\d+);(\d+)H")  # Textual begins each span that it paints so
_ROOT = Path(__file__).parents[2]


class Terminal:
    """Starts the program on entering, kills it on leaving."""

    def __init__(self, command: Sequence[str]) -> None:
        self._command = command
        self.seen = b""

    def __enter__(self) -> Self:
        self._ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
        self._began = time.perf_counter()
        self._process = subprocess.Popen(
            self._command, stdin=theirs, stdout=theirs, stderr=theirs, env=_environment(), start_new_session=True
        )
        os.close(theirs)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.kill()
        self._process.wait()
        os.close(self._ours)

    def painted(self, words: Sequence[str], limit_s: float) -> float:
        """Seconds from the start of the program until the last of these words was there."""
        while (left := self._began + limit_s - time.perf_counter()) > 0:
            self._more(left)
            at = time.perf_counter()
            text = _ESCAPES.sub(b"", self.seen).decode("utf-8", "replace")
            if all(word in text for word in words):
                return at - self._began
        raise SystemExit(f"never painted: {[word for word in words if word.encode() not in self.seen]}")

    def answer(self, key: bytes, rows: range, columns: range, limit_s: float) -> float:
        """Seconds from the key to the first painting in that place, counted from 0; `limit_s` when there is none."""
        began = time.perf_counter()
        os.write(self._ours, key)
        while (left := began + limit_s - time.perf_counter()) > 0:
            painted, at = self._more(left), time.perf_counter()
            if any(int(row) - 1 in rows and int(column) - 1 in columns for row, column in _MOVES.findall(painted)):
                return at - began
        return limit_s

    def drain(self, seconds: float) -> None:
        """Read along for so long."""
        end = time.perf_counter() + seconds
        while (left := end - time.perf_counter()) > 0:
            self._more(left)

    def until(self, what: Callable[[], bool], limit_s: float) -> None:
        """Read along until that holds."""
        end = time.perf_counter() + limit_s
        while not what():
            if time.perf_counter() > end:
                raise SystemExit(f"never came about; last painted:\n{self.seen[-2000:]!r}")
            self._more(0.05)

    def _more(self, wait_s: float) -> bytes:
        if not select.select([self._ours], [], [], wait_s)[0]:
            return b""
        try:
            painted = os.read(self._ours, KEPT)
        except OSError as error:  # Linux: the other side is gone
            raise SystemExit(f"the program ended: {self.seen[-2000:]!r}") from error
        self.seen = (self.seen + painted)[-KEPT:]
        return painted


def _environment() -> dict[str, str]:
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR") if name in os.environ}
    return {**kept, "TERM": "xterm-256color", "COLORTERM": "truecolor", "PYTHONPATH": str(_ROOT)}
