"""Reading what a provider said without trusting its shape: absent, null and oddly typed fields are met calmly.

Providers add, drop and rename fields (Northflank did in 2026), so an
adapter reads with these and decides for itself which absence matters.  Every text comes out cleaned.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from runbook.safety.outside_text import outside_text


def mapping(value: object) -> Mapping[str, Any]:
    """The object itself, or an empty one when it is anything else."""
    return value if isinstance(value, Mapping) else {}


def listing(value: object) -> Sequence[Any]:
    """The array itself, or an empty one when it is anything else."""
    return value if isinstance(value, list) else ()


def text(value: object, limit: int = 500) -> str:
    """The cleaned text; empty for null."""
    return "" if value is None else outside_text(value, limit)


def optional(value: object) -> str | None:
    """The cleaned text, or None where nothing was said."""
    return text(value) or None


def number(value: object) -> int:
    """The whole number, or 0 where there is none."""
    return whole(value) or 0


def whole(value: object) -> int | None:
    """The whole number, or None where there is none: not said is not 0."""
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def moment(value: object) -> datetime | None:
    """An ISO 8601 time as an aware UTC datetime, or None; a time without a zone is UTC, as these providers mean it."""
    if not isinstance(value, str) or not value:
        return None
    try:
        said = datetime.fromisoformat(value)
    except ValueError:
        return None
    return said.astimezone(UTC) if said.tzinfo else said.replace(tzinfo=UTC)
