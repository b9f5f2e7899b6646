"""Standard output that is a file while somebody types at a terminal: what is said is shown to them too."""

from __future__ import annotations

import contextlib
import io
import os
import stat
import sys
from collections.abc import Iterator
from typing import TextIO


@contextlib.contextmanager
def shown_too() -> Iterator[None]:
    """Inside it, what goes to such a file goes to the terminal of standard error as well; else nothing changes."""
    if not (sys.stdin.isatty() and sys.stderr.isatty() and _is_file(sys.stdout)):
        yield
        return
    with contextlib.redirect_stdout(_Both(sys.stdout, sys.stderr)):
        yield


def _is_file(out: TextIO) -> bool:
    try:
        return stat.S_ISREG(os.fstat(out.fileno()).st_mode)
    except OSError:  # it is none of the system's, or closed
        return False


class _Both(io.TextIOBase):
    """The file is what counts: a terminal that is gone takes nothing from it."""

    def __init__(self, file: TextIO, terminal: TextIO) -> None:
        self._file = file
        self._terminal = terminal

    def write(self, text: str, /) -> int:
        with contextlib.suppress(OSError):
            self._terminal.write(text)
        return self._file.write(text)

    def flush(self) -> None:
        with contextlib.suppress(OSError):
            self._terminal.flush()
        self._file.flush()

    def fileno(self) -> int:
        return self._file.fileno()
