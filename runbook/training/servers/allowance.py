"""How many calls a provider allows in a window of time, and how it makes a caller wait."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Spent:
    """What one call found: `reset_s` are whole seconds until the window is over.

    `wait_s` says of a call that is refused how long to stay away; None: it is allowed.
    """

    used: int
    remaining: int
    reset_s: int
    wait_s: int | None


class Allowance:
    """`limit` calls in a window of `period_s` seconds, which begins with its first call; safe in several threads.

    A fault can have the next calls refused whatever is left.  `clock` gives seconds.
    """

    def __init__(self, limit: int, *, period_s: int = 3600, clock: Callable[[], float] = time.monotonic) -> None:
        self.limit = limit
        self._period_s = period_s
        self._clock = clock
        self._lock = threading.Lock()
        self._began = clock()
        self._used = 0
        self._refusals, self._wait_s = 0, 0

    def throttle(self, calls: int, wait: int) -> None:
        """Refuse the next `calls` calls, each with the request to wait that many seconds."""
        with self._lock:
            self._refusals, self._wait_s = calls, wait

    def spend(self) -> Spent:
        """Count a call."""
        with self._lock:
            now = self._clock()
            if self._used == 0 or now - self._began >= self._period_s:
                self._began, self._used = now, 0
            reset = max(1, math.ceil(self._period_s - (now - self._began)))
            if self._refusals > 0:
                self._refusals -= 1
                return Spent(self._used, self.limit - self._used, reset, self._wait_s)
            if self._used >= self.limit:
                return Spent(self._used, 0, reset, reset)
            self._used += 1
            return Spent(self._used, self.limit - self._used, reset, None)
