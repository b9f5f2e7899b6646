"""What a row says, as values; None for what it does not say as a row should."""

from __future__ import annotations

from datetime import datetime

from runbook.records.canonical import moment


def count_of(text: str) -> int | None:
    """Whole seconds, or how many."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else None


def time_of(text: str) -> datetime | None:
    """An aware time."""
    try:
        return moment(text)
    except ValueError:
        return None
