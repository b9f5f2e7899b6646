"""Many things in one sentence: the first are named, the others counted."""

from __future__ import annotations

from collections.abc import Sequence


def few(items: Sequence[str], most: int, *, between: str = ", ") -> str:
    """`a, b and 3 more`, or with `"; "` between them `a; b; and 3 more`; all of them where there are no more than
    `most`."""
    shown, rest = between.join(items[:most]), len(items) - most
    return f"{shown}{';' if ';' in between else ''} and {rest} more" if rest > 0 else shown
