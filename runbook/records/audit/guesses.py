"""What a value may have been before it was changed: words, digits, a spreadsheet's forms of a time."""

from __future__ import annotations

import contextlib
import re
import string
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from itertools import product
from typing import Final

from runbook.records.canonical import moment, second
from runbook.records.log.formats import FORMATS, WORDS
from runbook.records.log.testlog import COLUMNS, Row

_TIMES: Final = tuple(column for column in COLUMNS if column.endswith("_at") or column == "db_data_until")
_COUNTS: Final = tuple(name for name, form in FORMATS.items() if form.fits("7") and not form.fits("seven"))
_DAYS: Final = 400
_MINUTES: Final = 24 * 60
_SMALL: Final = 1_000  # every number below it is tried where a number stands
_TYPED: Final = string.ascii_letters + string.digits + " .,:;/-_'"


def likely(column: str, value: str) -> Iterator[str]:
    """The column's other words."""
    yield from sorted(WORDS.get(column, frozenset()) - {value})


def guesses(column: str, value: str) -> Iterator[str]:
    """Any one character changed or added, a bit flipped, another number, another day or time of day."""
    yield from _numbers(column)
    yield from _moments(column, value)
    yield from _characters(value)


def _numbers(column: str) -> Iterator[str]:
    if column in _COUNTS:
        yield from map(str, range(_SMALL))
    if column in FORMATS and FORMATS[column].fits("NOT_SET"):
        yield "NOT_SET"
    if column in FORMATS and FORMATS[column].fits(""):
        yield ""


def _moments(column: str, value: str) -> Iterator[str]:
    if column not in _TIMES or not FORMATS[column].fits(value) or not value:
        return
    at = moment(value)
    for shift in (*map(_days, range(-_DAYS, _DAYS)), *map(_minutes, range(-_MINUTES, _MINUTES))):
        with contextlib.suppress(OverflowError):  # there is no year 0, and none after 9999
            yield second(at + shift)


def _days(count: int) -> timedelta:
    return timedelta(days=count)


def _minutes(count: int) -> timedelta:
    return timedelta(minutes=count)


def _characters(value: str) -> Iterator[str]:
    letters = _alphabet(value)
    for at, character in enumerate(value):
        before, after = value[:at], value[at + 1 :]
        yield before + after
        yield from (before + chr(ord(character) ^ 1 << bit) + after for bit in range(7) if ord(character) < 0x80)
        yield from (before + other + after for other in letters if other != character)
    if len(value) <= len("2027-01-15T10:00:00Z"):
        yield from (value[:at] + one + value[at:] for at in range(len(value) + 1) for one in letters)


def _alphabet(value: str) -> str:
    """Of what a value of this kind is made."""
    if re.fullmatch(r"[a-z0-9]+:[0-9a-f]+", value):
        return "0123456789abcdef"
    return string.digits if re.fullmatch(r"[0-9:TZ+-]+", value) else _TYPED


# -- a spreadsheet's forms ----------------------------------------------------------------------------------------
_FORMS: Final = ("%d/%m/%Y %H:%M:%S", "%d/%m/%Y %H:%M", "%m/%d/%Y %H:%M:%S", "%m/%d/%Y %H:%M", "%Y-%m-%d %H:%M:%S")
_TRUTHS: Final[Mapping[str, str]] = {"true": "YES", "false": "NO"}


def saved_by_a_spreadsheet(row: Row) -> Iterator[Mapping[str, str]]:
    """All values as they were if a spreadsheet made of them what it takes for times, truth, numbers, text.

    Another reading of bytes that are no UTF-8 is among them.
    """
    for form, apostrophe in product(_FORMS, (False, True)):
        changes = {column: _before_saving(column, row[column], form, apostrophe=apostrophe) for column in row}
        if any(changes[column] != row[column] for column in row):
            yield changes
    for one, other in (("utf-8", "cp1252"), ("cp1252", "utf-8")):
        changes = {column: _read_as(row[column], one, other) for column in row}
        if any(changes[column] != row[column] for column in row):
            yield changes


def _before_saving(column: str, value: str, form: str, *, apostrophe: bool) -> str:
    bare = value.strip()
    if column in _TIMES:
        return _time(bare, form)
    if bare.lower() in _TRUTHS and column in WORDS:
        return _TRUTHS[bare.lower()]
    if column in _COUNTS and re.fullmatch(r"\d+[.,]0+", bare):
        return re.split("[.,]", bare)[0]
    if column == "account" and bare.isdecimal():
        return f"aws:{bare.zfill(12)}"
    if apostrophe and bare[:1] in {"=", "+", "-", "@"}:
        return f"'{bare}"
    return bare


def _time(text: str, form: str) -> str:
    try:
        return second(datetime.strptime(text, form).replace(tzinfo=UTC))
    except ValueError:
        return text


def _read_as(value: str, one: str, other: str) -> str:
    try:
        return value.encode(one, "surrogateescape").decode(other)
    except UnicodeError:
        return value
