"""Whether the platform's hourly allowance will do for what is about to be done, said before it is done."""

from __future__ import annotations

from typing import Final

from steps.here import Here

CHANGED_GROUP: Final = 4  # calls: read, read again with its files, changed, read back
READ_GROUP: Final = 2  # right before the deployment, and after the rollout
SERVICE: Final = 4  # looked at, deployed, its deployments, its containers


def shortage(here: Here, calls: int) -> str:
    """What a preview's sentence ends in where fewer calls are left than about so many; "" where they will do."""
    known = here.estate.rates.of("northflank")
    if known is None or known.remaining is None or known.remaining >= calls:
        return ""
    when = f", for {known.resets_s / 60:.0f} min at most" if known.resets_s else ""
    return f"; about {calls} calls are needed, and {known.provider} allows {known.remaining} still: it will wait{when}"
