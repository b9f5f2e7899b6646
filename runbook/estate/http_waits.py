"""For how long a provider wants to be left alone, in the dialects in which their headers say it."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from runbook.estate.http_message import Answer

_EPOCH_FROM = 1_000_000_000  # x-ratelimit-reset: GitHub sends the epoch, Northflank the seconds to go
_LONGEST_S = 7 * 86400.0  # longer than any provider means


def asked_wait(answer: Answer) -> float | None:
    """Seconds that the provider wants us to stay away, or None when it did not say.

    When its allowance is whole again counts only where the allowance is what ran out: GitHub's secondary limit
    refuses while plenty of the primary one is left.
    """
    after = seconds_until(answer.headers.get("retry-after", ""), answer)
    if after is not None or answer.headers.get("x-ratelimit-remaining", "0") != "0":
        return after
    return seconds_until(answer.headers.get("x-ratelimit-reset", ""), answer)


def seconds_until(moment: str, answer: Answer) -> float | None:
    """From a header's number (seconds to go, or the epoch) or HTTP date; None where it is neither.

    The provider's own `Date` is the clock for absolute times: ours may be wrong on a bad day.
    """
    date = _http_date(answer.headers.get("date", "")) or datetime.now(UTC)
    if re.fullmatch(r"\d{1,12}(\.\d{1,9})?", moment.strip()):
        value = float(moment)
        found = value - date.timestamp() if value > _EPOCH_FROM else value
    elif until := _http_date(moment):
        found = (until - date).total_seconds()
    else:
        return None
    return min(max(0.0, found), _LONGEST_S)


def _http_date(value: str) -> datetime | None:
    try:
        found = parsedate_to_datetime(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def length(seconds: float) -> str:
    """3 s, 4 min, 1:05 h: as long as a person needs it; never 0."""
    seconds = max(1.0, seconds)
    if seconds < 90:
        return f"{seconds:.0f} s"
    if seconds < 5400:
        return f"{seconds / 60:.0f} min"
    hours, minutes = divmod(round(seconds / 60), 60)
    return f"{hours}:{minutes:02} h"
