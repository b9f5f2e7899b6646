"""The sign-in to AWS that every client uses, in the three ways people have: a device's code, Identity Center, a chain.

It holds the session in memory and gives it a number; a new session has a higher one, and clients of older ones are
made anew.  A session that AWS says is over is dropped at once, so that nobody goes on with it.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable
from datetime import UTC, datetime
from threading import Lock, RLock
from typing import Final, Protocol

from runbook.config import Aws
from runbook.engine.errors import SignedOut
from runbook.engine.ports import Secret
from runbook.estate.aws.client import ServiceName, Signed
from runbook.estate.aws.credentials import Held, with_credentials
from runbook.estate.aws.errors import asking
from runbook.estate.aws.mfa import NEEDS_CODE, SOURCE, STS_ONLY, MfaWay
from runbook.estate.aws.profiles import AmbientWay, SsoWay
from runbook.estate.aws.refusals import ENDED
from runbook.estate.ports import SignInState
from runbook.safety.interlock import Interlock

_SIGN_IN_AGAIN: Final = "Sign in again with a new code; the run goes on where it stands."


class Way(Protocol):
    """One way of signing in; blocking."""

    def state(self, held: Held | None) -> SignInState: ...
    def take(self, code: Secret | None) -> Held: ...


class LoadedWay(Way, Protocol):
    """One that needs nobody: its session is there to be loaded."""

    def load(self) -> Held: ...


class AwsSignIn:
    """Thread-safe.  `keys`: long-term access key and secret key, where the way is `mfa` and no profile has them.

    `way`: one that is made elsewhere, in place of what is configured; `only`: the operations that its sessions may
    call at all.
    """

    def __init__(
        self,
        settings: Aws,
        keys: tuple[Secret, Secret] | None,
        interlock: Interlock,
        *,
        now: Callable[[], float] = time.time,
        way: LoadedWay | None = None,
        only: frozenset[str] | None = None,
    ) -> None:
        self._settings = settings
        self._interlock = interlock
        self._now = now
        self._only = only
        self._way = way or _way(settings, keys, interlock, self._clock)
        self._numbers = itertools.count()
        self._held: Held | None = None
        self._signed: Signed | None = None
        self._before: Signed | None = None  # long-term keys, for STS, until there was a session
        self._had_one = False
        self._lock = RLock()
        self._taking = Lock()  # one at a time: codes are used once

    @property
    def home_region(self) -> str:
        """The Region of IAM Identity Center: the profile's, else the account's."""
        if isinstance(self._way, SsoWay):
            with asking(SOURCE):
                return self._way.region
        return self._settings.region

    def current(self, service: ServiceName) -> Signed:
        """The session to call that service with; SignedOut where there is none (any more)."""
        with self._lock, asking(SOURCE):
            if self._signed is not None:
                return self._signed
            if isinstance(self._way, MfaWay):
                return self._without_session(self._way, service)
            return self._use(self._way.load())

    def state(self) -> SignInState:
        """Without a call to AWS."""
        with asking(SOURCE):
            with self._lock:
                over = self._held is not None and self._held.until is not None and self._held.until <= self._clock()
                held = None if over else self._held
            return self._way.state(held)

    def take(self, code: Secret | None) -> SignInState:
        """A new session in place of the present one; WrongCode leaves that as it is."""
        return self._taken(lambda: self._way.take(code))

    def take_without_code(self) -> SignInState:
        """The same, by what proves no second factor: for a run that nobody attends."""
        way = self._way
        return self._taken(way.without_code if isinstance(way, MfaWay) else lambda: way.take(None))

    def _taken(self, take: Callable[[], Held]) -> SignInState:
        with self._taking, asking(SOURCE):
            held = take()
            with self._lock:
                self._use(held)
            return self._way.state(held)

    def _use(self, held: Held) -> Signed:
        number = next(self._numbers)
        session = with_credentials(
            held.credentials,
            self._settings,
            self._interlock,
            heard=lambda what, code: self._heard(number, what, code),
            only=self._only,
        )
        self._held, self._signed, self._had_one = held, Signed(number, session), True
        return self._signed

    def _without_session(self, way: MfaWay, service: ServiceName) -> Signed:
        """After a lost session not even STS is asked: that these keys still exist would look like being signed in."""
        if self._had_one:
            raise SignedOut("aws", f"{SOURCE}: the session has run out", fix=_SIGN_IN_AGAIN, source=SOURCE)
        if service != "sts":
            raise SignedOut("aws", f"{SOURCE}: {NEEDS_CODE}", fix="Go to the sign-in of stage 1.", source=SOURCE)
        if self._before is None:
            session = with_credentials(way.before().credentials, self._settings, self._interlock, only=STS_ONLY)
            self._before = Signed(next(self._numbers), session)
        return self._before

    def _heard(self, number: int, operation: str, code: str) -> None:
        """AWS refused a call of session `number`; a HEAD is refused without a word ("400") when it is over."""
        if code in ENDED or (code == "400" and operation.startswith("s3:Head")):
            with self._lock:
                if self._signed is not None and self._signed.number == number:
                    self._held = self._signed = None

    def _clock(self) -> datetime:
        return datetime.fromtimestamp(self._now(), UTC)


def _way(
    settings: Aws, keys: tuple[Secret, Secret] | None, interlock: Interlock, clock: Callable[[], datetime]
) -> MfaWay | LoadedWay:
    match settings.sign_in.way:
        case "mfa":
            return MfaWay(settings, keys, interlock)
        case "sso":
            return SsoWay(settings, interlock, clock)
        case "ambient":
            return AmbientWay(settings, interlock)
