"""Times as people say them, so that they can be read out: no glyph, no colon."""

from __future__ import annotations

from typing import Final

_UNITS: Final = ((86400, "day"), (3600, "hour"), (60, "minute"), (1, "second"))
_MOST: Final = 2  # units in one time: who waits for hours counts no seconds


def spoken(seconds: float) -> str:
    """`1 hour 2 minutes`, `45 seconds`; the two largest units that say anything."""
    left, parts = max(int(seconds), 0), list[str]()
    for length, name in _UNITS:
        count, left = divmod(left, length)
        if count:
            parts.append(counted(count, name))
        if parts and (len(parts) == _MOST or length == 1 or not count):
            break
    return " ".join(parts) or "0 seconds"


def counted(count: int, name: str) -> str:
    """`1 run`, `3 runs`."""
    return f"{count} {name}{'s' * (count != 1)}"
