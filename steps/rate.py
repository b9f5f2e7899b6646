"""How fast a long transfer is, in words that change at most once in a while."""

from __future__ import annotations

from typing import Final

from runbook.engine.desk import Desk

_EVERY_NS: Final = 2_000_000_000


class Rate:
    """A `Progress` for an adapter: shows bytes done, MiB/s and what is left; may be called from any thread."""

    def __init__(self, desk: Desk, doing: str) -> None:
        self._desk = desk
        self._doing = doing
        self._began = desk.clock.monotonic_ns()
        self._said_at = -_EVERY_NS
        self._text = doing

    def __call__(self, done: int, total: int) -> None:
        spent = self._desk.clock.monotonic_ns() - self._began
        if spent - self._said_at >= _EVERY_NS or done == total:
            self._said_at = spent
            self._text = f"{self._doing}{_words(done, total, spent / 1e9)}"
        self._desk.progress(done, total, self._text)


def _words(done: int, total: int, seconds: float) -> str:
    if seconds < 1 or not done:
        return ""
    rate = done / seconds
    left = f", about {(total - done) / rate:.0f} s left" if total > done else ""
    return f": {done / 2**20:,.0f} MiB at {rate / 2**20:,.1f} MiB/s{left}"
