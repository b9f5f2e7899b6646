"""How long one call to a provider is waited for: throttling and other passing trouble have a budget each.

Loaded with the first call, as tenacity is.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

from tenacity import AsyncRetrying, RetryCallState, retry_if_exception

from runbook.estate.http_errors import UNSAID_S, Passing, Provider, Throttled
from runbook.estate.rates import KnownRates

THROTTLED_S = 120.0  # in all; GitHub asks for a minute at least
PATIENCE_S = 20.0  # in all, for everything else that may pass
_ATTEMPTS = 5
_FIRST_PAUSE_S = 0.5

R = TypeVar("R")


def may_pass(trouble: BaseException) -> bool:
    """What a read is asked again after."""
    return isinstance(trouble, Passing)


def not_carried_out(trouble: BaseException) -> bool:
    """What a change is sent again after: it was refused as one too many, so that nothing was done."""
    return isinstance(trouble, Throttled) and trouble.not_carried_out


class Patience:
    """For one call.  What a throttled one waits is seen in the rates meanwhile."""

    def __init__(self, provider: Provider, rates: KnownRates, sleep: Callable[[float], Awaitable[None]]) -> None:
        self._provider = provider
        self._rates = rates
        self._sleep = sleep
        self._began = rates.now()
        self._refusals = 0
        self._throttled_s = 0.0
        self._troubles = 0
        self._throttled = False

    async def call(self, once: Callable[[], Awaitable[R]], again: Callable[[BaseException], bool]) -> R:
        """`once`, and once more after each trouble that `again` says yes to, while the budget lasts."""
        retrying = AsyncRetrying(
            sleep=self._rest, retry=retry_if_exception(again), wait=self._pause, stop=self._spent, reraise=True
        )
        return await retrying(once)

    def _pause(self, state: RetryCallState) -> float:
        """What the provider asked for, else 0.5 s, 1 s, 2 s …; a throttled call always waits twice as long as before
        at least, from a minute on where nothing was said."""
        trouble = state.outcome.exception() if state.outcome else None
        asked = trouble.wait if isinstance(trouble, Passing) else None
        self._throttled = isinstance(trouble, Throttled)
        if self._throttled:
            least = UNSAID_S if asked is None else _FIRST_PAUSE_S
            return float(max(asked or 0.0, least * 2**self._refusals))
        return float(_FIRST_PAUSE_S * 2 ** (state.attempt_number - 1)) if asked is None else asked

    def _spent(self, state: RetryCallState) -> bool:
        """Called after `_pause`: whether that pause is not to be waited for any more."""
        pause = state.upcoming_sleep
        if self._throttled:
            self._refusals += 1
            if self._throttled_s + pause > THROTTLED_S:
                return True
            self._throttled_s += pause
            return False
        self._troubles += 1
        elapsed = self._rates.now() - self._began - self._throttled_s
        return self._troubles >= _ATTEMPTS or elapsed + pause > PATIENCE_S

    async def _rest(self, seconds: float) -> None:
        if self._throttled:
            await self._rates.rest(self._provider, seconds, self._sleep)
        else:
            await self._sleep(seconds)
