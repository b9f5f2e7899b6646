"""How much of each provider's allowance is left, as their answers say it, and which of them makes us wait just now.

One for an estate, behind `ports.Rates`: every `http.Api` feeds it and asks it before a call, so that what one call
was told holds for all.  The dialects: Northflank says the seconds to go, GitHub the epoch, Cloudflare an HTTP date
(or, in newer answers, `ratelimit` and `ratelimit-policy`).
"""

from __future__ import annotations

import re
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Lock

from runbook.estate.http_errors import Provider
from runbook.estate.http_message import Answer
from runbook.estate.http_waits import seconds_until
from runbook.estate.ports import Allowance

LONGEST_HOLD_S = 3600.0  # no provider's allowance takes longer to be whole again: a wilder answer is not believed
_TICK_S = 1.0
_HARDLY_S = 0.05  # a clock's grain: nobody waits for that

Listener = Callable[[Allowance], None]


@dataclass
class _Known:
    """Of one provider; `resets_at` and `held_until` are on the monotonic clock, `waits` the ends of waits under way."""

    title: str
    limit: int | None = None
    remaining: int | None = None
    resets_at: float | None = None
    held_until: float = 0.0
    refused: int = 0
    waits: dict[object, float] = field(default_factory=dict)


class KnownRates:
    """`ports.Rates`; safe to use from several threads.  `monotonic` reads seconds."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self.now = monotonic
        self._lock = Lock()
        self._known: dict[str, _Known] = {}
        self._listeners: dict[object, Listener] = {}

    # -- what steps ask -------------------------------------------------------------------------------------------
    def of(self, provider: str) -> Allowance | None:
        with self._lock:
            known = self._known.get(provider)
            return None if known is None else self._allowance(known)

    def waiting(self) -> tuple[Allowance, ...]:
        with self._lock:
            found = [self._allowance(known) for known in self._known.values() if known.waits]
        return tuple(sorted((one for one in found if one.waiting_s > 0), key=lambda one: -one.waiting_s))

    def listen(self, listener: Listener) -> Callable[[], None]:
        token = object()
        with self._lock:
            self._listeners[token] = listener

        def stop() -> None:
            with self._lock:
                self._listeners.pop(token, None)

        return stop

    # -- what adapters feed ---------------------------------------------------------------------------------------
    def heard(self, provider: Provider, answer: Answer) -> None:
        """An answer came: what it says of the allowance is known from now on; what it leaves out stays as it was."""
        limit, remaining, resets = _said(answer)
        with self._lock:
            known = self._of(provider)
            if remaining is not None:
                known.limit = known.limit if limit is None else limit
                known.remaining = remaining
                known.resets_at = None if resets is None else self.now() + resets

    def refused(self, provider: Provider, wait: float) -> None:
        """It refused a call since there were too many: nobody is to ask it for that many seconds."""
        with self._lock:
            known = self._of(provider)
            known.refused += 1
            known.held_until = max(known.held_until, self.now() + min(wait, LONGEST_HOLD_S))

    def held(self, provider: Provider) -> float:
        """For how many seconds it is still not to be asked; 0 when it may be."""
        with self._lock:
            known = self._known.get(provider.id)
            left = 0.0 if known is None else known.held_until - self.now()
        return left if left > _HARDLY_S else 0.0

    async def rest(self, provider: Provider, seconds: float, sleep: Callable[[float], Awaitable[None]]) -> None:
        """Wait because it asked for that, and tell the listeners so, about every second."""
        with self._waits(provider, seconds):
            while seconds > 0:
                self._tell(provider)
                await sleep(min(seconds, _TICK_S))
                seconds -= _TICK_S

    @contextmanager
    def _waits(self, provider: Provider, seconds: float) -> Iterator[None]:
        token = object()
        with self._lock:
            self._of(provider).waits[token] = self.now() + seconds
        try:
            yield
        finally:
            with self._lock:
                del self._of(provider).waits[token]

    def _tell(self, provider: Provider) -> None:
        allowance = self.of(provider.id)
        with self._lock:
            listeners = tuple(self._listeners.values())
        if allowance is not None:
            for listener in listeners:
                listener(allowance)

    def _of(self, provider: Provider) -> _Known:
        return self._known.setdefault(provider.id, _Known(provider.title))

    def _allowance(self, known: _Known) -> Allowance:
        """As it stands now: once its time has come, the allowance is whole again."""
        now = self.now()
        whole = known.resets_at is not None and known.resets_at <= now
        return Allowance(
            provider=known.title,
            limit=known.limit,
            remaining=known.limit if whole else known.remaining,
            resets_s=None if whole or known.resets_at is None else known.resets_at - now,
            waiting_s=max((end - now for end in known.waits.values()), default=0.0),
            refused=known.refused,
        )


def _said(answer: Answer) -> tuple[int | None, int | None, float | None]:
    """Limit, remaining, and the seconds until it is whole again; None where the answer does not say."""
    headers = answer.headers
    if "x-ratelimit-remaining" in headers or "ratelimit" not in headers:
        resets = seconds_until(headers.get("x-ratelimit-reset", ""), answer)
        return _whole(headers, "x-ratelimit-limit"), _whole(headers, "x-ratelimit-remaining"), resets
    to_go = _parameter(headers, "ratelimit", "t")
    return (
        _parameter(headers, "ratelimit-policy", "q"),
        _parameter(headers, "ratelimit", "r"),
        None if to_go is None else float(to_go),
    )


def _whole(headers: Mapping[str, str], name: str) -> int | None:
    found = re.match(r"\s*(\d{1,9})\b", headers.get(name, ""))
    return int(found[1]) if found else None


def _parameter(headers: Mapping[str, str], name: str, parameter: str) -> int | None:
    """`r` of `"default";r=50;t=30`."""
    found = re.search(rf";\s*{parameter}=(\d{{1,9}})\b", headers.get(name, ""))
    return int(found[1]) if found else None
