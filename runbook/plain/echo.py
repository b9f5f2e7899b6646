"""Whether a terminal shows what is typed; both do nothing where there is no terminal.

`getpass` would do, but for a read that goes on when its question is withdrawn: echo must then stay off beside it.
"""

from __future__ import annotations

import contextlib
import termios
from typing import TextIO

LOCAL = 3  # the place of the local modes among a terminal's attributes


def off(source: TextIO) -> None:
    """Nothing that is typed is shown from now on; what was typed ahead is dropped, as `getpass` does."""
    _set(source, shown=False)


def on(source: TextIO) -> None:
    """What is typed is shown again."""
    _set(source, shown=True)


def _set(source: TextIO, *, shown: bool) -> None:
    if not source.isatty():
        return
    with contextlib.suppress(termios.error):  # the terminal was closed
        modes = termios.tcgetattr(source.fileno())
        modes[LOCAL] = modes[LOCAL] | termios.ECHO if shown else modes[LOCAL] & ~termios.ECHO
        termios.tcsetattr(source.fileno(), termios.TCSADRAIN if shown else termios.TCSAFLUSH, modes)
