"""Whether there is a terminal to show screens on; loads nothing."""

from __future__ import annotations

import os
import sys


def on_terminal() -> bool:
    """Whether screens can be shown: Textual paints on standard error, and hangs where that is no terminal."""
    streams = (sys.stdin, sys.stdout, sys.stderr)
    return all(stream.isatty() for stream in streams) and os.environ.get("TERM", "dumb") != "dumb"
