"""Moments of a script, which is written long before it is played: `-90s` is that long before the answer is given."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Final

FORMS: Final = "-90s, -15min, -2h, -1d"
_UNITS: Final = {"s": 1, "min": 60, "h": 3600, "d": 86400}
_BEFORE: Final = re.compile(r"-([0-9]{1,5})(s|min|h|d)", re.ASCII)


def resolved(text: str, now: datetime) -> str:
    """A relative moment as `2026-11-25T03:00:00Z`, whole seconds cut; any other text as it is."""
    before = _before(text)
    return text if before is None else f"{(now - before).astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def well_formed(text: str) -> bool:
    """Whether what looks like a relative moment, by its sign and a digit, is one."""
    return re.match(r"-\s*[0-9]", text) is None or _before(text) is not None


def _before(text: str) -> timedelta | None:
    match = _BEFORE.fullmatch(text)
    return timedelta(seconds=int(match[1]) * _UNITS[match[2]]) if match else None
