"""The providers' allowances in memory: what is left of each, and who makes a call wait."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from runbook.estate.ports import Allowance

_NAMES = {"northflank": "Northflank", "github": "GitHub", "registry": "GHCR", "cloudflare": "Cloudflare"}
_LIMITS = {"northflank": 1000, "github": 5000, "cloudflare": 1200}


class MemoryRates:
    """`ports.Rates`; `known` may be set by a test, by the provider's key."""

    def __init__(self) -> None:
        self.known: dict[str, Allowance] = {}
        self._refusing: dict[str, tuple[int, float]] = {}
        self._listeners: list[Callable[[Allowance], None]] = []

    def of(self, provider: str) -> Allowance | None:
        return self.known.get(provider)

    def waiting(self) -> tuple[Allowance, ...]:
        held = [one for one in self.known.values() if one.waiting_s > 0]
        return tuple(sorted(held, key=lambda one: one.waiting_s, reverse=True))

    def listen(self, listener: Callable[[Allowance], None]) -> Callable[[], None]:
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    def begin_wait(self, provider: str, seconds: float) -> None:
        """From now on a call of that provider waits for so many seconds; 0: none does any more."""
        self._tell(provider, replace(self._now(provider), waiting_s=seconds))

    def refuse(self, provider: str, calls: int, wait: float) -> None:
        """The next `calls` calls are refused, each to be tried again after `wait` seconds."""
        self._refusing[provider] = (calls, wait)

    def refuses(self, provider: str) -> bool:
        """Whether this call is refused once more; it is counted."""
        calls, wait = self._refusing.get(provider, (0, 0.0))
        if calls == 0:
            return False
        self._refusing[provider] = (calls - 1, wait)
        known = self._now(provider)
        self._tell(provider, replace(known, remaining=0, waiting_s=wait, refused=known.refused + 1))
        return True

    def let_in(self, provider: str) -> None:
        """A call is answered: the answer says what is left, and nobody waits for a refusal any more."""
        if provider not in _NAMES:
            return
        known, limit = self._now(provider), _LIMITS.get(provider)
        whole = known.remaining or limit
        left = None if whole is None else max(whole - 1, 1)
        waits = 0.0 if provider in self._refusing else known.waiting_s
        self._refusing.pop(provider, None)
        self.known[provider] = replace(known, limit=limit, remaining=left, waiting_s=waits)

    def _tell(self, provider: str, allowance: Allowance) -> None:
        self.known[provider] = allowance
        for listener in tuple(self._listeners) if allowance.waiting_s > 0 else ():
            listener(allowance)

    def _now(self, provider: str) -> Allowance:
        return self.known.get(provider) or Allowance(_NAMES.get(provider, provider))
