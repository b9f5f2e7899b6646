"""What is pasted where something must be typed: a line end in it is not the Enter key.

On a terminal that marks what is pasted ("bracketed paste") a pasted line end can be told from Enter.  Where there is
no terminal, or one without such marks, nothing here does anything.
"""

from __future__ import annotations

import contextlib
import os
import re
import sys
from collections.abc import Iterator
from typing import Final, TextIO

MARK: Final = "\x1b[?2004h"
MARK_NO_MORE: Final = "\x1b[?2004l"
BEGIN: Final = "\x1b[200~"
END: Final = "\x1b[201~"
_WHOLE: Final = re.compile(re.escape(BEGIN) + "(.*?)" + re.escape(END))


@contextlib.contextmanager
def marked(source: TextIO) -> Iterator[None]:
    """Inside it the terminal marks what is pasted."""
    if not (source.isatty() and sys.stdout.isatty() and os.environ.get("TERM", "dumb") != "dumb"):
        yield
        return
    _tell(MARK)
    try:
        yield
    finally:
        _tell(MARK_NO_MORE)


def as_typed(line: str) -> str:
    """The line, in which a whole paste is as good as typed; one that its own line end cut short keeps its mark.

    The rest of such a paste, where it is left in front of the next line, is none of that line.
    """
    return _WHOLE.sub(r"\1", line.removeprefix(END))


def _tell(terminal: str) -> None:
    with contextlib.suppress(OSError):  # it was closed: the run and its record go on
        sys.stdout.write(terminal)
        sys.stdout.flush()
