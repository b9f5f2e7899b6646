"""Says, while a step waits, that a provider makes it wait: nothing is stuck, it has had too many calls."""

from __future__ import annotations

import functools
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

from runbook.estate.ports import Allowance
from steps.here import Here

R = TypeVar("R")
_FEW: Final = 0.05  # of the limit: as good as spent
LIMIT_S: Final = 240.0
"""A check's backstop where a provider may make it wait: adapters are patient for 120 s, then there is still work."""


def patient(look: Callable[[Here], Awaitable[R]]) -> Callable[[Here], Awaitable[R]]:
    """The same look, which shows who is waited for and how long still; any provider of the estate counts."""

    @functools.wraps(look)
    async def told(here: Here) -> R:
        before: dict[str, int] = {}  # by provider: refusals that are not of this look

        def tell(allowance: Allowance) -> None:
            times = allowance.refused - before.setdefault(allowance.provider, allowance.refused - 1)
            here.desk.progress(0, 0, words(allowance, times))

        stop = here.estate.rates.listen(tell)
        try:
            return await look(here)
        finally:
            stop()

    return told


def words(allowance: Allowance, times: int = 1) -> str:
    """`Cloudflare asks us to wait: 12 s still (refused 2 times)`; what is left only where that explains it."""
    again = f"refused {times} times" if times > 1 else ""
    told = ", ".join(part for part in (again, allowance.words if _nearly_spent(allowance) else "") if part)
    return f"{allowance.provider} asks us to wait: {allowance.waiting_s:.0f} s still{f' ({told})' if told else ''}"


def _nearly_spent(allowance: Allowance) -> bool:
    return allowance.remaining is not None and allowance.remaining <= _FEW * (allowance.limit or 0)
