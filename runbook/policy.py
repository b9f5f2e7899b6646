"""The figures of the Backup & Data Retention Policy, once; and how few people a count may name."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

FEW: Final = "<10"
"""How a count from 1 to 9 is written wherever it is kept: it could point at a person."""


def spared(count: int | str) -> int | str:
    """The count as it may be kept; one that was written so already stays."""
    return FEW if isinstance(count, int) and 0 < count < 10 else count


@dataclass(frozen=True, slots=True)
class Policy:
    """Defaults as the policy says them; configuration may override a figure, never the order of the stages."""

    reference: str = "Backup & Data Retention Policy"
    retention_days: int = 30
    quarter_months: tuple[int, ...] = (1, 4, 7, 10)
    backup_age_limit: timedelta = timedelta(hours=26)  # daily, and two hours of grace
    backup_size_floor: float = 0.5  # of the backup before it
    clock_good_s: float = 5.0
    clock_limit_s: float = 60.0  # SigV4 and TOTP would fail next
    session_floor: timedelta = timedelta(minutes=15)  # a sign-in that ends sooner is renewed first
    session_wanted: timedelta = timedelta(hours=2)  # a restore may take that long; a shorter sign-in is a finding
    contacts_age_limit: timedelta = timedelta(days=183)  # of the printed contact list
    share_age_limit: timedelta = timedelta(days=365)  # since a custodian's share was last seen to work
    free_space_floor: int = 50 * 1024 * 1024  # bytes
