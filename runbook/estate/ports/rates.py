"""How much of a provider's allowance is left, and whether it makes us wait just now."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Allowance:
    """As the newest answer of the provider said it; None where it does not say.

    `waiting_s` are the seconds that a call still waits because the provider asked for it (0: none does);
    `refused` is how often it has refused a call for this reason in this process.
    """

    provider: str  # as people call it
    limit: int | None = None
    remaining: int | None = None
    resets_s: float | None = None  # until the allowance is whole again
    waiting_s: float = 0.0
    refused: int = 0

    @property
    def words(self) -> str:
        """`912 of 1,000 calls left`; "" where the provider does not say."""
        if self.limit is None or self.remaining is None:
            return ""
        return f"{self.remaining:,} of {self.limit:,} calls left"


class Rates(Protocol):
    """One for an estate; adapters feed it, steps show it."""

    def of(self, provider: str) -> Allowance | None:
        """`northflank`, `github`, `registry`, `cloudflare`; None before its first answer."""
        ...

    def waiting(self) -> tuple[Allowance, ...]:
        """Those that make a call wait just now, the longest first."""
        ...

    def listen(self, listener: Callable[[Allowance], None]) -> Callable[[], None]:
        """Tell `listener`, in the event loop, when a call begins to wait and about every second of it; answers what
        ends that.  Nothing is told while nobody waits."""
        ...
