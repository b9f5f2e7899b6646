"""What is said of tables, shares and manifests, in one way everywhere."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC
from typing import Final

from runbook.engine.few import few
from runbook.manifest import Manifest

_NAMED: Final = 5


def named(tables: Iterable[str]) -> str:
    """Their names, as far as a line can hold them."""
    return few(list(tables), _NAMED)


def share(part: int, whole: int) -> str:
    """As a percentage that is 100 only when it is all, and 0 only when it is nothing."""
    percent = 100 * part / whole if whole else 100.0
    if 0 < part < whole:
        percent = min(max(percent, 0.1), 99.9)
    return f"{percent:.1f}".removesuffix(".0") + " %"


def hour(made: Manifest) -> str:
    """When it was made, as people say it."""
    return f"{made.made_at.astimezone(UTC):%H:%M} UTC"
