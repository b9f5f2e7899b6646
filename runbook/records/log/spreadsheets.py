"""What a spreadsheet takes for a formula, a number, a date or a truth value when it opens the log.

A formula is evaluated, quoted or not; of anything else another text may be saved.

Measured with LibreOffice 7.4 in English, German, French and Japanese, with its detection of special numbers and without
it: `=1+1` came back as `2`, `00123` as `123`, `1/2` as `01/02/2026`, `10:30` as `10:30:00 AM`, `3.10` as `3.1`.
"""

from __future__ import annotations

import re

_FORMULA = re.compile("[=+\\-@\uff1d\uff0b\uff0d\uff20]")  # the full-width forms too
_PLAIN = re.compile(r"0|-?[1-9][0-9]{0,14}")  # of a longer one only fifteen figures are kept
_MONTHS = "jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?"
_WORDS = rf"e|t|a|p|am|pm|{_MONTHS}|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?"
_SIGNS = r"\d\s.,:/%()'’£$€¥+\-−–_"  # noqa: RUF001  # what stands in numbers, amounts, dates and times of any country
_VALUE = re.compile(rf"(?=.*\d)(?:[{_SIGNS}]|(?<![a-z])(?:{_WORDS})(?![a-z]))+", re.IGNORECASE)
_TRUTHS = frozenset({"true", "false"})


def mistaken(text: str) -> bool:
    """Whether a spreadsheet could make something else of this text; a plain integer comes back as it is."""
    if _PLAIN.fullmatch(text):
        return False
    if _FORMULA.match(text):
        return True
    return text.strip().casefold() in _TRUTHS or _VALUE.fullmatch(text) is not None
