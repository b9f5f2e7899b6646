"""What only people know of the restored data: whom it must not hold any more."""

from __future__ import annotations

from typing import Final

from steps.here import Here

ERASURES: Final = (
    "Every erasure and deletion carried out since the recovery point is listed, and was applied again to the restored "
    "data (or: there was none)"
)


def only_in_recovery(here: Here) -> str:
    """Why this mode does not have the step, or ""."""
    return "" if here.recovering else f"only a recovery's data is used again; this is {here.mode}"
