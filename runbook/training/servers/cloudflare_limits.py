"""Cloudflare's allowance of calls, enforced: 1200 in five minutes, and the owner is then locked out for five more."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

from werkzeug.wrappers import Response

from runbook.training.servers import cloudflare_documents as documents

ALLOWED = 1200
WINDOW = 300.0
"""Seconds."""


class Limits:
    """Counts the calls of one token's owner; `clock` counts seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._begun = clock()
        self._used = 0
        self._locked_until = 0.0
        self._throttled = 0
        self._wait = 0

    def throttle(self, calls: int, wait: int) -> None:
        """Refuse the next `calls` calls, each with `wait` seconds to wait."""
        with self._lock:
            self._throttled, self._wait = calls, wait

    def refusal(self) -> Response | None:
        """Count one call; the answer to one too many."""
        with self._lock:
            wait = self._count(self._clock())
        if wait <= 0:
            return None
        refused = documents.refusal(429, 971, "Please wait and consider throttling your request speed")
        refused.headers["retry-after"] = str(math.ceil(wait))
        return refused

    def _count(self, now: float) -> float:
        """Seconds that this call would have had to wait; 0: it may pass."""
        if now < self._locked_until:
            return self._locked_until - now
        if now - self._begun >= WINDOW:
            self._begun, self._used = now, 0
        if self._throttled > 0:
            self._throttled -= 1
            return self._wait
        self._used += 1
        if self._used <= ALLOWED:
            return 0
        self._locked_until = now + WINDOW
        return WINDOW

    def stamp(self, response: Response) -> None:
        """What every answer says of the allowance; `x-ratelimit-reset` is a date."""
        with self._lock:
            now = self._clock()
            left = max(0.0, max(self._locked_until, self._begun + WINDOW) - now)
            remaining = 0 if now < self._locked_until else max(0, ALLOWED - self._used)
        resets = datetime.now(UTC) + timedelta(seconds=left)
        response.headers["x-ratelimit-limit"] = str(ALLOWED)
        response.headers["x-ratelimit-remaining"] = str(remaining)
        response.headers["x-ratelimit-reset"] = format_datetime(resets, usegmt=True)
