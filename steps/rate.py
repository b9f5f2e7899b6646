"""How fast a long transfer or comparison is, in words that change at most once in a while."""

from __future__ import annotations

from typing import Final

from runbook.engine.desk import Desk

_EVERY_NS: Final = 1_000_000_000


class Rate:
    """A `Progress` for an adapter: shows bytes done, MiB/s and what is left; may be called from any thread.

    It is a `ContentProgress` too: `what` is named after what is being done.
    """

    def __init__(self, desk: Desk, doing: str) -> None:
        self._desk = desk
        self._doing = doing
        self._began = desk.clock.monotonic_ns()
        self._said_at = -_EVERY_NS
        self._text = doing

    def __call__(self, done: int, total: int, what: str = "") -> None:
        spent = self._desk.clock.monotonic_ns() - self._began
        if spent - self._said_at >= _EVERY_NS or done == total:
            self._said_at = spent
            doing = f"{self._doing} {what}" if what else self._doing
            self._text = f"{doing}{_words(done, total, spent / 1e9)}"
        self._desk.progress(done, total, self._text)


def _words(done: int, total: int, seconds: float) -> str:
    """`: 340 MiB at 95.0 MiB/s, about 20 s left`; "" before there is anything to say."""
    if seconds < 1 or not done:
        return ""
    rate = done / seconds
    whole = f" of {total / 2**20:,.0f}" if total > done else ""
    left = f", about {_long((total - done) / rate)} left" if total > done else ""
    return f": {done / 2**20:,.0f}{whole} MiB at {rate / 2**20:,.1f} MiB/s{left}"


def _long(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:,.0f} min"
