"""SIGTERM and a closed terminal: leave in order, so that the journal is complete and the terminal is put back."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import Callable

EXIT_CODES = {signal.SIGTERM: 143, signal.SIGHUP: 129}
INTERRUPTED = 130


def listen(leave: Callable[[int], None]) -> None:
    """Call `leave(exit code)` on the running loop; does nothing where a thread cannot listen to signals."""
    loop = asyncio.get_running_loop()
    with contextlib.suppress(NotImplementedError, RuntimeError, ValueError):
        for number, code in EXIT_CODES.items():
            loop.add_signal_handler(number, leave, code)


def stop_listening() -> None:
    """Give the signals back."""
    loop = asyncio.get_running_loop()
    with contextlib.suppress(NotImplementedError, RuntimeError, ValueError):
        for number in EXIT_CODES:
            loop.remove_signal_handler(number)
