"""The practice operator's MFA device: RFC 6238, six digits, thirty seconds, judged as AWS does it."""

from __future__ import annotations

import os
from collections.abc import Callable
from threading import Lock

from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.totp import TOTP

WINDOW_S = 30
DRIFT = 1
"""A device may be that many windows ahead or behind."""


class Device:
    """`serial` names it; `clock` is the provider's, in seconds since the epoch.  A window's code is good once."""

    def __init__(self, serial: str, clock: Callable[[], float]) -> None:
        self.serial = serial
        self._clock = clock
        # SHA-1 is what every authenticator reckons with; as an HMAC it is not broken.
        self._totp = TOTP(os.urandom(20), 6, SHA1(), WINDOW_S)  # noqa: S303
        self._used: set[int] = set()
        self._lock = Lock()

    def accepts(self, code: str) -> bool:
        """True once for the code of a window that is near enough."""
        now = self._window()
        with self._lock:
            for window in range(now - DRIFT, now + DRIFT + 1):
                if window not in self._used and self._code(window) == code:
                    self._used.add(window)
                    return True
        return False

    def next_code(self) -> str:
        """The next one that will be accepted: this window's, the next one's, or the one's before, whichever is unused.

        A run in training signs in more often in a minute than people do.  Three times in one window is the most;
        after that it shows the one that will be accepted in half a minute.
        """
        now = self._window()
        with self._lock:
            unused = (window for window in (now, now + DRIFT, now - DRIFT) if window not in self._used)
            return self._code(next(unused, now + DRIFT + 1))

    def _window(self) -> int:
        return int(self._clock() // WINDOW_S)

    def _code(self, window: int) -> str:
        return self._totp.generate(window * WINDOW_S).decode()
