"""What is typed before a question is shown: on a terminal it answers nothing, as a key in the screens' grace does."""

from __future__ import annotations

import contextlib
import fcntl
import struct
import termios
from typing import Final, TextIO

from runbook.plain.echo import LOCAL

SAID: Final = "\n  What was typed before this was asked is dropped.\n"
PERHAPS: Final = "\n  What was typed and not entered is dropped, if anything was.\n"


def drop(source: TextIO, *, reading: bool) -> str:
    """Drop what waits at a terminal; answers what is to be said of it.  Where there is none, every line waits its turn.

    `reading`: somebody waits for a line already, so that all that can wait is a line without its Enter, unseen.
    """
    if not source.isatty():
        return ""
    with contextlib.suppress(termios.error, OSError):  # the terminal was closed
        said = PERHAPS if reading else SAID if _waits(source.fileno()) else ""
        termios.tcflush(source.fileno(), termios.TCIFLUSH)
        return said
    return ""


def _waits(terminal: int) -> bool:
    """Whether anything does.  Line by line, a terminal counts no line that has not got its Enter: so not like that."""
    modes = termios.tcgetattr(terminal)
    by_character = list(modes)
    by_character[LOCAL] &= ~termios.ICANON
    termios.tcsetattr(terminal, termios.TCSANOW, by_character)
    try:
        (count,) = struct.unpack("i", fcntl.ioctl(terminal, termios.FIONREAD, bytes(4)))
        return bool(count)
    finally:
        termios.tcsetattr(terminal, termios.TCSANOW, modes)
