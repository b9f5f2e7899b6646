"""Days and quarters, in UTC, as people say them."""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

MONTHS: Final = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
"""In English whatever the locale."""


def day(at: date | None) -> str:
    """`15 January`."""
    return f"{at.day} {MONTHS[at.month - 1]}" if at else "a day not known"


def day_of_year(at: date | None) -> str:
    """`15 January 2027`."""
    return f"{day(at)} {at.year}" if at else day(None)


def minute(at: datetime) -> str:
    """`15 January 2027 09:15Z`."""
    return f"{day_of_year(at)} {at:%H:%M}Z"


def days(span: timedelta) -> str:
    """`1 day`, `39 days`."""
    return f"{span.days} day{'s' * (span.days != 1)}"


@dataclass(frozen=True, slots=True, order=True)
class Quarter:
    """A calendar quarter; `number` from 1."""

    year: int
    number: int

    @classmethod
    def of(cls, at: date) -> Quarter:
        """The one in which that day lies."""
        return cls(at.year, (at.month + 2) // 3)

    @classmethod
    def named(cls, text: str) -> Quarter | None:
        """`2027-Q1`; None for another form."""
        found = re.fullmatch(r"([1-9]\d{3})-Q([1-4])", text, re.ASCII)
        return cls(int(found[1]), int(found[2])) if found else None

    def __str__(self) -> str:
        return f"{self.year}-Q{self.number}"

    @property
    def next(self) -> Quarter:
        """The one after it."""
        return Quarter(self.year, self.number + 1) if self.number < 4 else Quarter(self.year + 1, 1)

    def due(self, months: Collection[int]) -> tuple[date, date]:
        """First and last day of that one of its months in which its test is due."""
        mine = range(3 * self.number - 2, 3 * self.number + 1)
        month = next((each for each in mine if each in months), mine[-1])
        return date(self.year, month, 1), date(self.year, month, monthrange(self.year, month)[1])
