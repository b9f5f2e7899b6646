"""The figures of the Backup & Data Retention Policy, once."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta


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
    free_space_floor: int = 50 * 1024 * 1024  # bytes
