"""One way to write a value as JSON, so that a hash means the same on every machine and in every year."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

GENESIS = "0" * 64
"""What stands as the hash before the first line of a chain."""

_SURROGATES = re.compile("[\ud800-\udfff]")


def canonical(value: Any) -> bytes:
    """Sorted keys, no spaces, nothing escaped that JSON does not force, UTF-8; ValueError on NaN and infinity."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return text.encode("utf-8")


def digest(domain: str, value: Any) -> str:
    """SHA-256 (lower-case hex) over the domain's name, a zero byte and the canonical value (as in RFC 6962)."""
    return hashlib.sha256(domain.encode("ascii") + b"\0" + canonical(value)).hexdigest()


def plain(value: Any) -> Any:
    """The value as JSON would give it back: dicts, lists, strings, numbers, booleans, None.

    So that what was appended and what is read again are equal.  TypeError on anything without a JSON form.
    """
    match value:
        case None | bool():
            return value
        case str():
            return clean_text(str(value))
        case int():
            return int(value)
        case float():
            return float(value)
        case datetime():
            return stamp(value)
        case Mapping():
            return {_key(name): plain(item) for name, item in value.items()}
        case list() | tuple():
            return [plain(item) for item in value]
        case _:
            raise TypeError(f"{type(value).__name__} has no form in a record")


def _key(name: Any) -> str:
    if not isinstance(name, str):
        raise TypeError(f"a record's names are text, not {type(name).__name__}")
    return clean_text(str(name))


def clean_text(text: str) -> str:
    """Lone surrogates, which UTF-8 cannot hold, become U+FFFD."""
    return _SURROGATES.sub("\ufffd", text)


def stamp(at: datetime) -> str:
    """`2027-01-15T10:00:00.123456Z`: UTC, microseconds; ValueError on a time without a zone."""
    if at.tzinfo is None:
        raise ValueError("a time without a zone is not recorded")
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def second(at: datetime) -> str:
    """`2027-01-15T10:00:00Z`: UTC, whole seconds (cut, not rounded)."""
    return stamp(at)[:19] + "Z"


def moment(text: str) -> datetime:
    """The aware time that an ISO text says; ValueError when it is none or has no zone."""
    at = datetime.fromisoformat(text)
    if at.tzinfo is None:
        raise ValueError(f"{text!r} has no zone")
    try:
        return at.astimezone(UTC)
    except OverflowError:
        raise ValueError(f"{text!r} is in no year of UTC's") from None
